"""The last requests that were refused, for tests to look into."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Deque, Dict, List

from channels.simulator.refusal import RefusalError


class RefusedLog:
    def __init__(self, limit: int = 2000) -> None:
        self._lock = threading.Lock()
        self._items: Deque[Dict[str, Any]] = deque(maxlen=limit)
        self._seq = 0

    def add(self, refusal: RefusalError, body: Any, at: float) -> None:
        with self._lock:
            self._seq += 1
            self._items.append(
                {
                    "seq": self._seq,
                    "at": at,
                    "code": refusal.code,
                    "http_status": refusal.http_status,
                    "rule": refusal.rule,
                    "details": refusal.details,
                    "body": body,
                }
            )

    def after(self, seq: int) -> List[Dict[str, Any]]:
        with self._lock:
            return [item for item in self._items if item["seq"] > seq]

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self._seq = 0
