"""No reminder is ever wrong: random histories of visits, people, workers and the clock.

The clock is a value handed to every function; nothing is patched. What the machine knows of
visits, wishes and handoffs it keeps itself, and holds against what the worker begins to send.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Dict, List, Optional, Set, Tuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import event, func, select

from clinic import consent
from clinic.bubbles import text_of
from clinic.calendar_words import say_moment
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.delivery import Report, Status, apply_status, record
from clinic.handoffs import open_handoff, resolve_handoff, unresolved_handoff
from clinic.models import Appointment, Contact, Course, Leave, Message, Nudge, Reminder
from clinic.outbox import bubble_of
from clinic.profile import Profile, Reminders
from clinic.recovery import recover
from clinic.reminders import replan_all
from clinic.reminders.missed import plan_drop_offs
from clinic.reminders.planning import upcoming_ids
from clinic.scheduling.booking import book, cancel, confirm_attendance, reschedule
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.rows import changed, own_appointment
from clinic.sending import Letter
from clinic.setup import write_profile
from tests.emptying import empty
from tests.reminding import approve_templates, begun, claimed

# SANDHI_TEST_EXAMPLES=500 looks deeper
EXAMPLES = int(os.environ.get("SANDHI_TEST_EXAMPLES", "12"))
PUNE = ZoneInfo("Asia/Kolkata")
# they reach into the morning's visits, so that some reminders go on the evening before
QUIET_FROM, QUIET_UNTIL = time(20), time(9, 15)
PHONES = ("+919000000001", "+919000000002", "+919000000003")
STANDING = ("booked", "confirmed")
DAYS = ((11, 25), (11, 27), (11, 30), (12, 2))
CLOCKS = (time(9), time(9, 30), time(10), time(10, 30))
SLOTS = [
    (datetime(2026, month, day, clock.hour, clock.minute, tzinfo=PUNE), clinician)
    for month, day in DAYS
    for clock in CLOCKS
    for clinician in ("asha", "ravi")
]
VISITS = ["moves", "moves", "moves", "cancels", "comes", "is missed", "clinician is away"]
PEOPLE = ["stops", "starts", "starts", "writes", "writes", "needs a person", "is handed back"]
PEOPLE += ["withdraws", "agrees", "agrees"]
WORK = ["takes up", "delivers", "delivers", "claims", "begins", "loses the answer", "is refused"]
FATES = ["records", "crashes", "recovers", "plans", "sent", "read", "delivered", "failed"]
JUMPS = [1, 2, 3, 4, 45, 150, 1500]
# so short a time means: until the next message is due
SHORT = 10
Said = Tuple[int, str, int]


@dataclass
class Worker:
    """What a process holds in memory, and loses when it dies."""

    name: str
    claimed: List[int] = field(default_factory=list)
    letters: List[Tuple[Letter, datetime]] = field(default_factory=list)
    reports: List[Report] = field(default_factory=list)


class Reminding(RuleBasedStateMachine):
    """A clinic with three patients, one of them on a course, and two workers."""

    def __init__(self, db: Database, profile: Profile) -> None:
        super().__init__()
        self.db = db
        empty(db)
        write_profile(db, profile)
        approve_templates(db)
        self.time = datetime(2026, 11, 23, 8, tzinfo=PUNE)
        with db.transaction() as session:
            self.contacts = [int(ensure_contact(session, p, None).id) for p in PHONES]
            for contact_id in self.contacts:
                consent.record(session, contact_id, "care", True, how="staff")
        self.workers = {name: Worker(name) for name in ("one", "two")}
        self.count = 0
        self.course = 0
        # what is true, as this machine knows it
        self.visits: Dict[int, Dict[str, Any]] = {}
        self.stopped: Set[int] = set()
        self.withdrawn: Set[int] = set()
        self.with_staff: Set[int] = set()
        self.heard: Dict[int, datetime] = {}
        # what has gone, or may have
        self.gone: Set[int] = set()
        self.said: Dict[Said, int] = {}
        self.books(0, 3)
        self.prescribes()
        self.books(1, 7)
        self.books(1, 8)
        self.books(2, 16)
        self.books(0, 20)

    def teardown(self) -> None:
        self._let_everything_end()

    # a few rules with many deeds, for Hypothesis leaves whole rules out of a run

    @rule(who=st.integers(0, 2), at=st.integers(0, len(SLOTS) - 1))
    def books(self, who: int, at: int) -> None:
        starts_at, clinician = SLOTS[at]
        course_id = self.course if who == 0 and self.course else None
        with contextlib.suppress(SchedulingError), self.db.transaction() as session:
            slot = self._slot(starts_at, clinician)
            contact_id = self.contacts[who]
            cause = f"book:{self._next()}"
            visit = book(
                session, slot, contact_id, "Mira", cause, now=self.time, course_id=course_id
            )
            self.visits[visit.appointment_id] = {
                "contact": contact_id,
                "clinician": clinician,
                "starts_at": starts_at,
                "status": "booked",
                "version": visit.time_version,
            }

    @rule(deed=st.sampled_from(VISITS), at=st.integers(0, len(SLOTS) - 1), data=st.data())
    def a_visit(self, deed: str, at: int, data: Any) -> None:
        if not self.visits:
            return
        number = data.draw(st.sampled_from(sorted(self.visits)))
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
        elif deed == "records":
            self._records(worker)
        elif deed == "crashes":
            self.workers[name] = Worker(name)
        elif deed == "recovers":
            with self.db.transaction() as session:
                recover(session, self.time)
        elif deed == "plans":
            self._plans()
        elif self.gone:
            self._status_comes(sorted(self.gone)[-1], deed)

    @rule(minutes=st.sampled_from(JUMPS), name=st.sampled_from(["one", "two", ""]))
    def time_passes(self, minutes: int, name: str) -> None:
        """Some time, or until something is due; then a worker may be at work."""
        until = self._next_due() if minutes < SHORT else None
        self.time = until or self.time + timedelta(minutes=minutes)
        if name:
            worker = self.workers[name]
            worker.claimed += claimed(self.db, self.time, name)
            self._begins(worker)

    # what happens to visits

    def _moves(self, session: Any, number: int, at: int) -> None:
        starts_at, clinician = SLOTS[at]
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
        if appointment.status in STANDING and appointment.starts_at < self.time:
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

    def _plans(self) -> None:
        with self.db.transaction() as session:
            plan_drop_offs(session, self.time)
            replan_all(session, upcoming_ids(session, self.time), now=self.time)

    # what workers do

    def _begins(self, worker: Worker) -> None:
        letters = begun(self.db, worker.claimed, self.time, worker.name)
        worker.claimed = []
        until = self.time + timedelta(seconds=60)
        for letter in letters:
            self._check(letter)
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
        assert letter.message_id not in self.gone, "a message went out twice"
        self._goes(letter.message_id)
        if fate == "accepted":
            worker.reports.append(Report(letter.message_id, f"wamid.{letter.message_id}"))
        else:
            worker.reports.append(Report(letter.message_id, detail="timeout", unknown=True))

    def _goes(self, message_id: int) -> None:
        self.gone.add(message_id)
        for said in self._speaks_of(message_id):
            assert said not in self.said, f"{said} was said in {self.said[said]} already"
            self.said[said] = message_id

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

    # what must be true of a letter in the moment in which it is decided

    def _check(self, letter: Letter) -> None:
        with self.db.reading() as session:
            message = session.get(Message, letter.message_id)
            nudge = session.get(Nudge, letter.message_id)
        assert message is not None
        contact_id = letter.contact_id
        local = self.time.astimezone(PUNE).time()
        assert QUIET_UNTIL <= local < QUIET_FROM, f"{message.cause} went at {local}"
        assert contact_id not in self.stopped, f"{message.cause} went to one who said stop"
        assert contact_id not in self.withdrawn, f"{message.cause} went without consent"
        bubble = bubble_of(message)
        heard = self.heard.get(contact_id)
        free = heard is not None and self.time < heard + timedelta(hours=24)
        assert bubble.kind == ("choices" if free else "template"), message.cause
        if nudge is not None:
            assert contact_id not in self.with_staff, f"{message.cause} broke into a handoff"
            self._check_nudge(nudge, contact_id)
            return
        spoken = self._speaks_of(letter.message_id)
        assert spoken, f"{message.cause} speaks of nothing"
        for number, kind, version in spoken:
            visit = self.visits[number]
            what = f"the {kind} reminder of visit {number}, version {version}"
            assert visit["status"] in STANDING, f"{what}, which is {visit['status']}"
            assert visit["version"] == version, f"{what}, which was moved"
            assert visit["starts_at"] > self.time, f"{what}, which has begun"
            assert visit["contact"] == contact_id, f"{what} went to somebody else"
            words = say_moment(visit["starts_at"], "en", PUNE)
            assert words in text_of(bubble), f"{what} says another time"

    def _check_nudge(self, nudge: Any, contact_id: int) -> None:
        ahead = [
            visit
            for visit in self.visits.values()
            if visit["contact"] == contact_id
            and visit["status"] in STANDING
            and visit["starts_at"] > self.time
        ]
        if nudge.kind == "no_show":
            assert self.visits[nudge.subject_id]["status"] == "no_show"
            assert not ahead, "asked back although a visit lies ahead"

    def _speaks_of(self, message_id: int) -> List[Said]:
        with self.db.reading() as session:
            rows = session.execute(
                select(Reminder).where(
                    (Reminder.message_id == message_id) | (Reminder.said_in == message_id)
                )
            ).scalars()
            return [(int(r.appointment_id), str(r.kind), int(r.time_version)) for r in rows]

    # what always holds

    @invariant()
    def no_slot_is_booked_twice(self) -> None:
        taken = [
            (visit["clinician"], visit["starts_at"])
            for visit in self.visits.values()
            if visit["status"] in STANDING
        ]
        for clinician, starts_at in taken:
            near = [s for c, s in taken if c == clinician and abs(s - starts_at).seconds < 2400]
            assert len([s for s in near if abs(s - starts_at) < timedelta(minutes=40)]) == 1

    @invariant()
    def the_planned_agree_with_the_visits(self) -> None:
        with self.db.reading() as session:
            rows = session.execute(
                select(Reminder.appointment_id, Reminder.time_version)
                .join(Message, Message.id == Reminder.message_id)
                .where(Message.state == "planned", Message.attempts == 0)
            ).all()
        for number, version in rows:
            visit = self.visits[int(number)]
            assert visit["status"] in STANDING, f"visit {number} is {visit['status']}"
            assert visit["version"] == version, f"visit {number} has moved"

    @invariant()
    def a_course_is_nudged_at_most_so_often(self) -> None:
        with self.db.reading() as session:
            rows = session.execute(
                select(Nudge.kind, Nudge.subject_id, Message.state).join(
                    Message, Message.id == Nudge.message_id
                )
            ).all()
        sent = [(k, s) for k, s, state in rows if state not in ("skipped", "cancelled", "failed")]
        for kind, subject in set(sent):
            assert sent.count((kind, subject)) <= (2 if kind == "drop_off" else 1)

    def _let_everything_end(self) -> None:
        """The workers die, a third one works on for weeks; nothing may be left hanging."""
        last = self.workers["last"] = Worker("last")
        for _ in range(400):
            # what a dead worker left is taken up once its lease is over
            self.time = max(self._next_due() or self.time, self.time + timedelta(minutes=3))
            if self._ended():
                break
            with self.db.transaction() as session:
                recover(session, self.time)
            for _ in range(20):
                last.claimed = claimed(self.db, self.time, last.name)
                if not last.claimed:
                    break
                self._begins(last)
                while last.letters:
                    self._transmits(last, "accepted")
                self._records(last)
        with self.db.reading() as session:
            rows = session.execute(
                select(Message.id, Message.cause, Message.state, Message.detail)
            ).all()
        for message_id, cause, state, detail in rows:
            assert state not in ("planned", "claimed", "sending"), f"{cause} hangs in {state}"
            if state in ("sent", "delivered", "read"):
                assert message_id in self.gone
            else:
                assert detail, f"{cause} ended {state}, unexplained"

    def _next_due(self) -> Optional[datetime]:
        with self.db.reading() as session:
            wanted = select(func.min(Message.due_at)).where(Message.state == "planned")
            due = session.execute(wanted.where(Message.due_at > self.time)).scalar_one()
        return None if due is None else due.astimezone(PUNE)

    def _ended(self) -> bool:
        with self.db.reading() as session:
            hanging = Message.state.in_(("planned", "claimed", "sending"))
            return session.execute(select(Message.id).where(hanging)).first() is None

    def _slot(self, starts_at: datetime, clinician: str) -> Slot:
        return Slot(clinician, "session", starts_at, starts_at + timedelta(minutes=40))

    def _next(self) -> int:
        self.count += 1
        return self.count


@pytest.fixture
def hasty(db: Database) -> Database:
    """The database without waiting for the disk: nothing here pulls the plug."""
    pragma = "PRAGMA synchronous=OFF" if db.is_sqlite else "SET synchronous_commit TO off"

    def hurry(connection: Any, _record: Any) -> None:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(pragma)
        connection.commit()

    event.listen(db.engine, "connect", hurry)
    db.dispose()
    return db


def test_no_reminder_is_ever_wrong(hasty: Database, small_profile: Profile) -> None:
    quiet = Reminders.parse_obj({"quiet_from": "20:00", "quiet_until": "09:15"})
    profile = small_profile.copy(update={"reminders": quiet})
    run_state_machine_as_test(
        lambda: Reminding(hasty, profile),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=60,
            deadline=None,
            derandomize="SANDHI_TEST_EXAMPLES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
