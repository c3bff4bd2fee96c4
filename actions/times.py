"""Choosing a day and a time, as booking and moving both do."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Optional, Set, Tuple

from rasa_sdk.events import SlotSet

from actions.clinicians import named_clinician
from actions.talk import ClinicAction, Events, Talk, forget
from actions.visit_words import slot_row
from actions.wishes import SOONEST, Wish, day_of, days_with_slots, service_for, slots_for
from clinic.calendar_words import say_day
from clinic.database import now
from clinic.models import Appointment
from clinic.scheduling.booking import release
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.rules import read_calendar

ROWS_BEFORE_OTHER_DAY = 8
# what a form asks for when the day is known
AFTER_THE_DAY = frozenset({"slot", "patient_name", "booking_confirm", "move_confirm"})
# what can be chosen anew when sessions are booked in a row
AFTER_THE_COURSE = frozenset({"series_days", "series_at", "series_weeks"})


def today_of(talk: Talk, moment: datetime) -> date:
    """The clinic's day."""
    return moment.astimezone(talk.zone).date()


def service_of(talk: Talk, session: Any) -> str:
    """The service whose slots are shown: of the visit to be moved, else what may be booked."""
    if talk.form == "reschedule_form" and talk.slot("appointment"):
        appointment = session.get(Appointment, int(str(talk.slot("appointment")).split(":")[0]))
        if appointment is not None and appointment.contact_id == talk.contact_id:
            return str(appointment.service.code)
    return service_for(session, talk.profile, talk.contact_id)


def hear_times(talk: Talk, heard: Dict[str, Any]) -> Events:
    """Events for what the latest message wished: day, time of day, gender, clinician."""
    wish = Wish.of(talk.slot("wish"))
    events: Events = []
    changed = False
    if "gender" in heard:
        wish = replace(wish, gender=heard["gender"])
        changed = True
    named = None if talk.is_tap else named_clinician(talk.text, talk.profile)
    if named is not None and named.code is not None and named.code != wish.clinician:
        wish = replace(wish, clinician=named.code)
        changed = True
    elif named is not None and named.unknown is not None:
        people = [one.name.said_in(talk.language) for one in talk.profile.clinicians]
        talk.say("utter_unknown_clinician", people=", ".join(people))
    if "day" in heard:
        # a tapped day is that day alone
        wish = replace(wish, until=None)
        changed = True
    when = heard.get("when")
    if isinstance(when, dict):
        events += forget("when")
        if when.get("past"):
            talk.say("utter_day_past")
            return [*events, *give_back_hold(talk), *forget("day", "slot")]
        wish = wish.with_when(when)
        day = day_of(when)
        events.append(SlotSet("day", day or talk.slot("day") or SOONEST))
        changed = True
    elif talk.intent == "deny" and talk.requested == "slot":
        # none of these: another day
        return [*forget("day"), SlotSet("wish", wish.without_days().as_slot())]
    elif heard.get("indifferent") and talk.requested in {"day", "slot"}:
        events.append(SlotSet("day", talk.slot("day") or SOONEST))
        wish = wish.without_times()
        changed = True
    if changed:
        events.append(SlotSet("wish", wish.as_slot()))
        if "slot" not in heard:
            events += give_back_hold(talk)
            events += forget("slot")
    return events


def said_time(talk: Talk, heard: Dict[str, Any], events: Events) -> Dict[str, Any]:
    """The slot that begins at the very time written once the day was chosen.

    `events` are those of `hear_times`; `{}` where no time was written, or none begins then.
    """
    when = heard.get("when")
    wanted = when.get("at") if isinstance(when, dict) else None
    if wanted is None or talk.requested not in AFTER_THE_DAY or "slot" in heard:
        return {}
    slots = {event["name"]: event["value"] for event in events}
    if slots.get("day") in (None, SOONEST):
        return {}
    found, _ = _slots(talk, Wish.of(slots.get("wish")), slots["day"])
    first = found[0].starts_at.astimezone(talk.zone) if found else None
    if first is None or (first.date().isoformat(), f"{first:%H:%M}") != (slots["day"], wanted):
        return {}
    return {"slot": found[0].key}


def _slots(talk: Talk, wish: Wish, day: str) -> Tuple[List[Slot], bool]:
    moment = now()
    with talk.db.reading() as session:
        return slots_for(
            session,
            service_of(talk, session),
            wish,
            day,
            talk.profile,
            moment,
            today_of(talk, moment),
            preferred=_preferred(talk),
        )


def _tap_means(talk: Talk, **chosen: str) -> str:
    """The payload of a row; in a move with its visit, so that it is a move on the next day too."""
    visit = talk.slot("appointment")
    if talk.form == "reschedule_form" and visit:
        return f"/reschedule{json.dumps({**chosen, 'appointment': visit})}"
    return f"/inform{json.dumps(chosen)}"


def checked_day(talk: Talk, day: Optional[str]) -> Optional[str]:
    """The day if it can be booked; otherwise says why not, and None."""
    if day is None or day == SOONEST:
        return day
    today = today_of(talk, now())
    last = today + timedelta(days=talk.profile.booking.horizon_days)
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        return None
    if wanted < today:
        talk.say("utter_day_past")
        return None
    if wanted > last:
        talk.say("utter_day_too_far", last_day=say_day(last, talk.language))
        return None
    return day


def give_back_hold(talk: Talk) -> Events:
    """Give back the slot that is held while the patient confirms."""
    held = talk.slot("held")
    if held is None:
        return []
    # somebody else's or gone: nothing of ours to give back
    with contextlib.suppress(SchedulingError), talk.db.transaction() as session:
        release(session, int(held), talk.contact_id)
    return forget("held")


