"""What is asked when sessions are booked in a row, and what is said when they are."""

from __future__ import annotations

import json
from datetime import time
from typing import Any, Dict, List, Optional, Tuple

from rasa_sdk.events import SlotSet

from actions.plans import bookable_courses, plan_facts
from actions.series import ALL_LEFT, CHOSEN
from actions.talk import BOOKING_SLOTS, ClinicAction, Events, Talk, forget
from actions.visit_words import visit_facts
from actions.wishes import Wish
from clinic.calendar_words import say_moment, say_time, say_weekday
from clinic.courses import balance
from clinic.database import now
from clinic.models import Appointment, Course
from clinic.scheduling.errors import SchedulingError
from clinic.scheduling.grid import Slot
from clinic.scheduling.series import Proposal, hours_free, propose
from clinic.scheduling.slots import PARTS
from clinic.scheduling.visit import visit_of

# how many sessions a week may lie: the usual rows, then single days
PATTERNS: Dict[int, Tuple[Tuple[int, ...], ...]] = {
    1: (),
    2: ((0, 3), (1, 4), (2, 5)),
    3: ((0, 2, 4), (1, 3, 5)),
    4: ((0, 1, 3, 4), (1, 2, 4, 5)),
    5: ((0, 1, 2, 3, 4),),
    6: ((0, 1, 2, 3, 4, 5),),
    7: ((0, 1, 2, 3, 4, 5, 6),),
}
DAY_ROWS = 9
HOUR_ROWS = 16


class AskCourse(ClinicAction):
    """Asks which of several plans is meant."""

    action_name = "action_ask_series_form_course"

    def act(self, talk: Talk) -> Events:
        with talk.db.reading() as session:
            facts = [
                plan_facts(session, course, talk.language)
                for course in bookable_courses(session, talk.contact_id)
            ]
        rows = [
            {
                "title": talk.word("utter_word_plan_of", **said)[:24],
                "payload": f'/book_series{{"course": "{said["course"]}"}}',
            }
            for said in facts
        ]
        talk.say("utter_ask_course", buttons=rows)
        return []


class AskSeriesDays(ClinicAction):
    """Asks for the days of the week, those first that fit the plan."""

    action_name = "action_ask_series_form_series_days"

    def act(self, talk: Talk) -> Events:
        with talk.db.reading() as session:
            course = session.get(Course, int(talk.slot("course")))
            spans = [item.availability for item in talk.profile.clinicians
                     if item.code == course.clinician.code]  # fmt: skip
            per_week = int(course.per_week or 1)
            facts = plan_facts(session, course, talk.language)
        works = [day for day in range(7) if any(week.on(day) for week in spans)]
        patterns = [days for days in PATTERNS[per_week] if set(days) <= set(works)]
        patterns += [
            days
            for number in (3, 2)
            if number != per_week
            for days in PATTERNS[number]
            if set(days) <= set(works)
        ]
        patterns += [(day,) for day in works]
        rows = [
            {
                "title": ", ".join(say_weekday(day, talk.language) for day in days)[:24],
                "payload": _tap_means(talk, series_days=",".join(map(str, days))),
            }
            for days in patterns[:DAY_ROWS]
        ]
        talk.say("utter_ask_series_days", buttons=rows, **facts)
        return []


class AskSeriesAt(ClinicAction):
    """Asks for the hour, those first at which the clinician is free most often."""

    action_name = "action_ask_series_form_series_at"

    def act(self, talk: Talk) -> Events:
        with talk.db.reading() as session:
            course = session.get(Course, int(talk.slot("course")))
            hours = hours_free(session, course, _weekdays(talk), now=now())
        part = Wish.of(talk.slot("wish")).part
        if part in PARTS:
            begins, ends = PARTS[part]
            hours = [hour for hour in hours if begins <= hour < ends] or hours
        if not hours:
            talk.say("utter_nothing_free_for_series")
            return []
        rows = [
            {
                "title": say_time(hour, talk.language),
                "payload": _tap_means(talk, series_at=hour.isoformat(timespec="minutes")),
            }
            for hour in sorted(hours[:HOUR_ROWS])
        ]
        talk.say("utter_ask_series_at", buttons=rows)
        return []


