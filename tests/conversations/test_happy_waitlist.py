"""Waiting for a free time, in the chat."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from clinic import consent
from clinic.bubbles import Choice, Choices
from clinic.database import now
from clinic.models import Appointment
from clinic.outbox import plan
from clinic.scheduling.booking import cancel
from clinic.scheduling.rows import patient_named
from clinic.texts import domain_texts
from clinic.waitlist_offers import offer_freed_slots
from tests.conversations.chat import Patient
from tests.conversations.engine import Clinic

WEDNESDAY = date(2026, 12, 9)


def frees(clinic: Clinic) -> None:
    """The first visit of Wednesday is cancelled by telephone, and the worker makes its round."""
    with clinic.database.transaction() as session:
        booked = select(Appointment).where(Appointment.status == "booked")
        rows = session.execute(booked.order_by(Appointment.starts_at)).scalars()
        first = next(row for row in rows if row.starts_at.date() == WEDNESDAY)
        cancel(session, first.id, None, "staff:x", None, f"free:{first.id}", now=now())
    rounds(clinic)


def rounds(clinic: Clinic) -> None:
    with clinic.database.transaction() as session:
        offer_freed_slots(session, now(), domain_texts())


def agrees(clinic: Clinic, patient: Patient) -> None:
    """To care messages, without which nobody is asked about a freed time."""
    with clinic.database.transaction() as session:
        consent.record(session, patient.id_in(session), "care", True, how="button")


def waits(clinic: Clinic, patient: Patient) -> None:
    """They agreed to care messages, look for Wednesday, which is full, and say that they wait."""
    agrees(clinic, patient)
    patient.is_booking("day")
    shown = patient.writes("wednesday")
    assert "Nothing is free on Wed 9 Dec" in shown and "Tell me if one frees" in shown.titles
    assert "Wed 9 Dec to Wed 9 Dec" in patient.taps("Tell me if one frees")
    assert patient.memory["form"] is None


def test_a_freed_time_is_offered_and_taken(clinic: Clinic, riya: Patient) -> None:
    clinic.fills(WEDNESDAY)
    waits(clinic, riya)
    rounds(clinic)
    assert len(riya.fresh()) == 0
    frees(clinic)
    offered = riya.fresh()
    assert "A time has become free: Wed 9 Dec, 8:00 am, First assessment" in offered
    assert "until Mon 7 Dec, 9:30 am" in offered
    assert "Booked: Wed 9 Dec, 8:00 am" in riya.taps("Yes, book it")
    assert len(riya.visits) == 1
    rounds(clinic)
    assert len(riya.fresh()) == 0


def test_one_after_another(clinic: Clinic, riya: Patient) -> None:
    clinic.fills(WEDNESDAY)
    kavya = clinic.patient("Kavya Demo")
    waits(clinic, riya)
    waits(clinic, kavya)
    frees(clinic)
    first = riya.fresh()
    assert "has become free" in first and len(kavya.fresh()) == 0
    assert "Fine, not this one" in riya.taps("Not this one")
    rounds(clinic)
    assert "has become free" in kavya.fresh() and len(riya.fresh()) == 0
    assert "Booked:" in kavya.taps("Yes, book it")
    # Riya thinks better of it, too late
    assert "no longer kept for you" in riya.taps("Yes, book it", on=first)
    assert riya.visits == [] and len(kavya.visits) == 1


def test_no_answer_in_time_gives_it_to_the_next(clinic: Clinic, riya: Patient) -> None:
    clinic.fills(WEDNESDAY)
    kavya = clinic.patient("Kavya Demo")
    waits(clinic, riya)
    waits(clinic, kavya)
    frees(clinic)
    offer = riya.fresh()
    clinic.passes(minutes=31)
    rounds(clinic)
    assert "has become free" in kavya.fresh()
    assert "no longer kept for you" in riya.taps("Yes, book it", on=offer)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("let me know if a slot opens up", "I will write to you when a time becomes free"),
        ("koi slot khali ho to bata dena", "koi samay khaali hua to aapko likhunga"),
        ("कोई स्लॉट खाली हो तो बता दीजिए", "कोई समय खाली हुआ तो आपको लिखूँगा"),
    ],
)
def test_waiting_in_words_and_no_longer(riya: Patient, words: str, said: str) -> None:
    assert said in riya.writes(words)
    left = riya.taps(riya.hears().titles[0])
    assert left.titles and left.titles[0].split()[0] in {"Book", "Visit", "विज़िट"}


def test_in_the_midst_of_a_booking_in_words(clinic: Clinic, riya: Patient) -> None:
    riya.is_booking("time", day="Wed 9 Dec")
    assert "Wed 9 Dec to Wed 9 Dec" in riya.writes("put me on the waiting list")
    assert riya.memory["form"] is None


def test_the_whole_month_full(clinic: Clinic, riya: Patient) -> None:
    for day in range(22):
        clinic.fills(date.fromordinal(clinic.today.toordinal() + day))
    riya.writes("I want to book an appointment")
    shown = riya.taps("Knee")
    assert "I see no free time" in shown and "Tell me if one frees" in shown.titles
    assert "I will write to you when" in riya.taps("Tell me if one frees")


def test_somebody_elses_offer_is_nobodys(clinic: Clinic, riya: Patient) -> None:
    clinic.fills(WEDNESDAY)
    waits(clinic, riya)
    frees(clinic)
    kavya = clinic.patient("Kavya Demo")
    with clinic.database.transaction() as session:
        payload = '/accept_offer{"offer": "1"}'
        bubble = Choices(text="?", choices=[Choice(title="Mine", payload=payload)])
        plan(session, kavya.id_in(session), bubble, "offer:forged")
    assert "not waiting" in kavya.taps("Mine")
    assert kavya.visits == []


def test_the_slot_that_is_kept_is_nobody_elses(clinic: Clinic, riya: Patient) -> None:
    clinic.fills(WEDNESDAY)
    waits(clinic, riya)
    frees(clinic)
    assert clinic.free(WEDNESDAY) == []


def has_family(clinic: Clinic, patient: Patient) -> None:
    """Riya and Aarav are patients who write from this phone."""
    with clinic.database.transaction() as session:
        for name in ("Riya Sharma", "Aarav Sharma"):
            patient_named(session, patient.id_in(session), name)


def test_for_whom_is_asked_where_a_phone_has_several_patients(
    clinic: Clinic, riya: Patient
) -> None:
    has_family(clinic, riya)
    clinic.fills(WEDNESDAY)
    waits(clinic, riya)
    frees(clinic)
    asked = riya.taps("Yes, book it", on=riya.fresh())
    assert "Who is this visit for? The time stays kept for you." in asked
    assert asked.titles == ["Riya Sharma", "Aarav Sharma", "Somebody else"]
    assert "Booked: Wed 9 Dec, 8:00 am" in riya.taps("Aarav Sharma", on=asked)
    (visit,) = riya.visits
    with clinic.database.reading() as session:
        assert session.get(Appointment, visit.appointment_id).patient.name == "Aarav Sharma"


def test_who_was_named_before_waiting_is_not_asked_for_again(clinic: Clinic, riya: Patient) -> None:
    has_family(clinic, riya)
    agrees(clinic, riya)
    clinic.fills(WEDNESDAY)
    riya.is_booking("confirm", name="Aarav Sharma")
    riya.writes("wednesday")
    riya.taps("Tell me if one frees")
    frees(clinic)
    assert "Booked: Wed 9 Dec, 8:00 am" in riya.taps("Yes, book it", on=riya.fresh())
    (visit,) = riya.visits
    with clinic.database.reading() as session:
        assert session.get(Appointment, visit.appointment_id).patient.name == "Aarav Sharma"