class AskDay(ClinicAction):
    """Asks for the day, offering those that have something free."""

    action_name = "action_ask_day"

    def act(self, talk: Talk) -> Events:
        moment = now()
        profile = talk.profile
        with talk.db.reading() as session:
            days = days_with_slots(
                session,
                service_of(talk, session),
                Wish.of(talk.slot("wish")),
                profile,
                moment,
                today_of(talk, moment),
            )
        if not days:
            talk.say("utter_nothing_free", buttons=tell_me(talk, SOONEST))
            return []
        rows: List[Dict[str, str]] = [
            {"title": talk.word("utter_word_soonest"), "payload": _tap_means(talk, day=SOONEST)}
        ]
        rows += [
            {
                "title": say_day(day, talk.language),
                "payload": _tap_means(talk, day=day.isoformat()),
            }
            for day in days
        ]
        talk.say("utter_ask_day", buttons=rows)
        return []


class AskSlot(ClinicAction):
    """Asks for the time, offering what is free on the day as wished, else the nearest."""

    action_name = "action_ask_slot"

    def act(self, talk: Talk) -> Events:
        profile = talk.profile
        day = str(talk.slot("day") or SOONEST)
        wish = Wish.of(talk.slot("wish"))
        slots, as_wished = _slots(talk, wish, day)
        if not slots:
            talk.say("utter_nothing_free", buttons=tell_me(talk, day))
            return []
        days = {slot.starts_at.astimezone(talk.zone).date() for slot in slots}
        one_day = len(days) == 1 and day != SOONEST
        rows = [
            slot_row(
                slot, profile, talk.language, not one_day, payload=_tap_means(talk, slot=slot.key)
            )
            for slot in slots
        ]
        other_day = {
            "title": talk.word("utter_word_other_day"),
            "payload": '/go_back{"step": "day"}',
        }
        # within the rows that are seen before "more"
        rows.insert(min(len(rows), ROWS_BEFORE_OTHER_DAY), other_day)
        if not as_wished:
            rows[ROWS_BEFORE_OTHER_DAY - 1 : ROWS_BEFORE_OTHER_DAY - 1] = tell_me(talk, day)
            _say_what_is_not(talk, wish, day, days)
        if one_day:
            words = say_day(days.pop(), talk.language)
            talk.say("utter_ask_slot", buttons=rows, day_words=words)
        else:
            talk.say("utter_ask_slot_soonest", buttons=rows)
        return []


def tell_me(talk: Talk, day: str) -> List[Dict[str, str]]:
    """The button by which a patient waits for a time as wished; none where a visit is moved."""
    if talk.form != "booking_form":
        return []
    wait = {
        "day": day,
        "wish": Wish.of(talk.slot("wish")).as_slot(),
        "category": talk.slot("category"),
    }
    payload = f"/join_waitlist{json.dumps({'wait': wait})}"
    return [{"title": talk.word("utter_word_tell_me"), "payload": payload}]


def _say_what_is_not(talk: Talk, wish: Wish, day: str, offered: Set[date]) -> None:
    """Why what is offered is not what was asked for: a closed day, full ones, or the hours."""
    one_day = day != SOONEST and wish.until in (None, day)
    if not one_day and wish.until and offered and wish.gender is None and wish.clinician is None:
        first = today_of(talk, now()) if day == SOONEST else date.fromisoformat(day)
        last = date.fromisoformat(wish.until)
        if not any(first <= other <= last for other in offered):
            span = {"first": say_day(first, talk.language), "last": say_day(last, talk.language)}
            talk.say("utter_days_full", span_words=talk.word("utter_word_span", **span))
            return
    wanted = date.fromisoformat(day) if one_day else None
    if wanted is None or wanted in offered:
        talk.say("utter_no_match")
        return
    with talk.db.reading() as session:
        closed = read_calendar(session, wanted, wanted).is_closed(wanted)
    closed = closed or not talk.profile.hours.on(wanted.weekday())
    response = "utter_closed_on_day" if closed else "utter_day_full"
    talk.say(response, day_words=say_day(wanted, talk.language))


def _preferred(talk: Talk) -> tuple[str, ...]:
    category = talk.slot("category")
    for item in talk.profile.categories:
        if item.code == category:
            return tuple(item.clinicians)
    return ()


class GoBack(ClinicAction):
    """One step back, or to the step that a button or the words name."""

    action_name = "action_go_back"

    def act(self, talk: Talk) -> Events:
        if talk.form == "cancel_form":
            last = talk.requested == "cancel_confirm"
            return forget("cancel_reason" if last else "appointment")
        if talk.form == "series_form":
            step = talk.entity("step") or _step_before(talk.requested)
            known = step if step in AFTER_THE_COURSE else "series_days"
            return forget(known, "series_slots", "series_confirm")
        if talk.form not in {"booking_form", "reschedule_form"}:
            talk.say("utter_nothing_to_go_back")
            return []
        step = talk.entity("step") or _step_before(talk.requested)
        if step == "name":
            return forget("patient_name", "booking_confirm")
        events = give_back_hold(talk) + forget("slot", "booking_confirm", "move_confirm")
        if step in {"day", "category"}:
            lasting = Wish.of(talk.slot("wish")).without_days()
            events += [*forget("day"), SlotSet("wish", lasting.as_slot())]
        if step == "category":
            events += forget("category")
        return events


def _step_before(requested: Optional[str]) -> str:
    before = {
        "day": "category",
        "slot": "day",
        "patient_name": "slot",
        "series_at": "series_days",
        "series_weeks": "series_at",
        "series_confirm": "series_weeks",
    }
    return before.get(requested or "", "slot")
