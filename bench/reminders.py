"""How fast due reminders are planned and drained, and what a claim costs in a large log."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List

from sqlalchemy import func, select

from bench.engines import own_keys, own_postgres
from bench.figures import AT_LEAST, Figure, Measured
from bench.house import clean_environment
from bench.processes import ROOT, BenchError, Process, free_ports
from bench.reminder_rows import fill, fill_log, plan_all
from clinic.claiming import claim
from clinic.database import Database
from clinic.migrate import migrate
from clinic.models import Message
from clinic.settings import settings

# 12:00 in Pune; planned two hours before, so that the hour-before alone is ahead
STARTS_AT = datetime(2026, 12, 1, 6, 30, tzinfo=timezone.utc)
PLANNED_AT = datetime(2026, 12, 1, 4, 30, tzinfo=timezone.utc)
DUE_AT = datetime(2026, 12, 1, 5, 30, tzinfo=timezone.utc)
COUNT, QUICK_COUNT = 100_000, 1_000
SMALL, LARGE, QUICK_LARGE = 10_000, 1_000_000, 30_000
CLAIMS, CLAIM_AT_ONCE, DUE = 200, 32, 5_000
TARGET_SQLITE, TARGET_POSTGRES, TARGET_CLAIM = 300.0, 600.0, 1.3
PATIENCE_SECONDS = 1800.0


def measure(folder: Path, quick: bool) -> Measured:
    """Planning and draining on both databases, and the cost of a claim.

    Raises:
        BenchError: not everything was sent, or a process died.
    """
    count = QUICK_COUNT if quick else COUNT
    found = Measured()
    with own_keys():
        sqlite = f"sqlite:///{folder / 'reminders.db'}"
        _drained(found, "SQLite", sqlite, count, workers=1, target=TARGET_SQLITE)
        _claims(found, "SQLite", folder, quick)
        with own_postgres(folder) as url:
            _drained(found, "PostgreSQL", url, count, workers=2, target=TARGET_POSTGRES)
    return found


def _drained(
    found: Measured, engine: str, url: str, count: int, workers: int, target: float
) -> None:
    database = Database(url)
    try:
        migrate(database)
        fill(database, str(ROOT / "clinic.yml"), count, STARTS_AT, PLANNED_AT)
        began = time.monotonic()
        plan_all(database, PLANNED_AT)
        planning = count / (time.monotonic() - began)
        results = _drain(url, workers)
        with database.reading() as session:
            sent = session.execute(
                select(func.count()).select_from(Message).where(Message.state == "sent")
            ).scalar_one()
    finally:
        database.dispose()
    if sent != count:
        raise BenchError(f"{sent} of {count} reminders were sent on {engine}")
    seconds = (max(r["end"] for r in results) - min(r["begin"] for r in results)) / 1e9
    crowd = "1 worker" if workers == 1 else f"{workers} workers"
    found.add(
        Figure(f"reminders planned, {engine}", planning, "/s", note=f"{count} visits"),
        Figure(
            f"reminders drained, {engine}",
            count / seconds,
            "/s",
            target,
            AT_LEAST,
            note=f"{crowd}, {count} due",
        ),
    )
    found.details[engine] = {"seconds": seconds, "by_worker": [r["count"] for r in results]}


def _drain(url: str, workers: int) -> List[Dict[str, Any]]:
    [port] = free_ports(1)
    line = [sys.executable, "-m", "bench.stand_in", str(port)]
    graph = Process("reminders-graph", line, clean_environment())
    environment = {
        **clean_environment(),
        "DATABASE_URL": url,
        "SANDHI_ENCRYPTION_KEYS": settings().encryption_keys,
        "SANDHI_SECRET_KEY": settings().secret_key,
    }
    order = [sys.executable, "-m", "bench.drain", DUE_AT.isoformat(), f"http://127.0.0.1:{port}"]
    crowd: List["subprocess.Popen[str]"] = []
    try:
        for _ in range(workers):
            crowd.append(
                subprocess.Popen(
                    order,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        for worker in crowd:
            if worker.stdout is None or worker.stdout.readline() != "ready\n":
                raise BenchError("a worker of the bench did not start")
        for worker in crowd:
            assert worker.stdin is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
        said = [worker.communicate(timeout=PATIENCE_SECONDS)[0] for worker in crowd]
    finally:
        for worker in crowd:
            if worker.poll() is None:
                worker.kill()
        graph.stop()
    if any(worker.returncode for worker in crowd):
        raise BenchError("a worker of the bench failed")
    return [json.loads(each) for each in said]


def _claims(found: Measured, engine: str, folder: Path, quick: bool) -> None:
    sizes = (SMALL, QUICK_LARGE if quick else LARGE)
    cost = {}
    for size in sizes:
        database = Database(f"sqlite:///{folder / f'log-{size}.db'}")
        try:
            migrate(database)
            fill(database, str(ROOT / "clinic.yml"), DUE, STARTS_AT, PLANNED_AT)
            fill_log(database, size, DUE, DUE_AT)
            cost[size] = _claim_ms(database)
        finally:
            database.dispose()
    small, large = sizes
    found.add(
        Figure(
            f"a claim of {CLAIM_AT_ONCE} in {large:,} rows, {engine}",
            cost[large] / cost[small],
            "×",
            TARGET_CLAIM,
            note=f"{cost[large]:.2f} ms against {cost[small]:.2f} ms in {small:,}",
        )
    )
    found.details["claim_ms"] = {str(size): ms for size, ms in cost.items()}


def _claim_ms(database: Database) -> float:
    """The middle one of many claims, each undone, in milliseconds without the commit."""
    taken = []
    for _ in range(CLAIMS):
        with contextlib.suppress(_Undo), database.transaction() as session:
            began = time.perf_counter()
            ids = claim(session, "bench", CLAIM_AT_ONCE, DUE_AT)
            taken.append((time.perf_counter() - began) * 1000)
            if len(ids) != CLAIM_AT_ONCE:
                raise BenchError(f"{len(ids)} of {CLAIM_AT_ONCE} were claimed")
            raise _Undo
    return statistics.median(taken)


class _Undo(Exception):
    """The claim was measured; it is given back."""