class AskSeriesWeeks(ClinicAction):
    """Asks for how long: all that is left, or some weeks."""

    action_name = "action_ask_series_form_series_weeks"

    def act(self, talk: Talk) -> Events:
        with talk.db.reading() as session:
            left = balance(session, int(talk.slot("course"))).left_to_book
        needed = -(-left // len(_weekdays(talk)))
        choices: List[Tuple[str, str]] = [(ALL_LEFT, talk.word("utter_word_all_left", left=left))]
        choices += [
            (str(weeks), talk.word("utter_word_weeks", weeks=weeks))
            for weeks in (1, 2, 4)
            if weeks < needed
        ][:2]
        rows = [
            {"title": title, "payload": _tap_means(talk, series_weeks=code)}
            for code, title in choices
        ]
        talk.say("utter_ask_series_weeks", buttons=rows, left=left)
        return []


class AskSeriesConfirm(ClinicAction):
    """Shows what would be booked, conflicts and alternatives among it, and asks."""

    action_name = "action_ask_series_form_series_confirm"

    def act(self, talk: Talk) -> Events:
        if talk.intent == "deny" and not talk.is_unsure:
            # "what would you like to change?" has just been asked
            return []
        weeks = str(talk.slot("series_weeks"))
        try:
            with talk.db.reading() as session:
                course = session.get(Course, int(talk.slot("course")))
                proposals = propose(
                    session,
                    course,
                    _weekdays(talk),
                    time.fromisoformat(str(talk.slot("series_at"))),
                    None if weeks == ALL_LEFT else int(weeks),
                    now=now(),
                )
                left = balance(session, int(course.id)).left_to_book
        except SchedulingError:
            proposals, left = [], 0
        found = [one.slot for one in proposals if one.slot is not None]
        if not found:
            talk.say("utter_nothing_free_for_series")
            return forget("series_slots")
        facts = visit_facts(found[0], talk.profile, talk.language)
        # `visit_words` is of one visit; here each has a line
        lines = "\n".join(_line(talk, one) for one in proposals)
        facts.update(lines=lines, count=len(found), left=left)
        talk.say("utter_confirm_series", **facts)
        return [SlotSet("series_slots", [slot.key for slot in found])]


class SeriesBooked(ClinicAction):
    """Says what was booked and what was not; silent where the form ended otherwise."""

    action_name = "action_series_booked"

    def act(self, talk: Talk) -> Events:
        done = talk.slot("series_slots")
        if talk.slot("series_confirm") and isinstance(done, dict):
            self._say(talk, done)
        return forget(*BOOKING_SLOTS)

    def _say(self, talk: Talk, done: Dict[str, Any]) -> None:
        course_id = int(talk.slot("course"))
        with talk.db.reading() as session:
            rows = [session.get(Appointment, number) for number in done["visits"]]
            visits = [visit_of(row) for row in rows if row is not None]
            facts = plan_facts(session, session.get(Course, course_id), talk.language)
        refused = [Slot.from_key(key) for key in done["refused"]]
        if not visits:
            talk.say("utter_series_all_taken")
            return
        booked = "\n".join(f"• {_moment(talk, visit.starts_at)}" for visit in visits)
        talk.say("utter_series_booked", lines=booked, count=len(visits), **facts)
        if refused:
            gone = "\n".join(f"• {_moment(talk, slot.starts_at)}" for slot in refused)
            talk.say("utter_series_some_taken", lines=gone)


def _tap_means(talk: Talk, **chosen: str) -> str:
    """The payload of a row, with what was chosen before, so that it is understood later too."""
    before = {name: talk.slot(name) for name in ("course", *CHOSEN) if talk.slot(name)}
    return f"/book_series{json.dumps({**before, **chosen})}"


def _weekdays(talk: Talk) -> List[int]:
    return [int(day) for day in str(talk.slot("series_days")).split(",")]


def _moment(talk: Talk, moment: Any) -> str:
    return say_moment(moment, talk.language, talk.zone)


def _line(talk: Talk, one: Proposal) -> str:
    wished = _moment(talk, one.wished)
    if one.slot is None:
        return "• " + talk.word("utter_word_series_none", wished=wished)
    booked: Optional[str] = _moment(talk, one.slot.starts_at)
    if one.why is None:
        return f"• {booked}"
    return "• " + talk.word(f"utter_word_series_{one.why}", booked=booked, wished=wished)
