"""The inbox under load: its two great pages, how soon news come, what thirty open pages cost."""

from __future__ import annotations

import random
import sys
import threading
import time
from pathlib import Path
from typing import Dict, Iterator, List

from bench.desk import Browser, asks_every_seconds, everybody
from bench.engines import own_keys
from bench.figures import Figure, Measured, percentile, spread
from bench.house import NUMBER_ID, clean_environment
from bench.inbox_rows import fill_conversation, fill_queue, open_house, writes_once_more
from bench.processes import BenchError, Process, free_ports, wait_until_ready
from clinic.crypto import new_secret
from clinic.database import Database
from clinic.migrate import migrate
from clinic.settings import settings

HANDOFFS, QUICK_HANDOFFS = 10_000, 500
MESSAGES, QUICK_MESSAGES = 5_000, 500
STAFF = 30
TIMES, QUICK_TIMES = 40, 10
WATCHED_SECONDS, QUICK_WATCHED_SECONDS = 30.0, 8.0
A_MESSAGE_EVERY_SECONDS = 5.0
PAGE_TARGET_MS, NEWS_TARGET_SECONDS, CORE_TARGET = 150.0, 1.0, 20.0
READY_SECONDS = 60.0


def measure(folder: Path, quick: bool) -> Measured:
    """Pages, news and open pages, on SQLite.

    Raises:
        BenchError: the inbox did not start, or a page was not answered.
    """
    with own_keys():
        url = f"sqlite:///{folder / 'inbox.db'}"
        database = Database(url)
        try:
            migrate(database)
            logins = open_house(database, STAFF)
            fill_queue(database, QUICK_HANDOFFS if quick else HANDOFFS)
            contact = fill_conversation(database, QUICK_MESSAGES if quick else MESSAGES)
            [port] = free_ports(1)
            inbox = Process(
                "inbox", [sys.executable, "-m", "sandhi.inbox"], _surroundings(url, port)
            )
            try:
                address = f"http://127.0.0.1:{port}"
                wait_until_ready({"inbox": f"{address}/health/ready"}, [inbox], READY_SECONDS)
                return _Inbox(database, inbox, address, logins, contact, quick).measure()
            finally:
                inbox.stop()
        finally:
            database.dispose()


def _surroundings(url: str, port: int) -> Dict[str, str]:
    return {
        **clean_environment(),
        "DATABASE_URL": url,
        "SANDHI_ENCRYPTION_KEYS": settings().encryption_keys,
        "SANDHI_SECRET_KEY": settings().secret_key,
        "SANDHI_HOST": "127.0.0.1",
        "INBOX_PORT": str(port),
        "INBOX_API_TOKEN": new_secret(),
        "WHATSAPP_GRAPH_URL": "http://127.0.0.1:9",
        "WHATSAPP_PHONE_NUMBER_ID": NUMBER_ID,
        "WHATSAPP_ACCESS_TOKEN": new_secret(),
    }


class _Inbox:
    """A running inbox and who works at it."""

    def __init__(
        self,
        database: Database,
        process: Process,
        address: str,
        logins: List[str],
        contact: int,
        quick: bool,
    ) -> None:
        self._db = database
        self._process = process
        self._contact = contact
        self._quick = quick
        self._every = asks_every_seconds()
        self._talk = f"/conversations/{contact}"
        self._browsers = [Browser(address, login) for login in logins]

    def measure(self) -> Measured:
        """Every figure."""
        found = Measured()
        waiting = QUICK_HANDOFFS if self._quick else HANDOFFS
        said = QUICK_MESSAGES if self._quick else MESSAGES
        self._page(found, f"queue page, {waiting:,} open handoffs", "/?view=all")
        self._page(found, f"conversation page, {said:,} messages", self._talk)
        self._news(found)
        self._open_pages(found, "with nothing to tell", writing=False)
        self._open_pages(found, "while patients write", writing=True)
        return found

    def _page(self, found: Measured, name: str, path: str) -> None:
        took = []
        # the first of each is slower, once: templates are compiled, statements put together
        self._browsers[0].get(path)
        for number in range(QUICK_TIMES if self._quick else TIMES):
            # nothing is remembered of the time before
            writes_once_more(self._db, self._contact)
            took.append(self._browsers[number % STAFF].get(path)[1])
        note = f"p50 {percentile(took, 0.5):.0f} ms, of {len(took)}, each after a new message"
        figure = Figure(f"{name}, p95", percentile(took, 0.95), "ms", PAGE_TARGET_MS, note=note)
        found.add(figure)
        found.details[path] = spread(took)

    def _news(self, found: Measured) -> None:
        """From the commit of a message until an open page has it, the page asking at its pace."""
        dice = random.Random(9)
        page = self._browsers[0].open(self._talk)
        took: List[float] = []
        for _ in range(QUICK_TIMES if self._quick else TIMES):
            time.sleep(dice.uniform(0, self._every))
            written: List[float] = []

            def write(at: List[float] = written, pause: float = dice.uniform(0, 1)) -> None:
                time.sleep(pause * self._every)
                writes_once_more(self._db, self._contact)
                at.append(time.perf_counter())

            patient = threading.Thread(target=write)
            patient.start()
            while not page.ask():
                time.sleep(self._every)
            seen = time.perf_counter()
            patient.join()
            took.append(seen - written[0])
        figure = Figure(
            "a new message reaches an open page",
            max(took),
            "s",
            NEWS_TARGET_SECONDS,
            note=f"the longest of {len(took)}; it asks every {self._every:.1f} s",
        )
        found.add(figure)
        found.details["news_seconds"] = spread(took)

    def _open_pages(self, found: Measured, when: str, writing: bool) -> None:
        paths = ("/?view=all", self._talk)
        pages = [browser.open(paths[n % 2]) for n, browser in enumerate(self._browsers)]
        seconds = QUICK_WATCHED_SECONDS if self._quick else WATCHED_SECONDS
        stopping = threading.Event()
        threads = everybody(lambda n: pages[n].stay_open(self._every, stopping), STAFF)
        used, began = self._process.cpu_seconds(), time.monotonic()
        written = 0
        for _ in self._until(began + seconds):
            if writing:
                writes_once_more(self._db, self._contact)
                written += 1
        took = time.monotonic() - began
        used = self._process.cpu_seconds() - used
        stopping.set()
        for thread in threads:
            thread.join()
        problems = [page.problem for page in pages if page.problem]
        if problems:
            raise BenchError(f"an open page: {problems[0]}")
        asked = [ms for page in pages for ms in page.asked_ms]
        note = f"{len(asked) / took:.0f} questions/s, p99 {percentile(asked, 0.99):.0f} ms"
        note += f", a message every {took / written:.0f} s" if written else ""
        share = 100 * used / took
        found.add(
            Figure(f"{STAFF} open pages {when}", share, "% of a core", CORE_TARGET, note=note)
        )
        found.details[when] = {"core_percent": share, "asked_ms": spread(asked), "written": written}

    def _until(self, end: float) -> Iterator[None]:
        """Once every few seconds, until the end."""
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, A_MESSAGE_EVERY_SECONDS))
            yield
