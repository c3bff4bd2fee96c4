"""Random histories of visits, people, workers and the clock, for `test_reminders_machine.py`.

The clock is a value handed to every function; nothing is patched.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, time, timedelta
from typing import Any, List, Optional, Tuple

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import select

from clinic import consent
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.handoffs import open_handoff, resolve_handoff, unresolved_handoff
from clinic.models import Appointment, Contact, Course, Leave
from clinic.profile import Profile
from clinic.recovery import recover
from clinic.scheduling.booking import book, cancel, confirm_attendance, reschedule
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.rows import changed, own_appointment
from clinic.setup import write_profile
from tests.clinic.reminders_truth import PUNE, STANDING
from tests.clinic.reminders_workers import RemindingWorkers, Worker
from tests.emptying import empty
from tests.reminding import approve_templates, claimed

PHONES = ("+919000000001", "+919000000002", "+919000000003")
DAYS = (
    (11, 25),
    (11, 27),
    (11, 30),
    (12, 2),
    (12, 4),
    (12, 8),
    (12, 14),
    (12, 17),
    (12, 21),
    (12, 23),
    (12, 28),
)
CLOCKS = (time(9), time(9, 30), time(10), time(10, 30))
SLOTS = [
    (datetime(2026, month, day, clock.hour, clock.minute, tzinfo=PUNE), clinician)
    for month, day in DAYS
    for clock in CLOCKS
    for clinician in ("asha", "ravi")
]
VISITS = ["moves", "moves", "moves", "cancels", "comes", "clinician is away"]
VISITS += ["is missed", "is missed"]
PEOPLE = ["stops", "starts", "starts", "writes", "writes", "needs a person", "is handed back"]
PEOPLE += ["withdraws", "agrees", "agrees"]
WORK = ["takes up", "delivers", "delivers", "claims", "begins", "loses the answer", "is refused"]
WORK += ["is refused at once"] * 2
STATUSES = ["sent", "read", "delivered", "failed"]
FATES = ["records", "crashes", "recovers", "plans", *STATUSES]
JUMPS = [0, 0, 1, 2, 3, 4, 45, 150, 1500, 4500]
RISKS = ["changes on its way", "nobody works", "one is missed", "left alone", "left alone"]
# none means: until shortly before the next visit; a short time, until the next message is due
SHORT = 10
SHORTLY = timedelta(minutes=50)
# so long a worker works on when nobody does anything any more: time for three nudges
DAYS_AFTER = 20


class Reminding(RemindingWorkers):
    """A clinic with three patients, one of them on a course, and two workers."""

    def __init__(self, db: Database, profile: Profile) -> None:
        super().__init__(db)
        empty(db)
        write_profile(db, profile)
        approve_templates(db)
        with db.transaction() as session:
            self.contacts = [int(ensure_contact(session, p, None).id) for p in PHONES]
            for contact_id in self.contacts:
                consent.record(session, contact_id, "care", True, how="staff")
        self.count = 0
        self.course = 0
        self.books(0, 3)
        self.prescribes()
        # half an hour apart: one reminder for both
        self.books(1, 4)
        self.books(1, 7)
        self.books(1, 8)
        self.books(2, 16)
        self.books(0, 20)

    def teardown(self) -> None:
        self._let_everything_end()

    # a few rules with many deeds, for Hypothesis leaves whole rules out of a run

    @rule(who=st.integers(0, 2), at=st.integers(0, len(SLOTS) - 1))
    def books(self, who: int, at: int) -> None:
        starts_at, clinician = self._to_come(at)
        course_id = self.course if who == 0 and self.course else None
        with contextlib.suppress(SchedulingError), self.db.transaction() as session:
            slot = self._slot(starts_at, clinician)
            contact_id = self.contacts[who]
            cause = f"book:{self._next()}"
            visit = book(
                session, slot, contact_id, "Mira", cause, now=self.time, course_id=course_id
            )
            self.visits[visit.appointment_id] = {
                "booked_at": self.time,
                "contact": contact_id,
                "clinician": clinician,
                "course": visit.course_id,
                "starts_at": starts_at,
                "status": "booked",
                "version": visit.time_version,
            }

    @rule(deed=st.sampled_from(VISITS), at=st.integers(0, len(SLOTS) - 1), data=st.data())
    def a_visit(self, deed: str, at: int, data: Any) -> None:
        if not self.visits:
            return
        # what is on its way while its visit changes is where it would go wrong
        likely = self._begun() if deed == "is missed" else self._on_their_way()
        number = data.draw(st.sampled_from([*likely * 3, *sorted(self.visits)]))
        self._changes(deed, number, at)

    def _changes(self, deed: str, number: int, at: int) -> None:
        with contextlib.suppress(SchedulingError), self.db.transaction() as session:
            if deed == "moves":
                self._moves(session, number, at)
            elif deed == "cancels":
                self._cancels(session, number)
            elif deed == "comes":
                confirm_attendance(session, number, None, f"c:{self._next()}", now=self.time)
                self.visits[number]["status"] = "confirmed"
            elif deed == "is missed":
                self._is_missed(session, number)
            else:
                self._is_away(session, number)

    @rule(deed=st.sampled_from(PEOPLE), who=st.integers(0, 2))
    def a_person(self, deed: str, who: int) -> None:
        contact_id = self.contacts[who]
        with self.db.transaction() as session:
            contact = session.get(Contact, contact_id)
            assert contact is not None
            if deed == "stops":
                contact.opted_out_at = self.time
                self.stopped.add(contact_id)
            elif deed == "starts":
                contact.opted_out_at = None
                self.stopped.discard(contact_id)
            elif deed in ("agrees", "withdraws"):
                agrees = deed == "agrees"
                consent.record(session, contact_id, "care", agrees, how="staff")
                (self.withdrawn.discard if agrees else self.withdrawn.add)(contact_id)
            elif deed == "writes":
                contact.last_inbound_at = self.heard[contact_id] = self.time
            elif deed == "needs a person":
                open_handoff(session, contact_id, "request")
                self.with_staff.add(contact_id)
            else:
                handoff = unresolved_handoff(session, contact_id)
                if handoff is not None:
                    resolve_handoff(session, int(handoff.id), "asha", "answered", True)
                self.with_staff.discard(contact_id)

    @rule(deed=st.sampled_from(WORK + FATES), name=st.sampled_from(["one", "two"]))
    def the_worker(self, deed: str, name: str) -> None:
        worker = self.workers[name]
        if deed in ("takes up", "claims"):
            worker.claimed += claimed(self.db, self.time, name)
        if deed in ("takes up", "begins"):
            self._begins(worker)
        elif deed == "delivers":
            self._transmits(worker, "accepted")
            self._records(worker)
        elif deed in ("loses the answer", "is refused"):
            self._transmits(worker, deed)
        elif deed == "is refused at once":
            self._transmits(worker, "is refused")
            self._records(worker)
        elif deed == "records":
            self._records(worker)
        elif deed == "crashes":
            self.workers[name] = Worker(name)
        elif deed == "recovers":
            with self.db.transaction() as session:
                recover(session, self.time)
        elif deed == "plans":
            self._plans()
        elif deed in STATUSES and self.gone:
            self._status_comes(sorted(self.gone)[-1], deed)

    @rule(deed=st.sampled_from(RISKS), at=st.integers(0, len(SLOTS) - 1), data=st.data())
    def a_risky_moment(self, deed: str, at: int, data: Any) -> None:
        """What follows so closely on each other that chance alone would rarely bring it about."""
        worker = self.workers["one"]
        if deed == "changes on its way":
            self.time = self.next_due() or self.time
            worker.claimed += claimed(self.db, self.time, worker.name)
            self._begins(worker)
            for number in self._on_their_way():
                change = data.draw(st.sampled_from(["moves", "cancels"]))
                self._changes(change, number, at)
            self._transmits(worker, "is refused")
            self._records(worker)
            return
        if deed == "nobody works":
            # until shortly before the newest visit, whose day-before is late by then
            self.books(data.draw(st.integers(0, 2)), at)
            newest = self.visits[max(self.visits)]["starts_at"]
            self.time = max(self.time, newest - SHORTLY)
            self._drains(worker)
            return
        if deed == "one is missed":
            number = data.draw(st.sampled_from(sorted(self.visits)))
            self.time = max(self.time, self.visits[number]["starts_at"] + SHORTLY)
            for _ in range(2):
                self._changes("is missed", number, at)
                self.time += timedelta(minutes=1)
            who = self.contacts.index(self.visits[number]["contact"])
        else:
            # a course is left alone for some days after its last session
            who = 0
            last = [v["starts_at"] for v in self.visits.values() if v["course"]]
            day = max(last).date() + timedelta(days=data.draw(st.sampled_from([1, 6, 6])))
            self.time = max(self.time, datetime.combine(day, time(12), PUNE))
            self._plans()
        then = data.draw(st.sampled_from(["nothing", "books", "books", "needs a person"]))
        if then == "books":
            self.books(who, at)
        elif then == "needs a person":
            self.a_person(then, who)
        for _ in range(2):
            self._drains(worker)
            self.time += timedelta(hours=3)

    @rule(minutes=st.sampled_from(JUMPS), name=st.sampled_from(["one", "two", ""]))
    def time_passes(self, minutes: int, name: str) -> None:
        """Some time, or until something is due; then a worker may be at work."""
        until = self.next_due() if minutes < SHORT else None
        if minutes == 0:
            until = self._shortly_before_a_visit() or until
        self.time = until or self.time + timedelta(minutes=minutes)
        if name and minutes > SHORT:
            self._plans()
        if name:
            worker = self.workers[name]
            worker.claimed += claimed(self.db, self.time, name)
            self._begins(worker)

    # what happens to visits

    def _moves(self, session: Any, number: int, at: int) -> None:
        starts_at, clinician = self._to_come(at)
        slot = self._slot(starts_at, clinician)
        visit = reschedule(session, number, None, slot, f"m:{self._next()}", now=self.time)
        self.visits[number].update(
            clinician=clinician,
            starts_at=starts_at,
            status=visit.status,
            version=visit.time_version,
        )

    def _cancels(self, session: Any, number: int) -> None:
        cancel(session, number, None, "staff", None, f"x:{self._next()}", now=self.time)
        self.visits[number]["status"] = "cancelled"

    def _is_missed(self, session: Any, number: int) -> None:
        appointment = own_appointment(session, number, None)
        # marking it again changes nothing
        if appointment.status in (*STANDING, "no_show") and appointment.starts_at < self.time:
            appointment.status = "no_show"
            changed(session, appointment, self.time)
            self.visits[number]["status"] = "no_show"

    def _is_away(self, session: Any, number: int) -> None:
        """The clinician of this visit is away that day: every standing visit of it is cancelled."""
        known = self.visits[number]
        day = known["starts_at"].date()
        begin = datetime.combine(day, time(0), PUNE)
        clinician_id = session.get(Appointment, number).clinician_id
        away = Leave(clinician_id=clinician_id, starts_at=begin, ends_at=begin + timedelta(days=1))
        session.add(away)
        for other, visit in self.visits.items():
            same = (visit["clinician"], visit["starts_at"].date()) == (known["clinician"], day)
            if same and visit["status"] in STANDING and visit["starts_at"] > self.time:
                self._cancels(session, other)

    def prescribes(self) -> None:
        """The first contact's patient has a course of six sessions."""
        with self.db.transaction() as session:
            seen = session.execute(select(Appointment).order_by(Appointment.id)).scalars().first()
            course = Course(
                patient_id=seen.patient_id,
                clinician_id=seen.clinician_id,
                service_id=seen.service_id,
                sessions=6,
                started_at=self.time,
                why_finish="Stairs come last.",
            )
            session.add(course)
            session.flush()
            self.course = int(course.id)

    def _let_everything_end(self) -> None:
        """The workers die, a third one works on for weeks; nothing may be left hanging."""
        last = self.workers["last"] = Worker("last")
        for number in range(400):
            # what a dead worker left is taken up once its lease is over
            self.time = max(self.next_due() or self.time, self.time + timedelta(minutes=3))
            if self.everything_ended():
                break
            with self.db.transaction() as session:
                recover(session, self.time)
            self._drains(last)
            assert number < 399, "it never ends"
        for _ in range(DAYS_AFTER):
            self.time = datetime.combine(self.time.date() + timedelta(days=1), time(12), PUNE)
            self._plans()
            self._drains(last)
        self.a_course_is_nudged_at_most_so_often()
        self.check_the_end()

    def _begun(self) -> List[int]:
        return [number for number, one in self.visits.items() if one["starts_at"] < self.time]

    def _to_come(self, at: int) -> Tuple[datetime, str]:
        """A slot that lies ahead, where one does."""
        ahead = [slot for slot in SLOTS if slot[0] > self.time] or SLOTS
        return ahead[at % len(ahead)]

    def _shortly_before_a_visit(self) -> Optional[datetime]:
        begin = [visit["starts_at"] - SHORTLY for visit in self.visits.values()]
        return min((moment for moment in begin if moment > self.time), default=None)

    def _slot(self, starts_at: datetime, clinician: str) -> Slot:
        return Slot(clinician, "session", starts_at, starts_at + timedelta(minutes=40))

    def _next(self) -> int:
        self.count += 1
        return self.count
