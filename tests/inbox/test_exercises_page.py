"""Physiotherapists write, change, pause and end home exercises; the card says how they go."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any, Callable, Dict, Iterator

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic import consent
from clinic.bubbles import Text
from clinic.database import Database, now
from clinic.exercises.answers import hurts
from clinic.models import (
    AuditEntry,
    Exercise,
    ExerciseOccasion,
    ExerciseProgramme,
    Message,
    StoredFile,
)
from clinic.outbox import plan
from inbox.access.words import MASKED
from tests.inbox.at_the_desk import MONDAY, at, open_clinic
from tests.inbox.conftest import press
from tests.inbox.test_card_course import card_of
from tests.reminding import send_due

Make = Callable[..., int]
PDF = b"%PDF-1.4 an invented leaflet"


@pytest.fixture(autouse=True)
def monday(db: Database) -> Iterator[None]:
    """Monday, half past eight in the morning; the clinic has its profile."""
    open_clinic(db)
    with time_machine.travel(at(8, 30), tick=False):
        yield


@pytest.fixture
def contact(db: Database, patient: Make) -> int:
    made = patient("Good morning", "Meena")
    with db.transaction() as session:
        consent.record(session, made, "exercises", True, how="staff")
    return made


def fields(**more: Any) -> Dict[str, Any]:
    """A form as a physiotherapist fills it in."""
    return {
        "patient": "Meena Joshi",
        "first_day": MONDAY.isoformat(),
        "last_day": (MONDAY + timedelta(days=20)).isoformat(),
        "time_1": "09:00",
        "time_2": "18:00",
        "weekday": [str(day) for day in range(7)],
        "title_1": "Bridge",
        "dose_1": "10 times, twice",
        "instructions_1": "Lift the hips slowly.",
        "title_2": "Small steps",
        "instructions_2": "Beside a table.",
        **more,
    }


def writes(client: FlaskClient, contact: int, **more: Any) -> Any:
    page = f"/conversations/{contact}/exercises"
    return press(client, page, page, **fields(**more))


def one(db: Database) -> ExerciseProgramme:
    with db.reading() as session:
        return session.execute(select(ExerciseProgramme)).scalar_one()


def titles(db: Database) -> Dict[str, Any]:
    with db.reading() as session:
        rows = session.execute(select(Exercise).order_by(Exercise.position)).scalars()
        return {str(row.title): row.file_id for row in rows}


def acts(db: Database) -> Any:
    with db.reading() as session:
        return list(session.execute(select(AuditEntry.what).order_by(AuditEntry.id)).scalars())


def test_what_was_written_is_kept_shown_and_sent(
    asha: FlaskClient, db: Database, contact: int
) -> None:
    assert writes(asha, contact).status_code == 302
    page = asha.get(f"/conversations/{contact}/exercises").text
    for said in ("Lift the hips slowly.", "10 times, twice", "Every day", "9:00 am, 6:00 pm"):
        assert said in page
    card = card_of(asha, contact)
    assert "Bridge" in card and "Next: today 9:00 am" in card
    assert "Lift the hips" not in card
    [bubble] = send_due(db, at(9))
    assert "Lift the hips slowly." in bubble.text
    assert "exercises_written" in acts(db)


def test_the_front_desk_sees_that_and_when_and_nothing_else(
    asha: FlaskClient, front: FlaskClient, db: Database, contact: int
) -> None:
    writes(asha, contact)
    assert front.get(f"/conversations/{contact}/exercises").status_code == 403
    card = card_of(front, contact)
    assert "Next: today 9:00 am" in card
    assert "Bridge" not in card and "14 days" not in card and 'id="exercises"' not in card
    send_due(db, at(9))
    with db.transaction() as session:
        plan(session, contact, Text(text="Lift the hips"), "programme:1:shown:7:0")
    page = front.get(f"/conversations/{contact}").text
    assert "Lift the hips" not in page and MASKED in page
    assert "Lift the hips" in asha.get(f"/conversations/{contact}").text


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"last_day": "soon"}, "Last day: choose a day."),
        ({"time_1": "06:00"}, "06:00 lies in the clinic&#39;s quiet hours"),
        ({"weekday": []}, "Choose at least one day of the week."),
        ({"title_1": ""}, "Exercise 1 has no name."),
        ({"instructions_2": "A guarantee for the knee"}, "no text may promise an outcome"),
        ({"course": "77"}, "There is no such course of this patient."),
        ({"file_1": (io.BytesIO(b"<html>"), "a.pdf")}, "only JPEG and PNG pictures"),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(
    asha: FlaskClient, db: Database, contact: int, wrong: Dict[str, Any], why: str
) -> None:
    answer = writes(asha, contact, **wrong)
    assert answer.status_code == 422 and why in answer.text
    assert 'value="Small steps"' in answer.text and 'value="10 times, twice"' in answer.text
    assert titles(db) == {}


def test_changing_keeps_the_files_that_nobody_took_away(
    asha: FlaskClient, db: Database, contact: int
) -> None:
    writes(asha, contact, file_2=(io.BytesIO(PDF), "steps.pdf"))
    kept = titles(db)["Small steps"]
    page = f"/conversations/{contact}/exercises/{one(db).id}"
    form = asha.get(page).text
    assert 'value="Bridge"' in form and "steps.pdf" in form and 'name="was_2" value="2"' in form
    again = fields(version="1", was_1="1", was_2="2", title_1="", dose_1="", instructions_1="")
    assert press(asha, page, page, **again).status_code == 302
    assert titles(db) == {"Small steps": kept} and one(db).version == 2
    stale = press(asha, page, page, **again)
    assert stale.status_code == 422 and "Somebody has changed these exercises" in stale.text
    again.update(version="2", was_1="", was_2="1", drop_file_2="1")
    press(asha, page, page, **again)
    assert titles(db) == {"Small steps": None}
    assert acts(db).count("exercises_changed") == 2
    with db.reading() as session:
        assert session.get(StoredFile, kept) is not None, "the clock lets go of it"


def test_what_hurt_rests_until_a_physiotherapist_clears_it(
    asha: FlaskClient, front: FlaskClient, db: Database, contact: int
) -> None:
    writes(asha, contact)
    send_due(db, at(9))
    with db.transaction() as session:
        occasion = session.execute(
            select(ExerciseOccasion).where(ExerciseOccasion.version == 1)
        ).scalar_one()
        key = f"{occasion.programme_id}:1:{occasion.day}:{occasion.at}"
        number = session.execute(select(Message.id).limit(1)).scalar_one()
        hurts(session, contact, key, number, now())
    for client in (asha, front):
        assert "Paused: the patient said that it hurts." in card_of(client, contact)
    assert "1 with pain" in card_of(asha, contact) and "pain" not in card_of(front, contact)
    page = f"/conversations/{contact}/exercises"
    cleared = f"{page}/{one(db).id}/resume"
    assert press(front, f"/conversations/{contact}", cleared).status_code == 403
    assert one(db).status == "paused"
    assert press(asha, page, cleared).status_code == 302
    assert one(db).status == "active" and "exercises_resumed" in acts(db)
    assert "Next: today" in card_of(asha, contact)


def test_paused_and_ended_by_hand(asha: FlaskClient, db: Database, contact: int) -> None:
    writes(asha, contact)
    page = f"/conversations/{contact}/exercises"
    for act, status in (("pause", "paused"), ("resume", "active"), ("end", "ended")):
        assert press(asha, page, f"{page}/{one(db).id}/{act}").status_code == 302
        assert one(db).status == status
    refused = press(asha, page, f"{page}/{one(db).id}/resume")
    assert refused.status_code == 422 and "has ended: write a new one" in refused.text
    assert "Home exercises</h3>" not in card_of(asha, contact)


def test_it_is_said_where_the_patient_has_not_agreed(
    asha: FlaskClient, db: Database, contact: int
) -> None:
    page = f"/conversations/{contact}/exercises"
    assert "has not agreed" not in asha.get(page).text
    with db.transaction() as session:
        consent.record(session, contact, "exercises", False, how="staff")
    assert "has not agreed to exercise reminders" in asha.get(page).text


def test_another_patients_programme_is_not_there(
    asha: FlaskClient, db: Database, contact: int, patient: Make
) -> None:
    writes(asha, contact)
    page = f"/conversations/{patient()}/exercises"
    assert asha.get(f"{page}/{one(db).id}").status_code == 404
    for act in ("", "/pause", "/resume", "/end"):
        done = press(asha, page, f"{page}/{one(db).id}{act}", **fields())
        assert done.status_code == 404, act
    assert one(db).status == "active" and one(db).version == 1
