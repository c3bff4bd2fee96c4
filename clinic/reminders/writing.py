"""The words of reminders and nudges: a text within the 24-hour window, else a template."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from clinic.bubbles import Choice, Choices, Template
from clinic.calendar_words import say_day, say_moment, say_time
from clinic.courses import number_of
from clinic.delivery import window_open
from clinic.models import Appointment
from clinic.profile import Profile
from clinic.scheduling.grid import Slot
from clinic.setup import profile_in
from clinic.templates import TemplateBook, usable
from clinic.texts import Texts
from clinic.visit_keys import visit_key

# with all else around it, the clinician's words leave a body within WhatsApp's 1024 characters
LONGEST_WHY = 400


@dataclass(frozen=True)
class Visit:
    """What a reminder says of one visit; `clinician` and `service` are codes."""

    appointment_id: int
    time_version: int
    starts_at: datetime
    clinician: str
    course_id: Optional[int]

    @property
    def key(self) -> str:
        """What a button carries: the visit, and the version of its time."""
        return visit_key(self.appointment_id, self.time_version)


class Words:
    """Writes the messages of one batch, by the profile and templates as they are now."""

    def __init__(
        self, session: Session, texts: Texts, book: TemplateBook, moment: datetime
    ) -> None:
        self._session = session
        self.texts = texts
        self._book = book
        self._moment = moment
        self.profile: Profile = profile_in(session)
        self.zone = ZoneInfo(self.profile.time_zone)
        self._usable: Optional[Set[Tuple[str, str, str]]] = None

    def reminder(self, contact: Any, visits: Sequence[Visit]) -> Optional[Any]:
        """The bubble that reminds of these visits, soonest first; None without a template."""
        language = str(contact.language)
        if len(visits) > 1:
            return self._of_several(contact, language, visits)
        visit = visits[0]
        number = self._number(visit)
        facts = {
            **self.clinic_facts(language),
            **self._visit(visit, language),
            "appointment": visit.key,
        }
        name = "utter_reminder"
        if number is not None:
            facts.update(number=number[0], total=number[1])
            name = "utter_reminder_of_course"
        template = "visit_reminder" if number is None else "course_visit_reminder"
        return self._bubble(contact, name, template, facts)

    def course_nudge(
        self, contact: Any, course: Any, left: int, clinician: str, slots: Sequence[Slot]
    ) -> Optional[Any]:
        """The bubble that asks back to a course; None without a template."""
        language = str(contact.language)
        total = int(course.sessions)
        why = course.why_finish or self.texts.say("utter_word_why_planned", language, total=total)
        facts = {
            **self.clinic_facts(language),
            "left": left,
            "total": total,
            "clinician": self._clinician(clinician, language),
            "why": textwrap.shorten(why, LONGEST_WHY, placeholder="…"),
        }
        return self._with_slots(contact, "utter_course_nudge", "course_nudge", facts, slots)

    def missed(
        self, contact: Any, visit: Visit, slots: Sequence[Slot], next_at: Optional[datetime]
    ) -> Optional[Any]:
        """The bubble that offers a new time for a missed visit; None without a template.

        Args:
            next_at: when the patient's next visit is, which stays as it is; None without one.
        """
        language = str(contact.language)
        facts = {**self.clinic_facts(language), **self._visit(visit, language)}
        if next_at is None:
            return self._with_slots(contact, "utter_missed_visit", "missed_visit", facts, slots)
        facts["next_words"] = say_moment(next_at, language, self.zone)
        names = ("utter_missed_visit_next_stays", "missed_visit_next_stays")
        return self._with_slots(contact, *names, facts, slots)

    def _number(self, visit: Visit) -> Optional[Tuple[int, int]]:
        if visit.course_id is None:
            return None
        appointment = self._session.get(Appointment, visit.appointment_id)
        return None if appointment is None else number_of(self._session, appointment)

    def _of_several(self, contact: Any, language: str, visits: Sequence[Visit]) -> Optional[Any]:
        lines = [
            self.texts.say("utter_reminder_line", language, **self._visit(visit, language))
            for visit in visits
        ]
        free = window_open(contact, self._moment)
        facts = {
            **self.clinic_facts(language),
            "visits": ("\n" if free else "; ").join(lines),
            "appointment": ",".join(visit.key for visit in visits),
        }
        return self._bubble(contact, "utter_reminder_of_several", "visits_reminder", facts)

    def _with_slots(
        self,
        contact: Any,
        response: str,
        template: str,
        facts: Dict[str, Any],
        slots: Sequence[Slot],
    ) -> Optional[Any]:
        language = str(contact.language)
        facts["slots"] = self.free_times(slots, language)
        bubble = self._bubble(contact, response, template, facts)
        if not slots or not isinstance(bubble, Choices):
            return bubble
        rows = [self._row(slot, language) for slot in slots]
        opener = self.texts.say("utter_word_free_times", language)
        return Choices(text=bubble.text, choices=[*rows, *bubble.choices], opener=opener)

    def _row(self, slot: Slot, language: str) -> Choice:
        local = slot.starts_at.astimezone(self.zone)
        return Choice(
            title=f"{say_day(local.date(), language)}, {say_time(local.time(), language)}",
            description=self._clinician(slot.clinician, language),
            payload=f'/inform{{"slot": "{slot.key}"}}',
        )

    def _bubble(
        self, contact: Any, response: str, template: str, facts: Dict[str, Any]
    ) -> Optional[Any]:
        language = str(contact.language)
        choices: List[Choice] = self.texts.buttons(response, language, **facts)
        if window_open(contact, self._moment):
            return Choices(text=self.texts.say(response, language, **facts), choices=choices)
        return self.template(contact, template, facts, choices)

    def template(
        self, contact: Any, name: str, facts: Dict[str, Any], choices: Sequence[Choice]
    ) -> Optional[Template]:
        """The template, its buttons meaning what `choices` mean; None where it may not go."""
        wording = self._book.wording(name, str(contact.language))
        if self._usable is None:
            self._usable = usable(self._session)
        if (wording.name, wording.code, wording.digest) not in self._usable:
            return None
        return wording.bubble(facts, [choice.payload or "" for choice in choices])

    def free_times(
        self, slots: Sequence[Slot], language: str, none: str = "utter_word_no_times"
    ) -> str:
        """Free times in one line, or the words of `none`."""
        said = "; ".join(say_moment(slot.starts_at, language, self.zone) for slot in slots)
        return said or self.texts.say(none, language)

    def clinic_facts(self, language: str) -> Dict[str, Any]:
        """What any text can say of the clinic."""
        return {"clinic_name": self.profile.name.said_in(language)}

    def _visit(self, visit: Visit, language: str) -> Dict[str, Any]:
        return {
            "visit_words": say_moment(visit.starts_at, language, self.zone),
            "clinician": self._clinician(visit.clinician, language),
        }

    def _clinician(self, code: str, language: str) -> str:
        try:
            return self.profile.clinician(code).name.said_in(language)
        except KeyError:
            # somebody who has left the profile since: the clinic itself stands for them
            return self.profile.name.said_in(language)
