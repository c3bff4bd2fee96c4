"""Home exercises: what a programme may be, when it goes, and what is answered."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Callable, Dict, List

import pytest

from clinic import consent
from clinic.bubbles import Choices, Template
from clinic.canned import content_of, remember_upload, store_file
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.exercises import DraftExercise, ProgrammeRefused, UnknownProgramme, running_programmes
from clinic.exercises.answers import StaleButton, adherence, answer, hurts, key_of
from clinic.exercises.programmes import change, end, pause, resume, write
from clinic.exercises.schedule import next_moment
from clinic.exercises.writing import shown_bubbles
from clinic.handoffs import open_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Exercise, ExerciseProgramme, Message, StoredFile
from clinic.retention import purge
from clinic.setup import write_profile
from clinic.texts import domain_texts
from tests.clinic.conftest import PUNE
from tests.clinic.courses import a_course
from tests.clinic.exercises import BRIDGE, STEPS, a_programme, draft, occasions, programme
from tests.reminding import approve_templates, begun, claimed, send_due, waiting, why, wrote
from worker.planning import plan_ahead

Local = Callable[..., datetime]


def first(db: Database) -> int:
    """The id of the first programme there is."""
    with db.reading() as session:
        return int(session.query(ExerciseProgramme.id).order_by(ExerciseProgramme.id).first()[0])


def fate(db: Database, at: str = "09:00") -> str:
    """What became of Monday's message of that time."""
    return why(db, f"programme:{first(db)}:2026-11-23:{at}")


@pytest.fixture
def meena(clinic: Database, patient: Callable[[int], int], now: datetime) -> int:
    """Patient 1, who wrote at eight and has a programme for nine and six o'clock."""
    wrote(clinic, patient(1), now)
    a_programme(clinic, patient(1), now)
    return patient(1)


