"""Delivering webhooks: one thread, a heap of what is due, retries of what was not taken."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

import requests
from requests.adapters import HTTPAdapter

from channels.simulator.config import SimulatorConfig
from channels.simulator.webhooks import envelope, serialized, signature, status_change

# Meta retries for up to seven days.
RETRY_FOR = 7 * 24 * 3600.0
PENDING_LIMIT = 50_000

# Builds the update at the moment of delivery; None where there is nothing to say any more.
Build = Callable[[], Optional[Dict[str, Any]]]


@dataclass
class Job:
    """A change or a status to be built and posted; `alone` keeps it out of batches."""

    build: Build
    is_status: bool = False
    alone: bool = False
    wamid: str = ""


@dataclass
class Post:
    """A body to be posted as it is, and how often it was tried."""

    raw: bytes
    wamids: List[str] = field(default_factory=list)
    updates: int = 1
    attempts: int = 0
    first_try: float = 0.0


class Dispatcher:
    """`on_taken` hears the wamids of the patients' messages in a POST that got its 200."""

    def __init__(self, config: SimulatorConfig, on_taken: Callable[[List[str]], None]) -> None:
        self._config = config
        self._on_taken = on_taken
        self._heap: List[Tuple[float, int, Any]] = []
        self._sequence = itertools.count()
        self._wake = threading.Condition()
        self._thread: Optional[threading.Thread] = None
        self._closed = False
        self._busy = 0
        self.counts: Dict[str, int] = dict.fromkeys(
            ("posts", "updates", "taken", "refused", "unreachable", "dropped"), 0
        )
        self.last: Deque[Dict[str, Any]] = deque(maxlen=200)

    def schedule(self, item: Any, delay: float = 0.0) -> None:
        """Post a `Job` or a `Post` after `delay` seconds."""
        self.schedule_all([(delay, item)])

    def schedule_all(self, items: List[Tuple[float, Any]]) -> None:
        now = time.monotonic()
        with self._wake:
            if self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()
            soonest = self._heap[0][0] if self._heap else float("inf")
            for delay, item in items:
                heapq.heappush(self._heap, (now + delay, next(self._sequence), item))
            if len(self._heap) > PENDING_LIMIT:
                self._heap.sort()
                self.counts["dropped"] += len(self._heap) - PENDING_LIMIT
                del self._heap[PENDING_LIMIT:]
            if self._heap[0][0] < soonest:
                self._wake.notify()

    def clear(self) -> None:
        """Forget what was not delivered yet, and the counts."""
        with self._wake:
            self._heap.clear()
            self.counts = dict.fromkeys(self.counts, 0)
            self.last.clear()

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._heap.clear()
            self._wake.notify()

    def pending(self) -> int:
        """Updates and posts not delivered yet, the one under way included."""
        with self._wake:
            return len(self._heap) + self._busy

    def _due(self) -> List[Any]:
        """Wait for what is due and take up to one batch of it; empty when closed."""
        with self._wake:
            self._busy = 0
            while not self._closed:
                now = time.monotonic()
                if not self._heap:
                    self._wake.wait()
                elif self._heap[0][0] > now:
                    self._wake.wait(self._heap[0][0] - now)
                else:
                    batch: List[Any] = []
                    while (
                        self._heap
                        and self._heap[0][0] <= now
                        and len(batch) < max(1, self._config.webhook_batch)
                    ):
                        batch.append(heapq.heappop(self._heap)[2])
                    self._busy = len(batch)
                    return batch
        return []

    def _run(self) -> None:
        session = requests.Session()
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=4)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        # A proxy from the environment must not stand between two processes on one machine.
        session.trust_env = False
        while True:
            batch = self._due()
            if not batch:
                return
            for post in self._posts_of(batch):
                self._deliver(session, post)

    def _posts_of(self, batch: List[Any]) -> List[Post]:
        """Everything due in one body, but for what must go alone."""
        posts: List[Post] = []
        changes: List[Dict[str, Any]] = []
        wamids: List[str] = []
        statuses: List[Dict[str, Any]] = []
        updates = 0
        for item in batch:
            if isinstance(item, Post):
                posts.append(item)
                continue
            built = item.build()
            if built is None:
                continue
            if item.alone:
                change = status_change(self._config, [built]) if item.is_status else built
                raw = serialized(envelope(self._config, [change]))
                posts.append(Post(raw, [item.wamid] if item.wamid else []))
                continue
            updates += 1
            if item.is_status:
                statuses.append(built)
                continue
            if statuses:
                changes.append(status_change(self._config, statuses))
                statuses = []
            changes.append(built)
            if item.wamid:
                wamids.append(item.wamid)
        if statuses:
            changes.append(status_change(self._config, statuses))
        if changes:
            raw = serialized(envelope(self._config, changes))
            posts.insert(0, Post(raw, wamids, updates))
        return posts

    def _deliver(self, session: requests.Session, post: Post) -> None:
        started = time.monotonic()
        if not post.attempts:
            post.first_try = started
        post.attempts += 1
        status = 0
        try:
            answer = session.post(
                self._config.webhook_url,
                data=post.raw,
                headers=headers_for(post.raw, self._config.app_secret),
                timeout=self._config.webhook_timeout,
                allow_redirects=False,
            )
            status = answer.status_code
        except requests.RequestException:
            status = 0
        self.counts["posts"] += 1
        self.counts["updates"] += post.updates if post.attempts == 1 else 0
        self.counts["taken" if status == 200 else "refused" if status else "unreachable"] += 1
        self.last.append(
            {
                "status": status,
                "seconds": round(time.monotonic() - started, 4),
                "updates": post.updates,
                "attempt": post.attempts,
                "bytes": len(post.raw),
            }
        )
        if status == 200:
            self._on_taken(post.wamids)
        elif started - post.first_try < RETRY_FOR:
            delays = self._config.retry_delays
            self.schedule(post, delays[min(post.attempts, len(delays)) - 1])
        else:
            self.counts["dropped"] += 1


def headers_for(raw: bytes, app_secret: str) -> Dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "facebookexternalua",
        "X-Hub-Signature-256": signature(raw, app_secret),
    }
