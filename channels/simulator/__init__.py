"""A strict stand-in for Meta's Graph API with a phone-like chat page, for tests and the demo.

It knows the wire format from Meta's published documentation alone and imports nothing else of
this repository: it is the other side. See `rules.py` for everything it refuses.
"""

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig

__all__ = ["SimulatorConfig", "create_app"]
