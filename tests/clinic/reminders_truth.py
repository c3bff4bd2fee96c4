"""What the machine of `reminders_machine.py` knows to be true, and what must therefore hold.

It is told nothing by the house: visits, wishes and handoffs are kept here as they were made, and
held against what a worker begins to send, and against the outbox.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Dict, List, Optional, Set, Tuple
from zoneinfo import ZoneInfo

from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import func, select

from clinic.bubbles import text_of
from clinic.calendar_words import say_moment
from clinic.database import Database
from clinic.models import Message, Nudge, Reminder
from clinic.outbox import bubble_of
from clinic.sending import Letter

PUNE = ZoneInfo("Asia/Kolkata")
# they reach into the morning's visits, so that some reminders go on the evening before
QUIET_FROM, QUIET_UNTIL = time(20), time(9, 15)
STANDING = ("booked", "confirmed")
# a course is asked back when it has been without a session for so long
IDLE = timedelta(days=5)
BEGAN = datetime(2026, 11, 23, 8, tzinfo=PUNE)
# visit, kind of reminder, version of the visit's time
Said = Tuple[int, str, int]


class ReminderTruth(RuleBasedStateMachine):
    """The facts of one history, and the promises about reminders and nudges."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.db = db
        self.time = BEGAN
        # by visit: contact, clinician, course, starts_at, status, version
        self.visits: Dict[int, Dict[str, Any]] = {}
        self.stopped: Set[int] = set()
        self.withdrawn: Set[int] = set()
        self.with_staff: Set[int] = set()
        self.heard: Dict[int, datetime] = {}
        # what has gone, or may have
        self.gone: Set[int] = set()
        self.said: Dict[Said, int] = {}

    def goes(self, message_id: int) -> None:
        """A message leaves the house, or may have: once, and nothing it says was said before."""
        assert message_id not in self.gone, "a message went out twice"
        self.gone.add(message_id)
        for said in self.speaks_of(message_id):
            assert said not in self.said, f"{said} was said in {self.said[said]} already"
            self.said[said] = message_id

    def check(self, letter: Letter) -> None:
        """What must be true of a letter in the moment in which it is decided."""
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
        spoken = self.speaks_of(letter.message_id)
        assert spoken, f"{message.cause} speaks of nothing"
        for number, kind, version in spoken:
            visit = self.visits[number]
            what = f"the {kind} reminder of visit {number}, version {version}"
            assert visit["status"] in STANDING, f"{what}, which is {visit['status']}"
            assert visit["version"] == version, f"{what}, which was moved"
            assert visit["starts_at"] > self.time, f"{what}, which has begun"
            assert visit["contact"] == contact_id, f"{what} went to somebody else"
            assert kind == "hour" or not self._hour_before_is_due(visit), f"{what} is late"
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
            missed = self.visits[nudge.subject_id]
            assert missed["status"] == "no_show"
            assert missed["course"] or not ahead, "asked back although a visit lies ahead"
            since = [visit for visit in ahead if visit["booked_at"] > missed["starts_at"]]
            assert not since, "asked back although booked again"
            return
        assert not [visit for visit in ahead if visit["course"]], "the course is booked again"
        lately = [
            visit["starts_at"]
            for visit in self.visits.values()
            if visit["course"] and visit["status"] in (*STANDING, "no_show")
        ]
        idle = self.time - max(lately, default=BEGAN)
        assert idle >= IDLE, f"the last session was {idle} ago"

    def _hour_before_is_due(self, visit: Dict[str, Any]) -> bool:
        """Whether the visit has an hour-before of its own, and that was due by now."""
        hour_before = visit["starts_at"] - timedelta(hours=1)
        return hour_before.time() >= QUIET_UNTIL and self.time >= hour_before

    def speaks_of(self, message_id: int) -> List[Said]:
        """The visits that a message reminds of."""
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
                select(Reminder.appointment_id, Reminder.time_version, Message.due_at)
                .join(Message, Message.id == Reminder.message_id)
                # what was put off has its reason
                .where(Message.state == "planned", Message.detail.is_(None))
            ).all()
        for number, version, due_at in rows:
            visit = self.visits[int(number)]
            assert visit["status"] in STANDING, f"visit {number} is {visit['status']}"
            assert visit["version"] == version, f"visit {number} has moved"
            local = due_at.astimezone(PUNE).time()
            assert QUIET_UNTIL <= local < QUIET_FROM, f"planned for {local}, and so lost"

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

    def everything_ended(self) -> bool:
        """Whether nothing is planned or on its way any more."""
        with self.db.reading() as session:
            hanging = Message.state.in_(("planned", "claimed", "sending"))
            return session.execute(select(Message.id).where(hanging)).first() is None

    def next_due(self) -> Optional[datetime]:
        """When the next planned message is due after now; None where there is none."""
        with self.db.reading() as session:
            wanted = select(func.min(Message.due_at)).where(Message.state == "planned")
            due = session.execute(wanted.where(Message.due_at > self.time)).scalar_one()
        return None if due is None else due.astimezone(PUNE)

    def check_the_end(self) -> None:
        """Every row says what became of it."""
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
