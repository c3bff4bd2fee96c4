"""Rate limits: a token bucket for the number and one for each recipient."""

from __future__ import annotations

from collections import OrderedDict
from typing import Tuple

from channels.simulator import rules
from channels.simulator.config import SimulatorConfig
from channels.simulator.refusal import broken

_PAIRS_KEPT = 50_000


def _refilled(tokens: float, seconds: float, rate: float, capacity: float) -> float:
    return min(capacity, tokens + max(0.0, seconds) * rate)


class RateLimits:
    """Not locked by itself: the simulator calls it under its own lock.

    `now` is the simulator's clock, in seconds, so shifting the clock refills the buckets.
    """

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._number: Tuple[float, float] = (float("inf"), 0.0)
        self._pairs: OrderedDict[str, Tuple[float, float]] = OrderedDict()

    def take_number(self, now: float) -> None:
        """Spend one message of the number's throughput.

        Raises:
            RefusalError: 130429, over the rate.
        """
        rate = self._config.number_rate
        if rate <= 0:
            return
        tokens, at = self._number
        tokens = _refilled(tokens, now - at, rate, rate)
        if tokens < 1:
            self._number = (tokens, now)
            raise broken(rules.NUMBER_RATE)
        self._number = (tokens - 1, now)

    def take_pair(self, contact: str, now: float) -> None:
        """Spend one message of the quota between the number and one recipient.

        Raises:
            RefusalError: 131056, over the rate.
        """
        if self._config.pair_seconds <= 0:
            return
        burst = float(self._config.pair_burst)
        tokens, at = self._pairs.pop(contact, (burst, now))
        tokens = _refilled(tokens, now - at, 1 / self._config.pair_seconds, burst)
        allowed = tokens >= 1
        self._pairs[contact] = (tokens - 1 if allowed else tokens, now)
        if len(self._pairs) > _PAIRS_KEPT:
            self._pairs.popitem(last=False)
        if not allowed:
            raise broken(rules.PAIR_RATE)
