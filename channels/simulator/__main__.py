"""`python -m channels.simulator`: serve the simulator as the environment says."""

from __future__ import annotations

from channels.simulator.config import SimulatorConfig
from channels.simulator.server import serve

if __name__ == "__main__":
    serve(SimulatorConfig.from_env())
