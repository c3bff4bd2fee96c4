"""The buttons under home exercises: noted, handed to a person, or out of date."""

from __future__ import annotations

from datetime import timedelta
from typing import List

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from clinic import consent
from clinic.bubbles import Choice, Choices, Media
from clinic.canned import remember_upload, store_file
from clinic.database import now
from clinic.exercises import Draft, DraftExercise, programmes
from clinic.inbound import remember_language
from clinic.models import Contact, ExerciseOccasion, ExerciseProgramme, Message, StoredFile
from clinic.outbox import plan
from clinic.setup import profile_in
from tests.conversations.chat import Patient
from tests.conversations.engine import PUNE
from tests.conversations.reading import LANGUAGES, Post, Read, Reader

WORDS = "Lift the hips slowly."
IN_THEIR_WORDS = {"en": WORDS, "hi": "कमर धीरे-धीरे उठाइए।", "hinglish": "Kamar dheere uthaiye."}


def somebody(post: Post, language: str = "en") -> Reader:
    """Somebody with exercises at ten and six every day, who agreed and wrote just now."""
    reader = Reader(post, language, "Riya Sharma")
    with post.clinic.database.transaction() as session:
        number = reader.id_in(session)
        consent.record(session, number, "exercises", True, how="staff")
        remember_language(session, number, language, chosen=True)
        version = profile_in(session).privacy.notice_version
        consent.mark_notice_given(session, number, version, language)
        session.get(Contact, number).last_inbound_at = now()
        programmes.write(session, number, draft(reader), "staff:1", now())
    return reader


def draft(riya: Patient, file_id: int = 0) -> Draft:
    today = riya.clinic.today
    words = IN_THEIR_WORDS[getattr(riya, "language", "en")]
    one = DraftExercise("1-2-3", words, "10", file_id or None)
    days = (today, today + timedelta(days=27))
    return Draft("Riya", *days, ("10:00", "18:00"), range(7), [one])


@pytest.fixture
def riya(post: Post) -> Reader:
    return somebody(post)


def until_ten(riya: Reader) -> Read:
    at = now().astimezone(PUNE).replace(hour=10, minute=0, second=30)
    return riya.until(at)


def programme(riya: Patient) -> ExerciseProgramme:
    with riya.clinic.database.reading() as session:
        return session.execute(select(ExerciseProgramme)).scalar_one()


def answers(riya: Patient) -> List[str]:
    with riya.clinic.database.reading() as session:
        rows = session.execute(select(ExerciseOccasion.answer).order_by(ExerciseOccasion.at))
        return [str(row[0]) for row in rows if row[0]]


def staff(riya: Patient, act: str, *args: object) -> None:
    with riya.clinic.database.transaction() as session:
        getattr(programmes, act)(session, int(programme(riya).id), riya.id_in(session), *args)


def offers(riya: Patient, payload: str) -> str:
    """The clinic shows a button that means this; its title."""
    with riya.clinic.database.transaction() as session:
        bubble = Choices(text="?", choices=[Choice(title="Press", payload=payload)])
        number = plan(session, riya.id_in(session), bubble, f"offer:{payload}")
        session.get(Message, number).state = "read"
    return "Press"


class TestDoneAndPartly:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_is_noted_with_one_line(self, post: Post, language: str) -> None:
        riya = somebody(post, language)
        reminder = until_ten(riya)
        assert reminder.says("utter_home_exercises") and IN_THEIR_WORDS[language] in reminder
        done, partly, _hurts = reminder.titles
        assert riya.taps(done, on=reminder).names == ["utter_exercise_noted"]
        assert answers(riya) == ["done"]
        assert riya.taps(partly, on=reminder).names == ["utter_exercise_noted"]
        assert answers(riya) == ["partly"]
        assert riya.handoff is None

    def test_in_a_booking_the_open_question_stays_open(self, riya: Reader) -> None:
        reminder = until_ten(riya)
        riya.taps(offers(riya, "/book"))
        read = riya.taps("Done", on=reminder)
        assert read.says("utter_exercise_noted") and read.says("utter_ask_category")

    def test_repeated_after_a_crash_it_is_one_answer(self, riya: Reader) -> None:
        until_ten(riya)
        riya.has_tapped("Done")
        with riya.clinic.crash_before_commit(), pytest.raises(OperationalError):
            riya.clinic.answer(riya.id)
        assert riya._answered().says("utter_exercise_noted")
        assert answers(riya) == ["done"]

    @pytest.mark.parametrize("change", ["end", "change"])
    def test_of_exercises_written_anew_or_ended_the_button_is_used(
        self, riya: Reader, change: str
    ) -> None:
        reminder = until_ten(riya)
        staff(riya, change, *([draft(riya), "staff:1", now()] if change == "change" else []))
        assert riya.taps("Done", on=reminder).says("utter_button_used")
        assert answers(riya) == []


