"""What a patient has left of their plan of sessions."""

from __future__ import annotations

from typing import Any, Dict, List

from sqlalchemy.orm import Session

from actions.exercises import exercises_button
from actions.talk import ClinicAction, Events, Talk
from clinic.calendar_words import say_day
from clinic.courses import active_courses, balance, courses_of
from clinic.database import now
from clinic.models import Course
from clinic.models.care import ACTIVE, EXPIRED, FINISHED


class MyPlan(ClinicAction):
    """Says of each running course what is done, booked and left; else how the last one ended.

    Where there are exercises for home, a button shows them.
    """

    action_name = "action_my_plan"

    def act(self, talk: Talk) -> Events:
        moment = now()
        with talk.db.reading() as session:
            running = [
                plan_facts(session, course, talk.language)
                for course in active_courses(session, talk.contact_id, moment)
            ]
            ended = [
                (str(course.status), plan_facts(session, course, talk.language))
                for course in courses_of(session, talk.contact_id)
                if course.status == FINISHED
                # the sweep that marks it may not have come yet
                or (course.status in (ACTIVE, EXPIRED) and course.expires_on is not None)
            ]
        for facts in running:
            talk.say("utter_my_plan", **facts)
            if facts["no_show"] != "0":
                talk.say("utter_my_plan_missed", **facts)
            if facts["last_day"]:
                talk.say("utter_my_plan_until", **facts)
        shown = exercises_button(talk)
        if running:
            left = any(facts["left"] != "0" for facts in running)
            talk.say("utter_my_plan_next" if left else "utter_my_plan_visits", buttons=shown)
        elif ended:
            status, facts = ended[-1]
            name = "utter_my_plan" if status == FINISHED else "utter_my_plan_over"
            talk.say(name, buttons=shown, **facts)
        else:
            talk.say("utter_no_plan_but_exercises" if shown else "utter_no_plan")
        return []


def plan_facts(session: Session, course: Course, language: str) -> Dict[str, Any]:
    """What a response can say of how a course stands; figures as they are read."""
    found = balance(session, int(course.id))
    return {
        "course": str(course.id),
        "patient": str(course.patient.name),
        "total": str(found.total),
        "completed": str(found.completed),
        "booked": str(found.booked),
        "no_show": str(found.no_show),
        "left": str(found.left_to_book),
        "last_day": say_day(course.expires_on, language) if course.expires_on else "",
    }


def bookable_courses(session: Session, contact_id: int) -> List[Course]:
    """The contact's running courses that have a session left to book, oldest first."""
    return [
        course
        for course in active_courses(session, contact_id, now())
        if balance(session, int(course.id)).left_to_book > 0
    ]
