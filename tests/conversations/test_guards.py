"""What must never happen, in any state of any form."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from clinic.bubbles import Choice, Choices
from clinic.models import Handoff
from clinic.models import Patient as PatientRow
from clinic.outbox import plan
from clinic.scheduling.booking import release
from tests.conversations.chat import QUESTIONS, Patient
from tests.conversations.engine import CHRISTMAS, Clinic

PAIN = "my knee pain is much worse since yesterday"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_clinical_message_leaves_every_form_for_a_person(riya: Patient, question: str) -> None:
    riya.is_asked(question)
    before = [(visit.starts_at, visit.version) for visit in riya.visits]
    answer = riya.writes(PAIN)
    assert "passed it to them" in answer and answer.titles == [] and len(answer) == 1
    assert riya.handoff is not None and riya.handoff.reason == "clinical"
    # the form is gone, and nothing of the words is kept as an answer
    kept = riya.memory
    assert kept["form"] is None
    assert not {"patient_name", "slot", "day", "category", "appointment"} & set(kept)
    assert [(visit.starts_at, visit.version) for visit in riya.visits] == before
    # a person has the conversation
    assert len(riya.writes("yes")) == 0 and riya.outcomes == ["staff"]
    riya.is_handed_back()
    assert "How can I help?" in riya.writes("yes")


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("ghutne mein bahut dard ho raha hai", "hamari physiotherapy team"),
        ("मेरी कमर में बहुत दर्द है", "फ़िज़ियोथेरेपी टीम"),
    ],
)
def test_it_is_handed_over_in_the_patients_language(
    riya: Patient, words: str, language: str
) -> None:
    assert language in riya.writes(words)
    assert riya.handoff is not None and riya.handoff.reason == "clinical"


def test_an_emergency_in_a_form_says_whom_to_call(riya: Patient) -> None:
    riya.is_booking("confirm")
    assert "112" in riya.writes("severe chest pain and I cannot breathe")
    assert riya.handoff is not None and riya.handoff.priority == "urgent"


def test_out_of_hours_it_says_that_nobody_reads_now(clinic: Clinic, riya: Patient) -> None:
    clinic.passes(hours=13)
    answer = riya.writes(PAIN)
    assert "nobody is reading just now" in answer and "Tue 8 Dec, 8:00 am" in answer


def test_of_two_bubbles_the_second_is_clinical(riya: Patient) -> None:
    answer = riya.writes("I want to book an appointment", PAIN)
    assert "passed it to them" in answer.bubbles[-1].text
    assert riya.handoff is not None and riya.memory["form"] is None


def test_a_message_after_the_clinical_one_is_for_people_only(riya: Patient) -> None:
    answer = riya.writes(PAIN, "I want to book an appointment")
    assert len(answer) == 1 and riya.outcomes[-1] == "staff"


@pytest.mark.parametrize("question", ["booking confirm", "moving day", "cancelling reason"])
def test_calling_a_person_in_a_form(riya: Patient, question: str) -> None:
    riya.is_asked(question)
    answer = riya.writes("I want to talk to a person")
    assert "called our team" in answer and len(answer) == 1
    assert riya.handoff is not None and riya.memory["form"] is None


def test_calling_a_person_by_a_button_in_a_form(riya: Patient) -> None:
    hello = riya.writes("hello")
    riya.is_booking("day")
    answer = riya.taps("Talk to a person", on=hello)
    assert answer.text == "I have called our team. A person will answer you here."
    assert riya.handoff is not None and riya.memory["form"] is None


@pytest.mark.parametrize("command", ["/stop_flow", '/inform{"slot": "x"}', "EXTERNAL: x"])
def test_a_typed_command_is_plain_text(riya: Patient, command: str) -> None:
    riya.is_booking("day")
    category = riya.memory["category"]
    answer = riya.writes(command)
    assert answer.text and "Nothing was changed" not in answer
    assert riya.handoff is not None or riya.memory.get("category") == category


@pytest.mark.parametrize("command", ["/restart", "/session_start", "/back"])
def test_a_command_of_rasas_own_is_read_as_words(riya: Patient, command: str) -> None:
    riya.is_booking("day")
    answer = riya.writes(command)
    assert answer.text
    assert riya.intents[-1] not in {"restart", "session_start", "back"}


def test_a_button_that_was_never_offered_means_nothing(riya: Patient) -> None:
    riya.has_visit()
    riya.taps_unknown("made-up-token", "tell me a joke")
    assert len(riya.visits) == 1


# days and times that cannot be had


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("yesterday", "is over"),
        ("25 december", "The clinic is closed on Fri 25 Dec."),
        ("sunday", "The clinic is closed on Sun 13 Dec."),
        ("5 january", "I can book up to Mon 28 Dec."),
    ],
)
def test_a_day_that_cannot_be_booked(riya: Patient, words: str, said: str) -> None:
    riya.is_booking("day")
    answer = riya.writes(words)
    assert said in answer and len(answer) == 1 and answer.titles


def test_christmas_is_not_among_the_days(clinic: Clinic, riya: Patient) -> None:
    assert clinic.free(CHRISTMAS) == []


def test_a_full_day_offers_the_next(clinic: Clinic, riya: Patient) -> None:
    clinic.fills(clinic.today.replace(day=8))
    days = riya.is_booking("day")
    assert "Tue 8 Dec" not in days.titles
    answer = riya.writes("tomorrow")
    assert "Nothing is free on Tue 8 Dec." in answer and "free on Wed 9 Dec" in answer


def test_a_full_book_offers_a_person(clinic: Clinic, riya: Patient) -> None:
    for days in range(22):
        clinic.fills(clinic.today.fromordinal(clinic.today.toordinal() + days))
    answer = riya.is_booking("day")
    assert "no free time" in answer
    assert "called our team" in riya.taps("Talk to a person")


def test_a_slot_taken_while_choosing(clinic: Clinic, riya: Patient) -> None:
    riya.is_booking("day")
    times = riya.taps("Wed 9 Dec")
    for slot in clinic.free(clinic.today.replace(day=9)):
        if slot.starts_at.hour == 3 and slot.starts_at.minute == 30:
            clinic.takes(slot)
    answer = riya.taps("9:00 am", on=times)
    assert "has just been taken" in answer and "free on Wed 9 Dec" in answer
    assert "9:00 am" not in answer.titles


def test_a_held_slot_is_nobody_elses(clinic: Clinic, riya: Patient) -> None:
    # on a Monday evening after seven Arjun Deshmukh alone is there
    arjun = clinic.patient("Arjun Demo")
    for patient in (riya, arjun):
        patient.is_booking("time", day="Mon 14 Dec")
    assert "name" in riya.writes("7:30 pm")
    late = arjun.writes("7:30 pm")
    assert "name" not in late and "7:30 pm" not in late.titles
    riya.writes("Riya Sharma")
    assert "Booked: Mon 14 Dec, 7:30 pm" in riya.taps("Yes, book it")


def test_a_slot_taken_by_the_desk_at_the_last_question(clinic: Clinic, riya: Patient) -> None:
    riya.is_booking("confirm", day="Mon 14 Dec")
    (held,) = [row for row in riya.appointments if row.status == "held"]
    with clinic.database.transaction() as session:
        release(session, held.id, riya.id_in(session))
    for slot in clinic.free(clinic.today.replace(day=14)):
        if slot.starts_at == held.starts_at:
            clinic.takes(slot)
    answer = riya.taps("Yes, book it")
    assert "can no longer be booked" in answer and "free on Mon 14 Dec" in answer
    assert "8:00 am" not in answer.titles and riya.visits == []


# visits of others, and visits that have changed


def test_somebody_elses_visit_in_a_payload(clinic: Clinic, riya: Patient) -> None:
    theirs = clinic.patient("Asha Demo").has_visit()
    key = f"{theirs.appointment_id}:{theirs.version}"
    for intent, form in (("cancel", "cancel_form"), ("reschedule", "reschedule_form")):
        with clinic.database.transaction() as session:
            payload = f'/{intent}{{"appointment": "{key}"}}'
            bubble = Choices(text="?", choices=[Choice(title=intent, payload=payload)])
            plan(session, riya.id_in(session), bubble, f"forged:{intent}")
        answer = riya.taps(intent)
        assert "no visit booked" in answer and "Tue" not in answer, form
        assert riya.memory["form"] is None


def test_the_button_of_a_visit_that_was_moved_since(clinic: Clinic, riya: Patient) -> None:
    visit = riya.has_visit()
    shown = riya.writes("my appointments")
    riya.was_moved_by_staff(visit, clinic.free(clinic.today.replace(day=11))[0])
    for button in ("Cancel it", "Move it", "I will come"):
        answer = riya.taps(button, on=shown)
        assert "has been changed since" in answer and "Fri 11 Dec" in answer
    (standing,) = riya.visits
    assert standing.status == "booked"


def test_a_visit_moved_by_staff_in_mid_cancellation(clinic: Clinic, riya: Patient) -> None:
    riya.is_asked("cancelling confirm")
    riya.was_moved_by_staff(riya.visits[0], clinic.free(clinic.today.replace(day=11))[0])
    answer = riya.taps("Yes, cancel it")
    assert "has been changed since" in answer and "Fri 11 Dec" in answer
    assert len(riya.visits) == 1


def test_a_visit_moved_by_staff_in_mid_move(clinic: Clinic, riya: Patient) -> None:
    riya.is_asked("moving confirm")
    riya.was_moved_by_staff(riya.visits[0], clinic.free(clinic.today.replace(day=11))[0])
    answer = riya.taps("Yes, move it")
    assert "has been changed since" in answer and "Fri 11 Dec" in answer
    assert f"{riya.visits[0].starts_at:%d}" == "11"


def test_a_button_acts_once(riya: Patient) -> None:
    riya.has_booked()
    assert "already been used" in riya.taps("Yes, book it")
    assert len(riya.visits) == 1


# crashes and failures


@pytest.mark.parametrize(
    ("question", "button", "said"),
    [
        ("booking confirm", "Yes, book it", "Booked: "),
        ("moving confirm", "Yes, move it", "Moved: "),
        ("cancelling confirm", "Yes, cancel it", "Cancelled: "),
    ],
)
def test_a_turn_repeated_after_a_crash_is_done_once(
    clinic: Clinic, riya: Patient, question: str, button: str, said: str
) -> None:
    riya.is_asked(question)
    riya.has_tapped(button)
    with clinic.crash_before_commit(), pytest.raises(OperationalError):
        clinic.answer(riya.id)
    done = [(row.status, row.version) for row in riya.appointments]
    clinic.answer(riya.id)
    answer = riya.fresh()
    assert answer.text.startswith(said) and len(answer) == 1
    assert [(row.status, row.version) for row in riya.appointments] == done


def test_a_repeated_yes_in_words_cancels_once(clinic: Clinic, riya: Patient) -> None:
    riya.is_asked("cancelling confirm")
    riya.arrives(kind="text", text="cancel it")
    with clinic.crash_before_commit(), pytest.raises(OperationalError):
        clinic.answer(riya.id)
    clinic.answer(riya.id)
    assert riya.fresh().text.startswith("Cancelled: ")


def test_an_action_that_breaks_leaves_the_patient_to_a_person(
    clinic: Clinic, riya: Patient
) -> None:
    riya.is_booking("day")
    clinic.actions.broken = "action_ask_slot"
    answer = riya.taps("Soonest")
    assert answer.text.startswith("Something is not working on our side") and len(answer) == 1
    assert riya.handoff is not None and riya.handoff.reason == "failure"
    clinic.actions.broken = None
    riya.is_handed_back()
    assert "How can I help?" in riya.writes("ok")


def test_every_handoff_is_one_row(clinic: Clinic, riya: Patient) -> None:
    riya.writes(PAIN, PAIN)
    with clinic.database.reading() as session:
        assert session.query(Handoff).count() == 1
        assert session.query(PatientRow).count() == 0
