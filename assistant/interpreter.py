"""How the threads of a process share its interpreter."""

from __future__ import annotations

import sys

# A thread that waits for the interpreter gets it after half a millisecond, not five: webhooks are
# answered while others are stored, and a turn that commits, which everybody waits for who writes,
# does not wait at every statement for a turn that thinks.
_SWITCH_SECONDS = 0.0005


def switch_threads_often() -> None:
    """For a process in which threads compute beside threads that others wait for."""
    sys.setswitchinterval(_SWITCH_SECONDS)
