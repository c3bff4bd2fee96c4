"""What tests may make go wrong: failures of the Graph API, and statuses out of the ordinary."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

FAILURES = (
    "timeout_after_accept",
    "http_500",
    "http_429",
    "error_code",
    "drop_connection",
    "slow",
)
STATUS_ACTIONS = ("duplicate", "reorder", "hold", "fail", "skip")


@dataclass
class Failure:
    """`accepted`: the message is taken and delivered all the same, only the answer is lost."""

    kind: str
    times: int = 1
    match: Dict[str, str] = field(default_factory=dict)
    code: int = 131000
    seconds: float = 30.0
    accepted: bool = False


@dataclass
class StatusOrder:
    action: str
    times: int = 1
    match: Dict[str, str] = field(default_factory=dict)
    code: int = 131026
    details: str = "Message Undeliverable."
    status: str = "delivered"
    copies: int = 2


@dataclass(frozen=True)
class PlannedStatus:
    delay: float
    status: str
    code: Optional[int] = None
    details: str = ""


def _matches(match: Dict[str, str], facts: Dict[str, str]) -> bool:
    return all(facts.get(name) == value for name, value in match.items())


class Mischief:
    """Orders still to be carried out, first come first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.failures: List[Failure] = []
        self.orders: List[StatusOrder] = []

    def clear(self) -> None:
        with self._lock:
            self.failures.clear()
            self.orders.clear()

    def add_failure(self, failure: Failure) -> None:
        with self._lock:
            self.failures.append(failure)

    def add_order(self, order: StatusOrder) -> None:
        with self._lock:
            self.orders.append(order)

    def next_failure(self, facts: Dict[str, str]) -> Optional[Failure]:
        """The failure for a request with these facts (`endpoint`, `to`, `type`), used up once."""
        if not self.failures:
            return None
        with self._lock:
            for failure in self.failures:
                if _matches(failure.match, facts):
                    failure.times -= 1
                    if failure.times <= 0:
                        self.failures.remove(failure)
                    return failure
        return None

    def plan(
        self, usual: List[PlannedStatus], facts: Dict[str, str]
    ) -> Tuple[List[PlannedStatus], bool]:
        """Statuses to send instead of the usual ones, and whether to hold them back."""
        planned, hold = usual, False
        if not self.orders:
            return planned, hold
        with self._lock:
            for order in list(self.orders):
                if not _matches(order.match, facts):
                    continue
                planned, held = _carried_out(order, planned)
                hold = hold or held
                order.times -= 1
                if order.times <= 0:
                    self.orders.remove(order)
        return planned, hold

    def as_json(self) -> Dict[str, Any]:
        with self._lock:
            return {
                "failures": [vars(failure).copy() for failure in self.failures],
                "statuses": [vars(order).copy() for order in self.orders],
            }


def _carried_out(
    order: StatusOrder, planned: List[PlannedStatus]
) -> Tuple[List[PlannedStatus], bool]:
    if order.action == "duplicate":
        return [status for status in planned for _ in range(order.copies)], False
    if order.action == "reorder":
        # The delays keep their order, the statuses are turned round: read, delivered, sent.
        turned = [status.status for status in reversed(planned)]
        return [
            PlannedStatus(status.delay, name, status.code, status.details)
            for status, name in zip(planned, turned, strict=True)
        ], False
    if order.action == "fail":
        delay = planned[0].delay if planned else 0.0
        return [PlannedStatus(delay, "failed", order.code, order.details)], False
    if order.action == "skip":
        return [status for status in planned if status.status != order.status], False
    return planned, True
