"""The last results of something costly: patients ask much alike, and asking again costs nothing."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Callable

import numpy as np


class Remembered:
    """Arrays by a digest of what they were computed from, never by the words themselves; from any
    thread.
    """

    def __init__(self, most: int) -> None:
        """Keep `most` of them, those that were asked for last."""
        self._most = most
        self._recent: "OrderedDict[bytes, np.ndarray]" = OrderedDict()
        self._lock = threading.Lock()

    def of(self, content: bytes, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """What `compute` gave for this content, or gives now; it cannot be written to."""
        key = hashlib.blake2b(content, digest_size=16).digest()
        with self._lock:
            known = self._recent.get(key)
            if known is not None:
                self._recent.move_to_end(key)
                return known
        computed = compute()
        computed.flags.writeable = False
        with self._lock:
            self._recent[key] = computed
            if len(self._recent) > self._most:
                self._recent.popitem(last=False)
        return computed
