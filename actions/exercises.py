"""Exercises at home: showing the clinician's words, and noting how it went.

"It hurts" is no action's business: it is kept in the commit of the turn (`clinic.turns`), so that
it counts also while the action server is down.
"""

from __future__ import annotations

from typing import Dict, List, Optional

from sqlalchemy.orm import Session

from actions.talk import ClinicAction, Events, Talk, texts
from clinic.database import now
from clinic.exercises import running_programmes
from clinic.exercises.answers import StaleButton, answer
from clinic.exercises.writing import shown_bubbles
from clinic.models import ExerciseProgramme
from clinic.models.exercises import ACTIVE, DONE, PARTLY
from clinic.outbox import plan


def exercises_button(talk: Talk) -> Optional[List[Dict[str, str]]]:
    """A button that shows the exercises, where there are some; else None."""
    with talk.db.reading() as session:
        if not _to_show(session, talk):
            return None
    return [{"title": talk.word("utter_word_my_exercises"), "payload": "/my_exercises"}]


class MyExercises(ClinicAction):
    """Sends the exercises in the clinician's own words, with their files.

    They go in messages of their own, not as words of this turn: the log then knows them for what
    they are, and shows them to whoever may read plans.
    """

    action_name = "action_my_exercises"

    def act(self, talk: Talk) -> Events:
        moment = now()
        with talk.db.transaction() as session:
            programmes = _to_show(session, talk)
            for programme in programmes:
                bubbles = shown_bubbles(texts(), programme, talk.language, moment)
                for number, bubble in enumerate(bubbles):
                    cause = f"programme:{programme.id}:shown:{talk.message_id}:{number}"
                    plan(session, talk.contact_id, bubble, cause)
        talk.say("utter_my_exercises_after" if programmes else "utter_no_exercises")
        return []


class ExerciseAnswered(ClinicAction):
    """Notes that the exercises were done, or partly."""

    action_name = "action_exercise_answer"

    def act(self, talk: Talk) -> Events:
        what = str(talk.entity("answer") or "")
        key = str(talk.entity("occasion") or "")
        try:
            if what not in (DONE, PARTLY):
                raise StaleButton
            with talk.db.transaction() as session:
                answer(session, talk.contact_id, key, what, talk.message_id, now())
        except StaleButton:
            talk.say("utter_button_used")
        else:
            talk.say("utter_exercise_noted")
        return []


def _to_show(session: Session, talk: Talk) -> List[ExerciseProgramme]:
    """The contact's programmes that run today; a paused one is a person's matter."""
    today = now().astimezone(talk.zone).date()
    return [
        one
        for one in running_programmes(session, talk.contact_id)
        if one.status == ACTIVE and one.last_day >= today
    ]
