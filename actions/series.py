"""Booking the sessions of a course in a row: course → days → hour → weeks → confirm."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any, Dict, List, Optional

from rasa_sdk.events import SlotSet

from actions.asides import (
    forget_dropped,
    go_on,
    refuse_another_form,
    with_sure_answer,
    without_answer_to_change,
)
from actions.plans import bookable_courses, plan_facts
from actions.talk import ClinicAction, Events, Talk, forget
from clinic.courses import courses_of
from clinic.database import now
from clinic.models.care import ACTIVE, EXPIRED, FINISHED
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.series import MOST_WEEKS, book_series

ALL_LEFT = "all"
CHOSEN = ("series_days", "series_at", "series_weeks")
_DAYS = re.compile(r"^[0-6](,[0-6])*$")
_NUMBER = re.compile(r"^\D{0,12}(\d{1,2})\D{0,20}$")


class ValidateSeriesForm(ClinicAction):
    """Takes in what the patient said of the row of visits, in whatever order."""

    action_name = "validate_series_form"

    def act(self, talk: Talk) -> Events:
        if not talk.heard().get("series"):
            # "book Monday and Friday" in the midst of it is no other booking
            refuse_another_form(talk)
        heard = with_sure_answer(talk, "series_confirm", same_as_yes="book_series")
        sure = heard.get("series_confirm") is True
        events = [] if sure else self._course(talk, heard)
        if any(event.get("name") == "requested_slot" for event in events):
            return events
        events += _times(talk, heard)
        heard = without_answer_to_change(heard, "series_confirm", events)
        events += forget_dropped(talk, heard, "series_confirm")
        events += self._confirmation(talk, heard)
        return go_on(talk, heard, events)

    def _course(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        """The course that is meant: named by a button, or the only one that can be booked."""
        with talk.db.reading() as session:
            known = [str(course.id) for course in bookable_courses(session, talk.contact_id)]
        if not known:
            _say_why_none(talk)
            return [*forget("course"), SlotSet("requested_slot", None)]
        wanted = heard.get("course") or talk.slot("course")
        if wanted not in known:
            wanted = known[0] if len(known) == 1 else None
        if wanted == talk.slot("course") and "course" not in heard:
            return []
        return [SlotSet("course", wanted)]

    def _confirmation(self, talk: Talk, heard: Dict[str, Any]) -> Events:
        if heard.get("series_confirm") is False:
            talk.say("utter_what_to_change_in_series")
            return forget("series_confirm")
        if heard.get("series_confirm") is not True or not talk.slot("series_slots"):
            return []
        slots = [Slot.from_key(str(key)) for key in talk.slot("series_slots")]
        try:
            with talk.db.transaction() as session:
                done = book_series(
                    session,
                    int(talk.slot("course")),
                    talk.contact_id,
                    slots,
                    talk.cause("series"),
                    now=now(),
                )
        except SchedulingError:
            _say_why_none(talk)
            return [*forget("course", "series_confirm"), SlotSet("requested_slot", None)]
        booked = {
            "visits": [visit.appointment_id for visit in done.visits],
            "refused": [slot.key for slot in done.refused],
        }
        return [SlotSet("series_slots", booked), SlotSet("series_confirm", True)]


def _times(talk: Talk, heard: Dict[str, Any]) -> Events:
    """Events for days, hour and weeks; what changes them undoes what was proposed."""
    said = _said(talk, heard)
    events: Events = [SlotSet(name, value) for name, value in said.items()]
    for used in ("series", "when"):
        if used in heard:
            events += forget(used)
    if said and talk.slot("series_slots") is not None:
        events += forget("series_slots")
    return events


def _said(talk: Talk, heard: Dict[str, Any]) -> Dict[str, Any]:
    said = {name: heard[name] for name in CHOSEN if _is_one(name, heard.get(name))}
    series: Dict[str, Any] = heard.get("series") or {}
    when: Dict[str, Any] = heard["when"] if isinstance(heard.get("when"), dict) else {}
    if series.get("days"):
        said["series_days"] = ",".join(str(day) for day in series["days"])
    elif talk.requested == "series_days" and when.get("date_from"):
        said["series_days"] = str(date.fromisoformat(when["date_from"]).weekday())
    weeks = series.get("weeks") or _bare_number(talk)
    if weeks:
        said["series_weeks"] = str(weeks)
    elif series.get("all") or (talk.requested == "series_weeks" and heard.get("indifferent")):
        said["series_weeks"] = ALL_LEFT
    at = series.get("at") or when.get("at")
    # "4" in answer to "for how many weeks?" is no hour
    if at and not (talk.requested == "series_weeks" and _bare_number(talk)):
        said["series_at"] = at
    elif when.get("part") and talk.requested in ("series_at", "series_confirm"):
        said["wish"] = {"part": when["part"]}
        said["series_at"] = None
    return said


def _bare_number(talk: Talk) -> Optional[int]:
    found = _NUMBER.match(talk.text) if talk.requested == "series_weeks" else None
    if found is None or talk.is_tap or not 1 <= int(found[1]) <= MOST_WEEKS:
        return None
    return int(found[1])


def _is_one(name: str, value: Any) -> bool:
    """Whether a button's value is one that this slot can have."""
    text = str(value or "")
    if name == "series_days":
        return bool(_DAYS.match(text))
    if name == "series_weeks":
        return text == ALL_LEFT or (text.isdigit() and 1 <= int(text) <= MOST_WEEKS)
    try:
        return bool(text) and time.fromisoformat(text) is not None
    except ValueError:
        return False


def _say_why_none(talk: Talk) -> None:
    """Why no session can be booked: no plan, one that is over, or one that is all booked."""
    today = now().astimezone(talk.zone).date()
    with talk.db.reading() as session:
        courses = courses_of(session, talk.contact_id)
        facts = [(course, plan_facts(session, course, talk.language)) for course in courses]
    over = [
        said
        for course, said in facts
        if course.status == EXPIRED
        or (course.status == ACTIVE and course.expires_on is not None and course.expires_on < today)
    ]
    full: List[Dict[str, Any]] = [
        said for course, said in facts if course.status == ACTIVE and said not in over
    ]
    used = [said for course, said in facts if course.status == FINISHED]
    if full or (used and not over):
        talk.say("utter_plan_all_booked", **(full or used)[-1])
    elif over:
        talk.say("utter_my_plan_over", **over[-1])
    else:
        talk.say("utter_no_plan")
