"""Deciding at the moment of sending: is what was planned still true and still wanted?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from prometheus_client import Counter
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from clinic.decision import EXERCISES, Decision, Go, Later, Stop
from clinic.delivery import window_open
from clinic.exercises.deciding import decide_occasion
from clinic.models import Appointment, Clinician, Message, Reminder
from clinic.models.message import (
    CANCELLED,
    CLAIMED,
    DELIVERED,
    PLANNED,
    READ,
    SENDING,
    SENT,
    SKIPPED,
    UNKNOWN,
)
from clinic.models.schedule import STANDING
from clinic.reminders.announced import decide_announcement
from clinic.reminders.nudging import decide_nudge
from clinic.reminders.times import quiet_span
from clinic.reminders.writing import Visit, Words
from clinic.templates import TemplateBook
from clinic.texts import Texts

# two visits that begin within this share one reminder
TOGETHER = timedelta(hours=1)
# what has left the house, or may have
GONE = (SENDING, SENT, DELIVERED, READ, UNKNOWN)
WHILE_CHANGED = timedelta(seconds=2)
UNTIL_REVIEWED = timedelta(minutes=5)
NO_TEMPLATE = "no approved template"

UNDECIDED = Counter(
    "sandhi_reminders_without_template_total",
    "Messages of our own that were skipped because no approved utility template could carry them",
)

Key = Tuple[int, str, int]


class ReminderWriter:
    """Decides about reminders, nudges, exercises and announcements, and writes those that go.

    A `clinic.decision.Writer`.
    """

    def __init__(self, texts: Texts, book: TemplateBook) -> None:
        self._texts = texts
        self._book = book

    def decide(
        self,
        session: Session,
        messages: Sequence[Any],
        contacts: Mapping[int, Any],
        moment: datetime,
    ) -> Dict[int, Decision]:
        """A decision for each message, by its id; see `clinic.decision`."""
        words = Words(session, self._texts, self._book, moment)
        reminders = [message for message in messages if message.kind == "reminder"]
        decisions: Dict[int, Decision] = {}
        if reminders:
            decisions.update(_Reminders(session, words, contacts, moment).decide(reminders))
        for message in messages:
            contact = contacts[int(message.contact_id)]
            if message.kind == "nudge":
                quiet = _quiet(message, words, moment)
                decisions[int(message.id)] = quiet or decide_nudge(
                    session, words, message, contact, moment
                )
            elif message.kind == EXERCISES:
                quiet = _quiet(message, words, moment)
                decisions[int(message.id)] = quiet or decide_occasion(
                    session, words, message, contact, moment
                )
            elif message.kind != "reminder":
                # somebody who wrote within the day reads what is news to them at any hour
                quiet = None if window_open(contact, moment) else _quiet(message, words, moment)
                decisions[int(message.id)] = quiet or decide_announcement(
                    session, words, message, contact, moment
                )
        for message in messages:
            decision = decisions[int(message.id)]
            if isinstance(decision, Go) and decision.bubble is None:
                decisions[int(message.id)] = _without_template(message, moment)
        return decisions


def _without_template(message: Any, moment: datetime) -> Decision:
    """A nudge is good for days, and waits: its template may be in review at this hour."""
    again = moment + UNTIL_REVIEWED
    if message.kind == "nudge" and message.not_after is not None and again < message.not_after:
        return Later(again, NO_TEMPLATE)
    UNDECIDED.inc()
    return Stop(SKIPPED, NO_TEMPLATE)


def _quiet(message: Any, words: Words, moment: datetime) -> Optional[Decision]:
    """In the quiet hours it waits for their end, or ends where that would be too late."""
    span = quiet_span(moment, words.profile.reminders.quiet, words.zone)
    if span is None:
        return None
    if message.not_after is not None and span[1] >= message.not_after:
        return Stop(SKIPPED, "quiet hours")
    return Later(span[1], "quiet hours")


class _Reminders:
    """The reminders of one batch."""

    def __init__(
        self, session: Session, words: Words, contacts: Mapping[int, Any], moment: datetime
    ) -> None:
        self._session = session
        self._words = words
        self._contacts = contacts
        self._moment = moment
        self._spoken_for: Set[Key] = set()

    def decide(self, messages: List[Any]) -> Dict[int, Decision]:
        facts = self._facts([int(message.id) for message in messages])
        decisions: Dict[int, Decision] = {}
        alive = []
        for message in messages:
            row = facts.get(int(message.id))
            stopped = self._obstacle(message, row)
            if stopped is not None:
                decisions[int(message.id)] = stopped
            else:
                alive.append((message, row))
        around = self._around([row for _, row in alive])
        for message, row in alive:
            decisions[int(message.id)] = self._write(message, row, around)
        return decisions

    def _obstacle(self, message: Any, row: Any) -> Optional[Decision]:
        if row is None:
            # somebody is changing the visit at this very moment (PostgreSQL): see what comes of it
            return Later(self._moment + WHILE_CHANGED, "visit is being changed")
        if row.status not in STANDING:
            return Stop(CANCELLED, f"visit {row.status}")
        if row.time_version != row.planned_version:
            return Stop(CANCELLED, "visit moved")
        if row.starts_at <= self._moment:
            return Stop(SKIPPED, "too late")
        if row.said_in is not None and row.said_state in GONE:
            return Stop(SKIPPED, f"said with message {row.said_in}")
        return _quiet(message, self._words, self._moment)

    def _write(self, message: Any, row: Any, around: Dict[int, List[Any]]) -> Decision:
        own = (int(row.id), str(row.kind), int(row.planned_version))
        if own in self._spoken_for:
            return Later(self._moment + WHILE_CHANGED, "said with another")
        near = [
            other
            for other in around.get(int(row.contact_id), [])
            if other.kind == row.kind
            and other.id != row.id
            and abs(other.starts_at - row.starts_at) <= TOGETHER
        ]
        visits = sorted([row, *near], key=lambda each: (each.starts_at, each.id))
        bubble = self._words.reminder(
            self._contacts[int(message.contact_id)], [_visit(each) for each in visits]
        )
        covers = [(int(o.id), str(o.kind), int(o.planned_version)) for o in near]
        self._spoken_for.update(covers)
        return Go(bubble, covers)

    def _facts(self, ids: List[int]) -> Dict[int, Any]:
        """Each reminder and its visit; the visits stay as they are until this transaction ends."""
        said = aliased(Message)
        rows = self._session.execute(
            _columns(said)
            .where(Reminder.message_id.in_(ids))
            .with_for_update(read=True, of=Appointment, skip_locked=True)
        )
        return {int(row.message_id): row for row in rows}

    def _around(self, rows: List[Any]) -> Dict[int, List[Any]]:
        """By contact, other reminders that still wait, of visits near those of `rows`."""
        if not rows:
            return {}
        said, own = aliased(Message), aliased(Message)
        found = self._session.execute(
            _columns(said)
            .join(own, own.id == Reminder.message_id)
            .where(
                Appointment.contact_id.in_({int(row.contact_id) for row in rows}),
                Appointment.status.in_(STANDING),
                Appointment.starts_at > self._moment,
                Appointment.starts_at <= max(row.starts_at for row in rows) + TOGETHER,
                Reminder.time_version == Appointment.time_version,
                own.state.in_((PLANNED, CLAIMED)),
            )
            .with_for_update(read=True, of=Appointment, skip_locked=True)
        )
        around: Dict[int, List[Any]] = {}
        for row in found:
            if row.said_in is None or row.said_state not in GONE:
                around.setdefault(int(row.contact_id), []).append(row)
        return around


def _columns(said: Any) -> Any:
    return (
        select(
            Appointment.id,
            Appointment.contact_id,
            Appointment.status,
            Appointment.time_version,
            Appointment.starts_at,
            Appointment.course_id,
            Clinician.code.label("clinician"),
            Reminder.message_id,
            Reminder.kind,
            Reminder.time_version.label("planned_version"),
            Reminder.said_in,
            said.state.label("said_state"),
        )
        .join(Reminder, Reminder.appointment_id == Appointment.id)
        .join(Clinician, Clinician.id == Appointment.clinician_id)
        .outerjoin(said, said.id == Reminder.said_in)
    )


def _visit(row: Any) -> Visit:
    return Visit(
        int(row.id), int(row.time_version), row.starts_at, str(row.clinician), row.course_id
    )
