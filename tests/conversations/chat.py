"""A chat with the clinic, in process: the real channel, the real model, a database of its own.

A test reads like the chat it is about:

    riya.writes("kal shaam ko slot milega?")
    riya.taps("Ghutna")
    assert "khaali" in riya.hears()
"""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Dict, Iterator, List, Optional
from zoneinfo import ZoneInfo

import time_machine
from rasa.core.agent import Agent
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import ClientResponseError
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from assistant.action_endpoint import ActionEndpoint
from assistant.tracker_store import ClinicTrackerStore
from assistant.words import ClinicWords
from channels.texts import PatientTexts
from channels.whatsapp.conversation import Conversation
from channels.whatsapp.render import Recipient, render
from clinic.bubbles import Choices, bubble_from_json, choices_of, text_of
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.facts import Facts
from clinic.handoffs import resolve_handoff, unresolved_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Appointment, Contact, Handoff, Message, Offer, Tracker
from clinic.models.message import IN, OUT
from clinic.scheduling.booking import book, expire_holds, reschedule, upcoming
from clinic.scheduling.grid import Slot
from clinic.scheduling.slots import free_slots
from clinic.scheduling.visit import Visit
from clinic.setup import profile_in
from clinic.texts import Texts

PUNE = ZoneInfo("Asia/Kolkata")
CHRISTMAS = date(2026, 12, 25)  # a public holiday, within the days that can be booked
_numbers = itertools.count(1)


