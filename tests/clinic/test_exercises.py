"""Home exercises: what a programme may be, and what becomes of its files and its owner."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Callable, Dict

import pytest

from clinic.canned import content_of, remember_upload, store_file
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.exercises import DraftExercise, ProgrammeRefused, UnknownProgramme, running_programmes
from clinic.exercises.programmes import change, end, pause, resume, write
from clinic.exercises.writing import shown_bubbles
from clinic.models import Contact, Exercise, ExerciseProgramme, StoredFile
from clinic.retention import purge
from clinic.texts import domain_texts
from tests.clinic.courses import a_course
from tests.clinic.exercises import (
    BRIDGE,
    a_programme,
    acts,
    draft,
    first,
    programme,
)
from tests.reminding import waiting

Local = Callable[..., datetime]


WRONG: Dict[str, Dict[str, Any]] = {
    "The programme needs the patient's name.": {"patient": " "},
    "The last day comes before the first.": {"last_day": date(2026, 11, 1)},
    "The last day lies in the past.": {
        "first_day": date(2026, 11, 1),
        "last_day": date(2026, 11, 22),
    },
    "A programme has at most 183 days.": {"last_day": date(2027, 11, 1)},
    "Choose at least one day of the week.": {"weekdays": []},
    "There is no such day of the week.": {"weekdays": [0, 7]},
    "None of these days of the week lies between the first day and the last.": {
        "last_day": date(2026, 11, 24),
        "weekdays": [5],
    },
    "Choose 1 to 3 times of day.": {"times": []},
    "A time of day is written as 07:00 or 19:30.": {"times": ["9 am"]},
    "22:00 lies in the clinic's quiet hours (21:00 to 08:00), in which nothing is sent.": {
        "times": ["22:00"]
    },
    "Two times of day lie at least an hour apart.": {"times": ["09:00", "09:30"]},
    "A programme has 1 to 6 exercises.": {"exercises": []},
    "Exercise 1 has no name.": {"exercises": [DraftExercise(" ", "Slowly.")]},
    "Exercise 2 has no instruction.": {"exercises": [BRIDGE, DraftExercise("Steps", " ")]},
    "The dose of exercise 1 has 61 characters; at most 60 fit.": {
        "exercises": [DraftExercise("Steps", "Slowly.", "x" * 61)]
    },
    "The instruction of exercise 1 says 'guarantee': no text may promise an outcome.": {
        "exercises": [DraftExercise("Steps", "We guarantee it works.")]
    },
    "There is no such course of this patient.": {"course_id": 99},
}


@pytest.mark.parametrize("problem", list(WRONG))
def test_what_cannot_be_is_refused_in_words(
    clinic: Database, patient: Any, now: datetime, problem: str
) -> None:
    with pytest.raises(ProgrammeRefused) as refused:
        acts(clinic, write, patient(1), draft(**WRONG[problem]), "staff:1", now)
    assert refused.value.problems == [problem]
    assert waiting(clinic) == {}


def test_a_programme_may_belong_to_a_course_of_its_patient_only(
    clinic: Database, patient: Any, now: datetime
) -> None:
    own = a_course(clinic, patient(1), now)
    others = a_course(clinic, patient(1), now, name="Aarav Joshi")
    with pytest.raises(ProgrammeRefused):
        acts(clinic, write, patient(1), draft(course_id=others), "staff:1", now)
    made = a_programme(clinic, patient(1), now, course_id=own)
    assert programme(clinic, made).course_id == own


def test_one_patient_has_one_programme_at_a_time(
    clinic: Database, meena: int, now: datetime
) -> None:
    with pytest.raises(ProgrammeRefused, match="already"):
        acts(clinic, write, meena, draft(), "staff:1", now)
    a_programme(clinic, meena, now, patient="Aarav Joshi")
    acts(clinic, end, first(clinic), meena)
    a_programme(clinic, meena, now)
    with clinic.reading() as session:
        assert len(running_programmes(session, meena)) == 2


def test_the_words_are_unreadable_in_the_database(clinic: Database, meena: int) -> None:
    with clinic.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT title, instructions, dose FROM exercises").all()
    assert len(rows) == 2 and all(
        word not in bytes(cell)
        for row in rows
        for cell in row
        if cell
        for word in (b"Bridge", b"times, twice")
    )


def test_another_contacts_programme_is_nobodys_to_touch(
    clinic: Database, meena: int, patient: Any, now: datetime
) -> None:
    for act in (pause, resume):
        with pytest.raises(UnknownProgramme):
            acts(clinic, act, first(clinic), patient(2), now)
    with pytest.raises(UnknownProgramme):
        acts(clinic, end, first(clinic), patient(2))
    with pytest.raises(UnknownProgramme):
        acts(clinic, change, first(clinic), patient(2), draft(), "staff:1", now)


def test_a_file_stays_while_an_exercise_has_it_and_goes_along_when_shown(
    clinic: Database, patient: Any, local: Local
) -> None:
    with clinic.transaction() as session:
        kept = store_file(session, b"%PDF-1.4", "application/pdf", "bridge.pdf")
        gone = store_file(session, b"%PDF-1.4", "application/pdf", "other.pdf")
        remember_upload(session, kept, "media1")
    with_file = DraftExercise("Bridge", "Slowly.", file_id=kept)
    made = a_programme(clinic, patient(1), local(23, 8), exercises=[with_file])
    purge(clinic, local(23, 8) + timedelta(days=400))
    with clinic.reading() as session:
        assert session.get(StoredFile, gone) is None
        assert content_of(session.get(StoredFile, kept)) == b"%PDF-1.4"
        at_whatsapp = session.get(StoredFile, kept).uploaded_at
        one = session.get(ExerciseProgramme, made)
        [_words, file] = shown_bubbles(domain_texts(), one, "en", at_whatsapp)
        later = shown_bubbles(domain_texts(), one, "en", at_whatsapp + timedelta(days=30))
    assert (file.media, file.id, file.filename) == ("document", "media1", "bridge.pdf")
    assert len(later) == 1, "WhatsApp has it no longer; the words are there"


def test_a_merged_contact_takes_the_programme_along(
    clinic: Database, meena: int, local: Local
) -> None:
    with clinic.transaction() as session:
        phone = session.get(Contact, meena).phone
        other = ensure_contact(session, None, "bsuid.invented")
        a_number = int(other.id)
    a_programme(clinic, a_number, local(23, 8), patient="Aarav Joshi")
    with clinic.transaction() as session:
        ensure_contact(session, phone, "bsuid.invented")
    with clinic.reading() as session:
        assert len(running_programmes(session, meena)) == 2
        assert session.query(Exercise).count() == 4
