"""How a button names visits: `12:3` is visit 12 as it stood at its third version.

A visit whose time was changed after that version is not the one the button speaks of. A reminder
of several visits names them all: `12:3,13:1`.
"""

from __future__ import annotations

import re
from typing import Any, List, Optional, Tuple

# of a button that names more, nobody made it so
MOST_AT_ONCE = 5

_KEY = re.compile(r"([0-9]{1,18})(?::([0-9]{1,9}))?", re.ASCII)


def visit_key(appointment_id: int, version: int) -> str:
    """The name of a visit as it stands at a version."""
    return f"{appointment_id}:{version}"


def read_visit_key(key: Any) -> Optional[Tuple[int, Optional[int]]]:
    """The visit's id, and its version where the key says one; None where this is no key."""
    found = _KEY.fullmatch(str(key or ""))
    if found is None:
        return None
    return int(found[1]), int(found[2]) if found[2] else None


def visit_keys(named: Any) -> List[str]:
    """The keys that a button names, `MOST_AT_ONCE` of them at most."""
    return str(named or "").split(",")[:MOST_AT_ONCE]
