"""What the workers of `reminders_machine.py` do with due reminders, and at what they may die."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import List, Tuple

from clinic.database import Database
from clinic.delivery import Report, Status, apply_status, record
from clinic.reminders import replan_all
from clinic.reminders.missed import plan_drop_offs
from clinic.reminders.planning import upcoming_ids
from clinic.sending import Letter
from tests.clinic.reminders_truth import ReminderTruth
from tests.reminding import begun, claimed


@dataclass
class Worker:
    """What a process holds in memory, and loses when it dies."""

    name: str
    claimed: List[int] = field(default_factory=list)
    letters: List[Tuple[Letter, datetime]] = field(default_factory=list)
    reports: List[Report] = field(default_factory=list)


class RemindingWorkers(ReminderTruth):
    """Two workers, and a WhatsApp that takes, refuses or falls silent."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.workers = {name: Worker(name) for name in ("one", "two")}

    def _plans(self) -> None:
        with self.db.transaction() as session:
            plan_drop_offs(session, self.time)
            replan_all(session, upcoming_ids(session, self.time), now=self.time)

    def _begins(self, worker: Worker) -> None:
        letters = begun(self.db, worker.claimed, self.time, worker.name)
        worker.claimed = []
        until = self.time + timedelta(seconds=60)
        for letter in letters:
            self.check(letter)
            worker.letters.append((letter, until))

    def _transmits(self, worker: Worker, fate: str) -> None:
        # a process that slept through its lease counts as dead
        worker.letters = [(one, until) for one, until in worker.letters if self.time < until]
        if not worker.letters:
            return
        letter, _ = worker.letters.pop(0)
        if fate == "is refused":
            retry = timedelta(minutes=3)
            report = Report(letter.message_id, detail="graph 131000", retry_in=retry)
            worker.reports.append(report)
            return
        self.goes(letter.message_id)
        if fate == "accepted":
            worker.reports.append(Report(letter.message_id, f"wamid.{letter.message_id}"))
        else:
            worker.reports.append(Report(letter.message_id, detail="timeout", unknown=True))

    def _records(self, worker: Worker) -> None:
        with self.db.transaction() as session:
            record(session, worker.reports, self.time)
        worker.reports = []

    def _status_comes(self, message_id: int, what: str) -> None:
        status = Status(
            wamid=f"wamid.{message_id}",
            status=what,
            at=self.time,
            client_ref=str(message_id),
            error_code=131000 if what == "failed" else None,
        )
        with self.db.transaction() as session:
            assert apply_status(session, status)

    def _drains(self, worker: Worker) -> None:
        """Everything that is due now goes, as long as anything does."""
        for _ in range(20):
            worker.claimed = claimed(self.db, self.time, worker.name)
            if not worker.claimed:
                break
            self._begins(worker)
            while worker.letters:
                self._transmits(worker, "accepted")
            self._records(worker)

    def _on_their_way(self) -> List[int]:
        """The visits that letters in the workers' hands speak of."""
        held = [letter for worker in self.workers.values() for letter, _ in worker.letters]
        return [said[0] for letter in held for said in self.speaks_of(letter.message_id)]
