"""Many at once, from one starting line."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Type


def race(work: Callable[[int], object], runners: int, refusal: Type[Exception]) -> List[object]:
    """Run `work(0)`, `work(1)` … at once; what each returned, or the refusal it met."""
    start = threading.Barrier(runners)

    def one(number: int) -> object:
        start.wait()
        try:
            return work(number)
        except refusal as met:
            return met

    with ThreadPoolExecutor(runners) as pool:
        return list(pool.map(one, range(runners)))
