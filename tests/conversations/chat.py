"""A chat with the clinic, in process: the real channel, the real model, a database of its own.

A test reads like the chat it is about:

    riya.writes("kal shaam ko slot milega?")
    riya.taps("Ghutna")
    assert "khaali" in riya.hears()
"""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.whatsapp.render import Recipient, render
from clinic.bubbles import bubble_from_json, choices_of, text_of
from clinic.contacts import ensure_contact
from clinic.course_plans import Plan, author
from clinic.database import now
from clinic.decision import UNWRITTEN
from clinic.handoffs import resolve_handoff, unresolved_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Appointment, Contact, Handoff, Message, Offer, Tracker
from clinic.models.message import IN, OUT
from clinic.scheduling.booking import book, reschedule, upcoming
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit

if TYPE_CHECKING:
    from tests.conversations.engine import Clinic

# every question of every form, and how it begins
QUESTIONS = {
    "booking category": "What is the visit about?",
    "booking day": "Which day suits you?",
    "booking time": "These are the next free times.",
    "booking name": "Who is the visit for?",
    "booking confirm": "Shall I book it?",
    "moving which": "Which visit do you mean?",
    "moving day": "Which day suits you?",
    "moving time": "These are the next free times.",
    "moving confirm": "Move your visit to",
    "cancelling which": "Which visit do you mean?",
    "cancelling reason": "May I note why?",
    "cancelling confirm": "Cancel your visit on",
    "series which": "Whose sessions shall we book?",
    "series days": "On which days of the week?",
    "series time": "At what time?",
    "series weeks": "For how many weeks?",
    "series confirm": "Shall I book them?",
}