class TestItHurts:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_person_takes_over_and_the_exercises_rest(self, post: Post, language: str) -> None:
        riya = somebody(post, language)
        reminder = until_ten(riya)
        assert riya.taps(reminder.titles[2], on=reminder).names == ["utter_handoff_clinical"]
        assert (riya.handoff.reason, riya.handoff.priority) == ("clinical", "high")
        assert answers(riya) == ["hurts"] and programme(riya).paused_for == "hurts"
        # handed back, but not cleared
        riya.is_handed_back()
        assert len(riya.until(now() + timedelta(days=1, hours=2))) == 0
        staff(riya, "resume", now())
        riya.taps(offers(riya, "/my_plan"))
        assert riya.until(now() + timedelta(hours=9)).names == ["utter_home_exercises"]

    def test_in_a_booking_nothing_is_asked_any_more(self, riya: Reader) -> None:
        reminder = until_ten(riya)
        riya.taps(offers(riya, "/book"))
        assert riya.taps("It hurts", on=reminder).names == ["utter_handoff_clinical"]
        riya.is_handed_back()
        assert riya.memory.get("form") is None

    def test_it_needs_no_action_server(self, riya: Reader) -> None:
        reminder = until_ten(riya)
        riya.clinic.actions.broken = "every"
        assert riya.taps("It hurts", on=reminder).says("utter_handoff_clinical")
        assert riya.handoff.reason == "clinical" and programme(riya).status == "paused"

    def test_a_used_or_old_button_hurts_all_the_same(self, riya: Reader) -> None:
        reminder = until_ten(riya)
        riya.taps("It hurts", on=reminder)
        riya.is_handed_back()
        staff(riya, "change", draft(riya), "staff:1", now())
        staff(riya, "resume", now())
        assert riya.taps("It hurts", on=reminder).says("utter_handoff_clinical")
        assert riya.handoff is not None and programme(riya).status == "paused"

    def test_while_a_person_answers_it_makes_their_matter_clinical(self, riya: Reader) -> None:
        reminder = until_ten(riya)
        riya.taps(offers(riya, "/human_request"))
        assert riya.handoff.reason == "request"
        assert len(riya.taps("It hurts", on=reminder)) == 0
        assert riya.handoff.reason == "clinical"
        assert answers(riya) == ["hurts"] and programme(riya).status == "paused"

    def test_where_the_assistant_fails_it_counts(
        self, riya: Reader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reminder = until_ten(riya)

        async def fails(*_args: object) -> None:
            raise RuntimeError("no model")

        monkeypatch.setattr(riya.clinic.conversation, "_handle", fails)
        riya.taps("It hurts", on=reminder)
        assert riya.handoff.reason == "clinical"
        assert answers(riya) == ["hurts"] and programme(riya).status == "paused"


class TestMyExercises:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_plan_has_a_button_for_them(self, post: Post, language: str) -> None:
        riya = somebody(post, language)
        shown = riya.taps(offers(riya, "/my_plan"))
        read = riya.taps(shown.titles[0], on=shown)
        assert read.names == ["utter_my_exercises", "utter_my_exercises_after"]
        assert IN_THEIR_WORDS[language] in read

    @pytest.mark.parametrize("sessions", [1, 6])
    def test_beside_a_course_too(self, riya: Reader, sessions: int) -> None:
        riya.has_plan(sessions=sessions)
        if sessions == 1:
            riya.has_been_here("Riya Sharma")
        shown = riya.taps(offers(riya, "/my_plan"))
        assert shown.titles[-1] == "My exercises" and len(shown.titles) == 3

    def test_their_files_go_along(self, riya: Reader) -> None:
        with riya.clinic.database.transaction() as session:
            kept = store_file(session, b"%PDF-1.4", "application/pdf", "hips.pdf")
            remember_upload(session, kept, "media1")
            session.get(StoredFile, kept).uploaded_at = now()
        staff(riya, "change", draft(riya, kept), "staff:1", now())
        patient = Patient(riya.clinic, riya.phone, riya.name)
        reply = patient.taps(offers(patient, "/my_exercises"))
        [file] = [bubble for bubble in reply.bubbles if isinstance(bubble, Media)]
        assert (file.id, file.filename, file.caption) == ("media1", "hips.pdf", "1. 1-2-3 (10)")
        assert WORDS in reply.bubbles[1].text and "goes to our team" in reply.bubbles[-1].text

    def test_they_are_in_the_log_as_a_clinicians_words(self, riya: Reader) -> None:
        riya.taps(offers(riya, "/my_exercises"))
        with riya.clinic.database.reading() as session:
            rows = session.execute(select(Message)).scalars()
            causes = [str(row.cause) for row in rows if WORDS in (row.text or "")]
        assert causes and all(cause.startswith("programme:") for cause in causes)

    @pytest.mark.parametrize("rests", ["pause", "end"])
    def test_while_they_rest_they_are_not_shown(self, riya: Reader, rests: str) -> None:
        staff(riya, rests, *([now()] if rests == "pause" else []))
        assert "My exercises" not in riya.taps(offers(riya, "/my_plan")).titles
        assert riya.taps(offers(riya, "/my_exercises")).names == ["utter_no_exercises"]
