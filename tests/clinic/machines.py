"""How the state machines of this folder are run: quickly and always alike, or deeply.

`SANDHI_TEST_EXAMPLES=500` looks deeper: so many histories, other ones each time.
`SANDHI_TEST_SHRINK=no` leaves a failing history as long as it was found (`tests.faults`).
"""

from __future__ import annotations

import os
from typing import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

DEEPER = os.environ.get("SANDHI_TEST_EXAMPLES")
PHASES = [Phase.explicit, Phase.generate]
if os.environ.get("SANDHI_TEST_SHRINK") != "no":
    PHASES.append(Phase.shrink)


def run(machine: Callable[[], RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Let a machine live through `examples` histories of at most `steps` steps.

    Args:
        examples: how many where `SANDHI_TEST_EXAMPLES` says nothing; these are always the same.
    """
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(DEEPER or examples),
            stateful_step_count=steps,
            deadline=None,
            derandomize=DEEPER is None,
            database=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