def acts(db: Database, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
    with db.transaction() as session:
        return act(session, *args, **more)


# --- writing one


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


# --- when it goes


def test_it_goes_at_its_times_with_the_clinicians_words(
    clinic: Database, meena: int, local: Local
) -> None:
    assert send_due(clinic, local(23, 8, 59)) == []
    [bubble] = send_due(clinic, local(23, 9))
    assert isinstance(bubble, Choices)
    assert "1. Bridge (10 times, twice)\nLie on your back and lift" in bubble.text
    assert [choice.title for choice in bubble.choices] == ["Done", "Partly", "It hurts"]
    assert len(send_due(clinic, local(23, 18))) == 1
    assert len(occasions(clinic)) == 4, "of today and tomorrow"


def test_outside_the_window_a_template_says_nothing_of_the_exercises(
    clinic: Database, meena: int, local: Local
) -> None:
    approve_templates(clinic)
    wrote(clinic, meena, local(20, 8), "hi")
    [bubble] = send_due(clinic, local(23, 9))
    assert isinstance(bubble, Template) and (bubble.name, bubble.language) == (
        "home_exercises",
        "hi",
    )
    assert bubble.body == ["छोटा क्लिनिक"] and len(bubble.buttons) == 3


def test_without_an_approved_template_it_is_left(
    clinic: Database, meena: int, local: Local
) -> None:
    wrote(clinic, meena, local(20, 8))
    assert send_due(clinic, local(23, 9)) == []
    assert fate(clinic) == "skipped: no approved template"


def test_long_words_become_their_names(clinic: Database, patient: Any, local: Local) -> None:
    wrote(clinic, patient(1), local(23, 8))
    long = [DraftExercise(f"Number {n}", "slowly " * 70, "x" * 60) for n in range(6)]
    a_programme(clinic, patient(1), local(23, 8), exercises=long)
    [bubble] = send_due(clinic, local(23, 9))
    assert len(bubble.text) <= 1024 and "6. Number 5 (" in bubble.text
    with clinic.reading() as session:
        one = session.get(ExerciseProgramme, first(clinic))
        [shown] = shown_bubbles(domain_texts(), one, "hi", local(23, 9))
    assert len(shown.text) <= 4096 and shown.text.count("slowly") == 420


def _ended(db: Database, contact: int, at: datetime) -> None:
    acts(db, end, first(db), contact)


def _paused(db: Database, contact: int, at: datetime) -> None:
    acts(db, pause, first(db), contact, at)


def _other_times(db: Database, contact: int, at: datetime) -> None:
    acts(db, change, first(db), contact, draft(times=["12:00"]), "staff:1", at)


def _handed_over(db: Database, contact: int, at: datetime) -> None:
    acts(db, open_handoff, contact, "request")


def _opted_out(db: Database, contact: int, at: datetime) -> None:
    with db.transaction() as session:
        session.get(Contact, contact).opted_out_at = at


def _withdrawn(db: Database, contact: int, at: datetime) -> None:
    acts(db, consent.record, contact, "exercises", False, how="staff")


@pytest.mark.parametrize(
    ("happens", "ends"),
    [
        (_ended, "cancelled: programme ended"),
        (_paused, "skipped: programme paused"),
        (_other_times, "cancelled: programme changed"),
        (_handed_over, "skipped: open handoff"),
        (_opted_out, "skipped: opted out"),
        (_withdrawn, "skipped: no consent: exercises"),
    ],
)
def test_what_happened_meanwhile_counts(
    clinic: Database, meena: int, local: Local, happens: Any, ends: str
) -> None:
    ids = claimed(clinic, local(23, 9))
    happens(clinic, meena, local(23, 9))
    assert begun(clinic, ids, local(23, 9)) == []
    assert fate(clinic) == ends


def test_an_hour_later_is_too_late(clinic: Database, meena: int, local: Local) -> None:
    assert send_due(clinic, local(23, 10)) == []
    assert fate(clinic) == "skipped: too late"


def test_quiet_hours_that_came_meanwhile_count(
    clinic: Database, meena: int, local: Local, small_profile: Any
) -> None:
    quiet = small_profile.reminders.copy(update={"quiet_from": "17:45"})
    write_profile(clinic, small_profile.copy(update={"reminders": quiet}))
    send_due(clinic, local(23, 9))
    assert send_due(clinic, local(23, 18)) == []
    assert fate(clinic, "18:00") == "skipped: quiet hours"


def test_resumed_it_goes_on_and_nothing_missed_is_made_up_for(
    clinic: Database, meena: int, local: Local
) -> None:
    acts(clinic, pause, first(clinic), meena, local(23, 8, 30))
    assert send_due(clinic, local(23, 9)) == []
    acts(clinic, resume, first(clinic), meena, local(23, 10))
    assert send_due(clinic, local(23, 10)) == []
    assert len(send_due(clinic, local(23, 18))) == 1


def test_written_anew_and_back_it_still_goes_once_with_the_newest_words(
    clinic: Database, meena: int, local: Local
) -> None:
    acts(clinic, change, first(clinic), meena, draft(times=["12:00"]), "staff:1", local(23, 8))
    acts(clinic, change, first(clinic), meena, draft(exercises=[STEPS]), "staff:1", local(23, 8))
    [bubble] = send_due(clinic, local(23, 9))
    assert "Bridge" not in bubble.text and "1. Small steps" in bubble.text
    assert programme(clinic, first(clinic)).version == 3
    acts(clinic, change, first(clinic), meena, draft(), "staff:1", local(23, 9))
    assert send_due(clinic, local(23, 9, 1)) == []


def test_the_worker_plans_what_comes_and_stops_at_the_last_day(
    clinic: Database, patient: Any, local: Local
) -> None:
    approve_templates(clinic)
    a_programme(clinic, patient(1), local(23, 8), last_day=date(2026, 11, 29), weekdays=[0, 2, 6])
    sent = 0
    for hour in range(24 * 9):
        moment = local(23, 8) + timedelta(hours=hour)
        plan_ahead(clinic, moment)
        sent += len(send_due(clinic, moment))
    assert sent == 6, "Monday, Wednesday and Sunday, twice each"
    assert {one.day.weekday() for one in occasions(clinic)} == {0, 2, 6}


def test_the_next_time_is_known_weeks_ahead(clinic: Database, patient: Any, local: Local) -> None:
    a_programme(
        clinic,
        patient(1),
        local(23, 8),
        first_day=date(2026, 12, 10),
        weekdays=[2],
        times=["18:00", "09:30"],
    )
    one = programme(clinic, first(clinic))
    assert next_moment(one, local(23, 8), PUNE) == local(16, 9, 30, month=12)
    assert next_moment(one, local(16, 9, 30, month=12), PUNE) == local(16, 18, month=12)
    assert next_moment(one, local(20, 8, month=12), PUNE) is None


# --- what is answered


def tap(db: Database, contact: int, number: int = 1) -> int:
    """The id of a message of theirs."""
    with db.transaction() as session:
        phone = session.get(Contact, contact).phone
        store_arrival(session, Arrival(f"wamid.tap{number}", phone=phone, kind="tap", text="Done"))
        return max(int(row[0]) for row in session.query(Message.id))


def keys(db: Database) -> List[str]:
    return [key_of(one) for one in occasions(db) if one.version]


def test_an_answer_is_kept_and_a_second_thought_replaces_it(
    clinic: Database, meena: int, local: Local
) -> None:
    send_due(clinic, local(23, 9))
    [key] = keys(clinic)
    first, second = tap(clinic, meena), tap(clinic, meena, 2)
    acts(clinic, answer, meena, key, "done", first, local(23, 9, 20))
    acts(clinic, answer, meena, key, "partly", second, local(23, 9, 30))
    kept = occasions(clinic)[0]
    assert (kept.answer, kept.answered_by) == ("partly", second)
    assert kept.answered_at == local(23, 9, 30)


@pytest.mark.parametrize("happens", [_ended, _other_times])
def test_a_button_of_before_is_stale(
    clinic: Database, meena: int, local: Local, happens: Any
) -> None:
    send_due(clinic, local(23, 9))
    happens(clinic, meena, local(23, 9))
    with pytest.raises(StaleButton):
        acts(clinic, answer, meena, keys(clinic)[0], "done", 1, local(23, 10))


@pytest.mark.parametrize(
    "key", ["", "1", "1:1:2026-11-23", "999999:1:2026-11-23:09:00", "1:1:x:09:00"]
)
def test_a_button_that_names_nothing_of_theirs_is_stale(
    clinic: Database, meena: int, now: datetime, key: str
) -> None:
    with pytest.raises(StaleButton):
        acts(clinic, answer, meena, key, "done", 1, now)


def test_it_hurts_pauses_until_staff_clear_it(clinic: Database, meena: int, local: Local) -> None:
    send_due(clinic, local(23, 9))
    [key] = keys(clinic)
    message = tap(clinic, meena)
    for _again in range(2):
        acts(clinic, hurts, meena, key, message, local(23, 9, 20))
    one = programme(clinic, first(clinic))
    assert (one.status, one.paused_for, one.paused_at) == ("paused", "hurts", local(23, 9, 20))
    with pytest.raises(StaleButton):
        acts(clinic, answer, meena, key, "done", message, local(23, 9, 21))
    assert send_due(clinic, local(23, 18)) == []
    acts(clinic, resume, first(clinic), meena, local(24, 8))
    wrote(clinic, meena, local(24, 8))
    assert len(send_due(clinic, local(24, 9))) == 1


@pytest.mark.parametrize("key", ["old", "gone", ""])
def test_it_hurts_counts_whatever_the_button_was_of(
    clinic: Database, meena: int, local: Local, key: str
) -> None:
    send_due(clinic, local(23, 9))
    acts(clinic, change, first(clinic), meena, draft(), "staff:1", local(23, 9))
    named = {"old": keys(clinic)[0], "gone": "999999:1:2026-11-23:09:00"}.get(key, key)
    acts(clinic, hurts, meena, named, tap(clinic, meena), local(23, 10))
    assert programme(clinic, first(clinic)).paused_for == "hurts"


def test_only_the_programme_of_who_it_hurts_rests(
    clinic: Database, meena: int, local: Local
) -> None:
    other = a_programme(clinic, meena, local(23, 8), patient="Aarav Joshi", times=["12:00"])
    send_due(clinic, local(23, 9))
    acts(clinic, hurts, meena, keys(clinic)[0], tap(clinic, meena), local(23, 9))
    assert programme(clinic, other).status == "active"


def test_adherence_counts_what_reached_the_patient(
    clinic: Database, meena: int, local: Local
) -> None:
    for day in (23, 24, 25):
        wrote(clinic, meena, local(day, 8))
        plan_ahead(clinic, local(day, 8))
        for hour in (9, 18):
            send_due(clinic, local(day, hour))
    named = keys(clinic)
    acts(clinic, answer, meena, named[0], "done", tap(clinic, meena), local(23, 9))
    acts(clinic, answer, meena, named[1], "partly", tap(clinic, meena, 2), local(23, 9))
    acts(clinic, hurts, meena, named[2], tap(clinic, meena, 3), local(23, 9))
    with clinic.reading() as session:
        counted = adherence(session, first(clinic), date(2026, 11, 23))
        later = adherence(session, first(clinic), date(2026, 11, 25))
    assert (counted.sent, counted.done, counted.partly) == (6, 1, 1)
    assert (counted.hurts, counted.unanswered) == (1, 3)
    assert (later.sent, later.unanswered) == (2, 2)


# --- files, and two numbers of one person


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