class Patient:
    """Somebody with a phone: writes, taps, and reads what comes."""

    def __init__(self, clinic: Clinic, phone: str, name: str) -> None:
        self.clinic = clinic
        self.phone = phone
        self.name = name
        self._heard_up_to = 0
        self._wamids = itertools.count(1)
        self.outcomes: List[str] = []

    # what a patient does

    def writes(self, *texts: str) -> Reply:
        """Write one message, or several in quick succession; what the clinic answered."""
        for text in texts:
            self.arrives(kind="text", text=text)
        return self._answered()

    def taps(self, title: str, on: Optional[Reply] = None) -> Reply:
        """Tap the newest button or row whose title begins so (of `on`, where one is given)."""
        self.has_tapped(title, on)
        return self._answered()

    def has_tapped(self, title: str, on: Optional[Reply] = None) -> None:
        """The tap has arrived and nobody has looked at it yet."""
        offer = self._offer(title, on)
        tap = {"id": offer.token, "title": offer.title, "source": "list"}
        self.arrives(kind="tap", text=offer.title, content={"tap": tap})

    def taps_unknown(self, token: str, title: str) -> Reply:
        """Tap what was never offered to this phone."""
        self.arrives(kind="tap", text=title, content={"tap": {"id": token, "title": title}})
        return self._answered()

    def sends(self, kind: str, text: Optional[str] = None, **content: Any) -> Reply:
        """Anything that is neither a text nor a tap."""
        self.arrives(kind=kind, text=text, content=content)
        return self._answered()

    def hears(self) -> Reply:
        """The clinic's latest answer."""
        return self._latest

    def arrives(self, **parts: Any) -> None:
        """Something of theirs is stored, and nobody has looked at it yet."""
        wamid = f"wamid.{self.phone}.{next(self._wamids)}"
        arrival = Arrival(
            wamid=wamid, phone=self.phone, profile_name=self.name, sent_at=now(), **parts
        )
        with self.clinic.database.transaction() as session:
            assert store_arrival(session, arrival) is not None

    def _answered(self) -> Reply:
        self.outcomes = self.clinic.answer(self.id)
        self._latest = self.fresh()
        return self._latest

    def fresh(self) -> Reply:
        """What was said since the last reading, less the notice (see `notices`)."""
        everything = self._said(Message.id > self._heard_up_to)
        if everything.ids:
            self._heard_up_to = everything.ids[-1]
        for number, bubble in zip(everything.ids, everything.bubbles, strict=True):
            # what could not be sent was not said
            render(bubble, Recipient(self.phone), f"m{number}")
        return self._said(Message.id.in_(everything.ids), Message.purpose != "notice")

    @property
    def intents(self) -> List[str]:
        """How each of their messages was read."""
        with self.clinic.database.reading() as session:
            rows = session.execute(
                select(Message.intent)
                .where(Message.contact_id == self.id, Message.direction == IN)
                .order_by(Message.id)
            )
            return [str(row[0]) for row in rows]

    @property
    def notices(self) -> Reply:
        """Every privacy notice, and every question for a guardian, that came so far."""
        return self._said(Message.purpose == "notice")

    def _said(self, *which: Any) -> Reply:
        with self.clinic.database.reading() as session:
            rows = session.execute(
                select(Message)
                .where(
                    Message.contact_id == self.id,
                    Message.direction == OUT,
                    # a reminder has no words before its time
                    Message.kind.not_in(UNWRITTEN),
                    *which,
                )
                .order_by(Message.id)
            ).scalars()
            return Reply([(int(row.id), bubble_from_json(row.content)) for row in rows])

    def _offer(self, title: str, on: Optional[Reply]) -> Offer:
        with self.clinic.database.reading() as session:
            offers = (
                session.execute(select(Offer).where(Offer.contact_id == self.id).order_by(Offer.id))
                .scalars()
                .all()
            )
        # of one message the first row that fits, of several messages the newest
        fitting = [
            offer
            for offer in offers
            if str(offer.title).startswith(title) and (on is None or offer.message_id in on.ids)
        ]
        assert fitting, f"nobody offered {title!r}, but {[str(o.title) for o in offers[-11:]]}"
        newest = max(offer.message_id for offer in fitting)
        return next(offer for offer in fitting if offer.message_id == newest)

    # what the clinic knows of them

    @property
    def id(self) -> int:
        with self.clinic.database.transaction() as session:
            return self.id_in(session)

    def id_in(self, session: Session) -> int:
        contact = ensure_contact(session, self.phone, None, self.name)
        session.flush()
        return int(contact.id)

    @property
    def contact(self) -> Contact:
        with self.clinic.database.reading() as session:
            return session.get(Contact, self.id)

    @property
    def visits(self) -> List[Visit]:
        """Their visits that stand, soonest first."""
        with self.clinic.database.reading() as session:
            return upcoming(session, self.id, now())

    @property
    def appointments(self) -> List[Appointment]:
        """Every row there is of them, holds and cancelled ones too."""
        with self.clinic.database.reading() as session:
            return list(
                session.execute(
                    select(Appointment)
                    .where(Appointment.contact_id == self.id)
                    .order_by(Appointment.id)
                ).scalars()
            )

    @property
    def handoff(self) -> Optional[Handoff]:
        """The handoff that mutes the bot for them."""
        with self.clinic.database.reading() as session:
            return unresolved_handoff(session, self.id)

    def is_handed_back(self) -> None:
        """Staff end the handoff and give the conversation back to the bot."""
        handoff = self.handoff
        assert handoff is not None, "nobody has this conversation"
        with self.clinic.database.transaction() as session:
            resolve_handoff(session, handoff.id, "Neha", "answered", hand_back=True)

    @property
    def memory(self) -> Dict[str, Any]:
        """What Rasa remembers of them: its slots that are set, and the open form."""
        events = self._events()
        if events is None:
            return {}
        tracker = DialogueStateTracker.from_dict(
            str(self.id), events, self.clinic.agent.domain.slots
        )
        known = {n: v for n, v in tracker.current_slot_values().items() if v is not None}
        return {**known, "form": tracker.active_loop_name}

    def _events(self) -> Optional[List[Dict[str, Any]]]:
        with self.clinic.database.reading() as session:
            row = session.get(Tracker, str(self.id))
            return None if row is None else row.events

    @property
    def transcript(self) -> List[str]:
        """Everything said in this chat."""
        with self.clinic.database.reading() as session:
            rows = session.execute(
                select(Message).where(Message.contact_id == self.id).order_by(Message.id)
            ).scalars()
            return [f"{'<' if row.direction == IN else '>'} {row.text}" for row in rows]

    def last_intent(self) -> Optional[str]:
        """What the assistant took the last message for."""
        with self.clinic.database.reading() as session:
            return session.execute(
                select(Message.intent)
                .where(Message.contact_id == self.id, Message.direction == IN)
                .order_by(Message.id.desc())
                .limit(1)
            ).scalar_one()

    # ways into a conversation that many tests begin with

    def is_booking(
        self, step: str = "confirm", name: str = "Riya Sharma", day: str = "Soonest"
    ) -> Reply:
        """Go through a booking in English up to the question of a step."""
        reply = self.writes("I want to book an appointment")
        if step == "category":
            return reply
        reply = self.taps("Knee")
        if step == "day":
            return reply
        reply = self.taps(day)
        if step == "time":
            return reply
        reply = self.taps(reply.titles[0])
        if step == "name":
            return reply
        return self.writes(name)

    def is_asked(self, question: str) -> Reply:
        """Come, in English, to one of `QUESTIONS`."""
        flow, step = question.split()
        if flow == "booking":
            return self.is_booking(step)
        if flow == "series":
            return self._is_booking_in_a_row(step)
        self.has_visit()
        if step == "which":
            self.has_visit(self.clinic.today + timedelta(days=2), "Aarav Sharma")
        if flow == "cancelling":
            reply = self.writes("please cancel my appointment")
            return self.taps("Travelling") if step == "confirm" else reply
        reply = self.writes("I need to reschedule my appointment")
        if step in ("time", "confirm"):
            reply = self.taps("Soonest")
        if step == "confirm":
            reply = self.taps(reply.titles[0])
        return reply

    def _is_booking_in_a_row(self, step: str) -> Reply:
        self.has_plan()
        if step == "which":
            self.has_plan(name="Aarav Sharma")
        reply = self.writes("book the sessions of my plan")
        if step in ("which", "days"):
            return reply
        reply = self.taps("Mon, Wed, Fri")
        if step == "time":
            return reply
        reply = self.taps("9:00 am")
        return reply if step == "weeks" else self.taps("All the rest")

    def has_booked(self, name: str = "Riya Sharma", day: str = "Soonest") -> Visit:
        """Book the first free time of a day by taps."""
        before = {visit.appointment_id for visit in self.visits}
        asked = self.is_booking("name", day=day)
        if "Shall I book it?" not in asked:
            self.writes(name)
        assert "Booked: " in self.taps("Yes, book it")
        return next(visit for visit in self.visits if visit.appointment_id not in before)

    def has_visit(self, day: Optional[date] = None, name: str = "Riya Sharma") -> Visit:
        """A visit that the front desk has booked: the first free time of a day (tomorrow)."""
        clinic = self.clinic
        slot = clinic.free(day or clinic.today + timedelta(days=1))[0]
        with clinic.database.transaction() as session:
            cause = f"desk:{self.phone}:{slot.key}"
            return book(session, slot, self.id_in(session), name, cause, now=now())

    def has_been_here(self, name: str) -> None:
        """A visit of last week, which took place."""
        clinic, week = self.clinic, timedelta(days=7)
        slot = clinic.free(clinic.today + timedelta(days=1))[0]
        with clinic.database.transaction() as session:
            visit = book(session, slot, self.id_in(session), name, f"past:{self.phone}", now=now())
            row = session.get(Appointment, visit.appointment_id)
            row.status, row.starts_at, row.ends_at = (
                "completed",
                row.starts_at - week,
                row.ends_at - week,
            )

    def has_plan(
        self,
        sessions: int = 6,
        per_week: int = 3,
        name: str = "Riya Sharma",
        clinician: str = "neha",
        expires_on: Optional[date] = None,
    ) -> int:
        """A clinician has written a plan of sessions for them; its number."""
        with self.clinic.database.transaction() as session:
            plan = Plan(
                contact_id=self.id_in(session),
                patient=name,
                clinician=clinician,
                sessions=sessions,
                authored_by=clinician,
                per_week=per_week,
                expires_on=expires_on,
            )
            return author(session, plan, now())

    def was_moved_by_staff(self, visit: Visit, to: Slot) -> Visit:
        with self.clinic.database.transaction() as session:
            return reschedule(session, visit.appointment_id, None, to, f"staff:{to.key}", now=now())


class Reply:
    """What the clinic said in answer to one or several messages."""

    def __init__(self, numbered: List[Any]) -> None:
        self.ids = [number for number, _ in numbered]
        self.bubbles = [bubble for _, bubble in numbered]

    @property
    def text(self) -> str:
        return "\n".join(text_of(bubble) for bubble in self.bubbles)

    @property
    def titles(self) -> List[str]:
        """What can be tapped, in order."""
        return [choice.title for bubble in self.bubbles for choice in choices_of(bubble)]

    @property
    def kinds(self) -> List[str]:
        return [bubble.kind for bubble in self.bubbles]

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def __len__(self) -> int:
        return len(self.bubbles)

    def __repr__(self) -> str:
        return f"<{self.text!r} {self.titles}>"
