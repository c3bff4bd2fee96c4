"""Waiting for a free time, and answering when one is offered."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Dict, Optional

from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet

from actions.talk import BOOKING_SLOTS, ClinicAction, Events, Talk, forget
from actions.times import give_back_hold, today_of
from actions.visit_words import numbered_facts, say_calendar_link
from actions.wishes import SOONEST, Wish, service_for
from clinic.bubbles import LIST_ROW_TITLE
from clinic.calendar_words import say_day
from clinic.database import now
from clinic.scheduling.errors import PatientUnsaid, SchedulingError, UnknownOffer
from clinic.scheduling.slots import PARTS
from clinic.waitlist import Wanted, accept, decline, join, leave, patients_of, waiting_of

# a list of WhatsApp has ten rows, and one of them is for somebody else
MOST_NAMES = 9


class JoinWaitlist(ClinicAction):
    """Puts the patient on the waitlist for what they were looking for, and leaves the form."""

    action_name = "action_join_waitlist"

    def act(self, talk: Talk) -> Events:
        moment = now()
        asked: Any = talk.entity("wait")
        wait: Dict[str, Any] = asked if isinstance(asked, dict) else _said(talk)
        wish = Wish.of(wait.get("wish"))
        first, last = _days(talk, str(wait.get("day") or SOONEST), wish, moment)
        with talk.db.transaction() as session:
            wanted = Wanted(
                service=service_for(session, talk.profile, talk.contact_id),
                day_from=first,
                day_to=last,
                after=_start(wish),
                before=_end(wish),
                clinician=wish.clinician,
                gender=wish.gender,
                category=wait.get("category"),
                patient=talk.slot("patient_name"),
            )
            join(session, talk.contact_id, wanted, moment)
        span = talk.word(
            "utter_word_span",
            first=say_day(first, talk.language),
            last=say_day(last, talk.language),
        )
        talk.say("utter_waitlist_joined", span_words=span)
        return [
            *give_back_hold(talk),
            *forget(*BOOKING_SLOTS),
            ActiveLoop(None),
            SlotSet("requested_slot", None),
            FollowupAction("action_listen"),
        ]


class AcceptOffer(ClinicAction):
    """Books the time that was offered, if it is still kept for this patient."""

    action_name = "action_accept_offer"

    def act(self, talk: Talk) -> Events:
        number, patient = _number(talk), _patient(talk)
        cause = talk.cause("accept_offer")
        try:
            with talk.db.transaction() as session:
                visit = accept(session, number, talk.contact_id, cause, now(), patient)
        except PatientUnsaid:
            _ask_for_whom(talk, number)
        except SchedulingError as refusal:
            _say_over(talk, refusal)
        else:
            talk.say("utter_booked", **numbered_facts(talk, visit))
            say_calendar_link(talk, visit)
        return []


class DeclineOffer(ClinicAction):
    """Gives the time back for the next; the patient goes on waiting."""

    action_name = "action_decline_offer"

    def act(self, talk: Talk) -> Events:
        try:
            with talk.db.transaction() as session:
                decline(session, _number(talk), talk.contact_id, now())
                waiting = waiting_of(session, talk.contact_id) is not None
        except SchedulingError as refusal:
            _say_over(talk, refusal)
        else:
            talk.say("utter_waitlist_declined" if waiting else "utter_waitlist_not_waiting")
        return []


class LeaveWaitlist(ClinicAction):
    """Ends the waiting."""

    action_name = "action_leave_waitlist"

    def act(self, talk: Talk) -> Events:
        with talk.db.transaction() as session:
            waited = leave(session, talk.contact_id, now())
        talk.say("utter_waitlist_left" if waited else "utter_waitlist_not_waiting")
        return []


def _ask_for_whom(talk: Talk, number: int) -> None:
    """The slot stays kept; a tap on a name takes it for them."""
    with talk.db.reading() as session:
        patients = [(int(one.id), str(one.name)) for one in patients_of(session, talk.contact_id)]
    rows = [
        {"title": name[:LIST_ROW_TITLE], "payload": f'/accept_offer{{"offer": "{number}:{ident}"}}'}
        for ident, name in patients[:MOST_NAMES]
    ]
    another = {"title": talk.word("utter_word_somebody_else"), "payload": "/human_request"}
    talk.say("utter_waitlist_for_whom", buttons=[*rows, another])


def _say_over(talk: Talk, refusal: SchedulingError) -> None:
    with talk.db.transaction() as session:
        waiting = waiting_of(session, talk.contact_id) is not None
    known = waiting and not isinstance(refusal, UnknownOffer)
    talk.say("utter_waitlist_offer_over" if known else "utter_waitlist_not_waiting")


def _number(talk: Talk) -> int:
    said = str(talk.entity("offer") or "").partition(":")[0]
    return int(said) if said.isdigit() else 0


def _patient(talk: Talk) -> Optional[int]:
    """Whom they chose, where they were asked."""
    said = str(talk.entity("offer") or "").partition(":")[2]
    return int(said) if said.isdigit() else None


def _said(talk: Talk) -> Dict[str, Any]:
    """The wish in the patient's own words, else what the open form was looking for."""
    when = talk.entity("when")
    wish = Wish.of(talk.slot("wish"))
    day = talk.slot("day")
    if isinstance(when, dict) and not when.get("past"):
        wish, day = wish.with_when(when), when.get("date_from") or day
    gender = talk.entity("gender")
    if gender:
        wish = replace(wish, gender=gender)
    return {"day": day, "wish": asdict(wish), "category": talk.slot("category")}


def _days(talk: Talk, day: str, wish: Wish, moment: datetime) -> tuple[date, date]:
    """The days to wait for, within what can be booked."""
    today = today_of(talk, moment)
    horizon = today + timedelta(days=talk.profile.booking.horizon_days)
    until = date.fromisoformat(wish.until) if wish.until else None
    if day == SOONEST:
        return today, min(until or horizon, horizon)
    first = max(today, min(date.fromisoformat(day), horizon))
    return first, max(first, min(until or first, horizon))


def _start(wish: Wish) -> Optional[time]:
    said = wish.after or wish.at
    if said:
        return time.fromisoformat(said)
    return PARTS[wish.part][0] if wish.part in PARTS else None


def _end(wish: Wish) -> Optional[time]:
    if wish.before:
        return time.fromisoformat(wish.before)
    if wish.at:
        # "at six" waits for six, not for any time after it
        local = datetime.combine(date.min, time.fromisoformat(wish.at)) + timedelta(hours=1)
        return local.time()
    return PARTS[wish.part][1] if wish.part in PARTS and not wish.after else None