class InProcessActions(ActionEndpoint):
    """The action server without its socket: the same JSON in and out."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:0/webhook", selective_domain=True)
        self.executor = ActionExecutor()
        self.executor.register_package("actions")
        self.calls: List[str] = []
        self.broken: Optional[str] = None

    async def request(
        self,
        method: str = "post",
        subpath: Optional[str] = None,
        content_type: Optional[str] = "application/json",
        compress: bool = False,
        **kwargs: Any,
    ) -> Optional[Any]:
        body = json.loads(json.dumps(kwargs["json"]))
        action = str(body["next_action"])
        self.calls.append(action)
        try:
            if self.broken in (action, "every"):
                raise RuntimeError("the action broke")
            return json.loads(json.dumps(await self.executor.run(body)))
        except ActionExecutionRejection as error:
            refusal = {"error": str(error), "action_name": error.action_name}
            raise ClientResponseError(400, "rejected", json.dumps(refusal)) from error
        except Exception as error:
            self._failed(body, type(error).__name__)
            raise


class Clinic:
    """The clinic with its assistant: one database, one conversation engine, one clock."""

    def __init__(
        self,
        database: Database,
        agent: Agent,
        actions: InProcessActions,
        words: Texts,
        loop: asyncio.AbstractEventLoop,
        clock: time_machine.Coordinates,
    ) -> None:
        self.database = database
        self.agent = agent
        self.actions = actions
        self.actions.calls.clear()
        self.actions.broken = None
        self.texts = words
        self._loop = loop
        self._clock = clock
        agent.tracker_store = ClinicTrackerStore(domain=agent.domain, clinic_database=database)
        agent.processor.tracker_store = agent.tracker_store
        self._read_facts()

    def _read_facts(self) -> None:
        """Begin anew with what the clinic says of itself: its facts are kept for some seconds."""
        facts = Facts(self.database)
        words = ClinicWords(domain=self.agent.domain, facts=facts)
        self.agent.nlg = self.agent.processor.nlg = words
        self.conversation = Conversation(
            self.database,
            self.agent.handle_message,
            self.agent.processor.parse_message,
            PatientTexts(self.texts, facts),
            after=lambda wamid: None,
        )

    def patient(self, name: str = "Riya Demo") -> Patient:
        """Somebody who has never written here."""
        return Patient(self, f"+9190002{next(_numbers):05d}", name)

    def answer(self, contact_id: int) -> List[str]:
        """Take this contact's waiting turns; how each ended."""
        return self._loop.run_until_complete(self._answer(contact_id))

    async def _answer(self, contact_id: int) -> List[str]:
        outcomes: List[str] = []
        while (outcome := await self.conversation.next_turn(contact_id)) is not None:
            outcomes.append(outcome)
        return outcomes

    def passes(self, **time: float) -> None:
        """Let time pass: `clinic.passes(hours=3)`; holds that ran out are given back."""
        self._clock.shift(timedelta(**time))
        with self.database.transaction() as session:
            expire_holds(session, now())
        self._read_facts()

    def moves_to(self, moment: datetime) -> None:
        """Let it be that moment."""
        self._clock.move_to(moment)
        self._read_facts()

    @property
    def today(self) -> date:
        return now().astimezone(PUNE).date()

    def free(self, day: date, service: str = "assessment") -> List[Slot]:
        """Everything that can be booked on a day, with whomever."""
        with self.database.reading() as session:
            return free_slots(session, service=service, start=day, end=day, limit=500, now=now())

    def fills(self, day: date) -> None:
        """Book a day full, as the front desk might."""
        with self.database.transaction() as session:
            other = ensure_contact(session, "+919000299999", None, "Somebody Else")
            session.flush()
            for service in ("assessment", "session"):
                while slots := free_slots(
                    session, service=service, start=day, end=day, limit=1, now=now()
                ):
                    cause = f"fill:{slots[0].key}"
                    book(session, slots[0], other.id, "Somebody Else", cause, now=now())

    def takes(self, slot: Slot) -> None:
        """Another patient books this slot by telephone."""
        with self.database.transaction() as session:
            other = ensure_contact(session, "+919000299998", None, "Somebody Else")
            session.flush()
            book(session, slot, other.id, "Somebody Else", f"takes:{slot.key}", now=now())

    @contextmanager
    def crash_before_commit(self) -> Iterator[None]:
        """The next turn does all its work and then cannot commit, as in a crash."""
        store = self.agent.tracker_store
        commit = store._commit

        def crash(result: Any) -> None:
            raise OperationalError("commit", {}, Exception("gone"))

        store._commit = crash
        try:
            yield
        finally:
            store._commit = commit


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
            self._arrives(kind="text", text=text)
        return self._answered()

    def taps(self, title: str, on: Optional[Reply] = None) -> Reply:
        """Tap the newest button or row whose title begins so (of `on`, where one is given)."""
        self.has_tapped(title, on)
        return self._answered()

    def has_tapped(self, title: str, on: Optional[Reply] = None) -> None:
        """The tap has arrived and nobody has looked at it yet."""
        offer = self._offer(title, on)
        tap = {"id": offer.token, "title": offer.title, "source": "list"}
        self._arrives(kind="tap", text=offer.title, content={"tap": tap})

    def taps_unknown(self, token: str, title: str) -> Reply:
        """Tap what was never offered to this phone."""
        self._arrives(kind="tap", text=title, content={"tap": {"id": token, "title": title}})
        return self._answered()

    def sends(self, kind: str, text: Optional[str] = None, **content: Any) -> Reply:
        """Anything that is neither a text nor a tap."""
        self._arrives(kind=kind, text=text, content=content)
        return self._answered()

    def hears(self) -> Reply:
        """The clinic's latest answer."""
        return self._latest

    def _arrives(self, **parts: Any) -> None:
        wamid = f"wamid.{self.phone}.{next(self._wamids)}"
        arrival = Arrival(
            wamid=wamid, phone=self.phone, profile_name=self.name, sent_at=now(), **parts
        )
        with self.clinic.database.transaction() as session:
            assert store_arrival(session, arrival) is not None

    def _answered(self) -> Reply:
        self.outcomes = self.clinic.answer(self.id)
        self._latest = self._fresh()
        return self._latest

    def _fresh(self) -> Reply:
        with self.clinic.database.reading() as session:
            rows = session.execute(
                select(Message)
                .where(
                    Message.contact_id == self.id,
                    Message.direction == OUT,
                    Message.id > self._heard_up_to,
                )
                .order_by(Message.id)
            ).scalars()
            reply = Reply([(int(row.id), bubble_from_json(row.content)) for row in rows])
        if reply.ids:
            self._heard_up_to = reply.ids[-1]
        for number, bubble in zip(reply.ids, reply.bubbles, strict=True):
            # what could not be sent was not said
            render(bubble, Recipient(self.phone), f"m{number}")
        return reply

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

    def last_marks(self) -> Dict[str, Any]:
        """What the gate said of the last message."""
        with self.clinic.database.reading() as session:
            content = session.execute(
                select(Message.content)
                .where(Message.contact_id == self.id, Message.direction == IN)
                .order_by(Message.id.desc())
                .limit(1)
            ).scalar_one()
        return dict((content or {}).get("marks") or {})

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

    def was_moved_by_staff(self, visit: Visit, to: Slot) -> Visit:
        with self.clinic.database.transaction() as session:
            return reschedule(session, visit.appointment_id, None, to, f"staff:{to.key}", now=now())

    def profile(self) -> Any:
        with self.clinic.database.reading() as session:
            return profile_in(session)


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

    @property
    def is_list(self) -> bool:
        return any(isinstance(b, Choices) and len(b.choices) > 3 for b in self.bubbles)

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def __len__(self) -> int:
        return len(self.bubbles)

    def __repr__(self) -> str:
        return f"<{self.text!r} {self.titles}>"
