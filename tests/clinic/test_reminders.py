"""Reminders of visits: planned with the visit, decided by the facts of the moment of sending."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Callable, List

import pytest

from clinic.bubbles import Choices, Template
from clinic.database import Database
from clinic.delivery import record_refused
from clinic.handoffs import open_handoff
from clinic.models import Appointment, Contact, Course, Message, MessageTemplate
from clinic.reminders import replan
from clinic.reminders.planning import replan_all, upcoming_ids
from clinic.scheduling.booking import (
    book,
    cancel,
    confirm,
    confirm_attendance,
    hold,
    reschedule,
)
from clinic.scheduling.visit import Visit
from tests.reminding import approve_templates, begun, claimed, send_due, waiting, why, wrote

Local = Callable[..., datetime]
SlotAt = Callable[..., Any]
Booked = Callable[..., Visit]


@pytest.fixture
def booked(clinic: Database, patient: Callable[[int], int], slot_at: SlotAt, now: datetime) -> Any:
    """`booked(1, 25, time(10))`: patient 1 has a visit; they wrote just now, so text may go."""

    def make(who: int, day: int, at: time, clinician: str = "asha", **parts: Any) -> Visit:
        with clinic.transaction() as session:
            slot = slot_at(day, at, clinician=clinician)
            cause = f"{who}:{day}:{at}:{clinician}"
            return book(session, slot, patient(who), "Mira", cause, now=now, **parts)

    return make


def cause(visit: Visit, kind: str, version: int = 1) -> str:
    return f"appointment:{visit.appointment_id}:{kind}:{version}"


def titles(bubble: Any) -> List[str]:
    choices = bubble.choices if isinstance(bubble, Choices) else bubble.buttons
    return [choice.title for choice in choices]


def test_a_booking_plans_both_reminders(clinic: Database, booked: Booked, local: Local) -> None:
    visit = booked(1, 25, time(10))
    planned = waiting(clinic)
    assert {name: row.due_at for name, row in planned.items()} == {
        cause(visit, "day"): local(24, 10),
        cause(visit, "hour"): local(25, 9),
    }
    assert planned[cause(visit, "hour")].not_after == local(25, 10)
    assert all(row.purpose == "care" and row.content is None for row in planned.values())


def test_a_visit_held_and_then_confirmed_has_them_too(
    clinic: Database, patient: Any, slot_at: SlotAt, now: datetime
) -> None:
    with clinic.transaction() as session:
        held = hold(session, slot_at(25, time(10)), patient(1), now=now)
    assert waiting(clinic) == {}, "nothing is booked yet"
    with clinic.transaction() as session:
        visit = confirm(session, held.appointment_id, patient(1), "Mira", "c", now=now)
    assert set(waiting(clinic)) == {cause(visit, "day"), cause(visit, "hour")}


def test_booked_half_an_hour_before_there_is_nothing_to_remind_of(
    clinic: Database, patient: Any, slot_at: SlotAt, local: Local
) -> None:
    with clinic.transaction() as session:
        book(session, slot_at(25, time(10)), patient(1), "M", "c", now=local(25, 9, 30))
    assert waiting(clinic) == {}


def test_booked_in_the_morning_only_the_hour_before_is_left(
    clinic: Database, patient: Any, slot_at: SlotAt, local: Local
) -> None:
    with clinic.transaction() as session:
        book(session, slot_at(25, time(10)), patient(1), "M", "c", now=local(25, 8, 30))
    assert [name.split(":")[2] for name in waiting(clinic)] == ["hour"]


def test_a_move_cancels_the_old_reminders_and_plans_new_ones(
    clinic: Database, booked: Booked, slot_at: SlotAt, now: datetime, local: Local
) -> None:
    visit = booked(1, 25, time(10))
    with clinic.transaction() as session:
        to = slot_at(27, time(11))
        moved = reschedule(session, visit.appointment_id, None, to, "move", now=now)
    assert why(clinic, cause(visit, "day")) == "cancelled: visit moved"
    assert why(clinic, cause(visit, "hour")) == "cancelled: visit moved"
    planned = waiting(clinic)
    assert set(planned) == {cause(moved, kind, moved.time_version) for kind in ("day", "hour")}
    assert planned[cause(moved, "hour", moved.time_version)].due_at == local(27, 10)


def test_a_cancellation_cancels_them(clinic: Database, booked: Booked, now: datetime) -> None:
    visit = booked(1, 25, time(10))
    with clinic.transaction() as session:
        cancel(session, visit.appointment_id, None, "staff", None, "cancel", now=now)
    assert waiting(clinic) == {}
    assert why(clinic, cause(visit, "hour")) == "cancelled: visit cancelled"


def test_saying_that_one_comes_changes_nothing(
    clinic: Database, booked: Booked, now: datetime
) -> None:
    visit = booked(1, 25, time(10))
    before = {name: row.due_at for name, row in waiting(clinic).items()}
    with clinic.transaction() as session:
        confirm_attendance(session, visit.appointment_id, None, "yes", now=now)
    assert {name: row.due_at for name, row in waiting(clinic).items()} == before


def test_a_change_that_is_rolled_back_takes_its_reminders_along(
    clinic: Database, booked: Booked, now: datetime
) -> None:
    visit = booked(1, 25, time(10))
    with pytest.raises(ZeroDivisionError), clinic.transaction() as session:
        cancel(session, visit.appointment_id, None, "staff", None, "cancel", now=now)
        raise ZeroDivisionError
    assert len(waiting(clinic)) == 2


def test_planning_again_changes_nothing_even_when_they_are_overdue(
    clinic: Database, booked: Booked, local: Local
) -> None:
    visit = booked(1, 25, time(10))
    with clinic.transaction() as session:
        replan(session, visit.appointment_id, now=local(25, 9, 20))
        replan_all(session, upcoming_ids(session, local(23, 8)), now=local(25, 9, 20))
    assert len(waiting(clinic)) == 2


def test_visits_of_before_reminders_get_theirs_by_the_sweep(
    clinic: Database, booked: Booked, now: datetime
) -> None:
    visit = booked(1, 25, time(10))
    with clinic.transaction() as session:
        session.execute(Message.__table__.delete().where(Message.id < 0))
        for name in ("reminders", "messages"):
            session.execute(Message.metadata.tables[name].delete())
    with clinic.transaction() as session:
        replan_all(session, upcoming_ids(session, now), now=now)
    assert set(waiting(clinic)) == {cause(visit, "day"), cause(visit, "hour")}


def test_within_the_window_a_text_goes_with_three_buttons(
    clinic: Database, booked: Booked, patient: Any, local: Local
) -> None:
    visit = booked(1, 25, time(10))
    wrote(clinic, patient(1), local(25, 8))
    [bubble] = send_due(clinic, local(25, 9))
    assert isinstance(bubble, Choices)
    assert bubble.text == (
        "A reminder from Small Clinic: your physiotherapy session is on Wed 25 Nov, 10:00 am "
        "with Asha Rao."
    )
    assert titles(bubble) == ["I will come", "Another time", "I can't come"]
    with clinic.reading() as session:
        tables = Message.metadata.tables
        payloads = [row.payload for row in session.execute(tables["offers"].select())]
    key = f"{visit.appointment_id}:1"
    assert payloads == [
        f'/confirm_attendance{{"appointment": "{key}"}}',
        f'/reschedule{{"appointment": "{key}"}}',
        f'/cancel{{"appointment": "{key}"}}',
    ]


@pytest.mark.parametrize(
    ("language", "name", "code", "words"),
    [
        ("en", "visit_reminder", "en", "your physiotherapy session is on"),
        ("hi", "visit_reminder", "hi", "आपका फ़िज़ियोथेरेपी सेशन"),
        ("hinglish", "visit_reminder_hinglish", "en", "aapka physiotherapy session"),
    ],
)
def test_outside_the_window_the_approved_template_of_the_language_goes(
    clinic: Database,
    booked: Booked,
    patient: Any,
    local: Local,
    language: str,
    name: str,
    code: str,
    words: str,
) -> None:
    approve_templates(clinic)
    booked(1, 25, time(10))
    wrote(clinic, patient(1), local(23, 8), language)
    [bubble] = send_due(clinic, local(25, 9))
    assert isinstance(bubble, Template)
    assert (bubble.name, bubble.language) == (name, code)
    assert words in bubble.text
    assert len(bubble.body) == 3
    assert len(bubble.buttons) == 3


@pytest.mark.parametrize(
    "values",
    [{"status": "PENDING"}, {"status": "PAUSED"}, {"category": "MARKETING"}, {"digest": "other"}],
)
def test_without_an_approved_utility_template_of_these_words_nothing_goes(
    clinic: Database, booked: Booked, local: Local, values: Any
) -> None:
    approve_templates(clinic, **values)
    visit = booked(1, 25, time(10))
    assert send_due(clinic, local(25, 9)) == []
    assert why(clinic, cause(visit, "hour")) == "skipped: no approved template"


def test_a_session_of_a_course_is_counted(
    clinic: Database, booked: Booked, patient: Any, now: datetime, local: Local
) -> None:
    first = booked(1, 25, time(10))
    with clinic.transaction() as session:
        seen = session.get(Appointment, first.appointment_id)
        course = Course(
            patient_id=seen.patient_id,
            clinician_id=seen.clinician_id,
            service_id=seen.service_id,
            sessions=12,
        )
        session.add(course)
        session.flush()
        seen.course_id = course.id
        course_id = course.id
    booked(1, 27, time(10), course_id=course_id)
    wrote(clinic, patient(1), local(27, 8))
    [bubble] = send_due(clinic, local(27, 9))
    assert "your physiotherapy session 2 of 12 is on Fri 27 Nov" in bubble.text


def test_two_visits_within_an_hour_share_one_reminder(
    clinic: Database, booked: Booked, patient: Any, local: Local
) -> None:
    first, second = booked(1, 25, time(10), "ravi"), booked(1, 25, time(10, 30))
    third = booked(1, 25, time(12))
    wrote(clinic, patient(1), local(25, 8))
    assert len(send_due(clinic, local(24, 12))) == 2, "the day before: two together, one alone"
    [bubble] = send_due(clinic, local(25, 9))
    assert "10:00 am with Ravi Sen" in bubble.text
    assert "10:30 am with Asha Rao" in bubble.text
    assert "12:00" not in bubble.text
    assert send_due(clinic, local(25, 9, 30)) == []
    said_in = waiting(clinic, "sent")[cause(first, "hour")].id
    assert why(clinic, cause(second, "hour")) == f"skipped: said with message {said_in}"
    assert len(send_due(clinic, local(25, 11))) == 1, f"visit {third.appointment_id} is alone"


def test_the_second_goes_alone_where_the_first_was_cancelled(
    clinic: Database, booked: Booked, patient: Any, now: datetime, local: Local
) -> None:
    first, second = booked(1, 25, time(10), "ravi"), booked(1, 25, time(10, 30))
    wrote(clinic, patient(1), local(25, 8))
    with clinic.transaction() as session:
        cancel(session, first.appointment_id, None, "staff", None, "c", now=now)
    assert len(send_due(clinic, local(24, 12))) == 1
    assert send_due(clinic, local(25, 9)) == []
    [bubble] = send_due(clinic, local(25, 9, 30))
    assert "10:30 am" in bubble.text
    assert why(clinic, cause(second, "hour")) == "sent: None"


def _opts_out(contact: Contact, at: datetime) -> None:
    contact.opted_out_at = at


def _is_gone(contact: Contact, at: datetime) -> None:
    contact.unreachable_at = at


@pytest.mark.parametrize(
    ("change", "reason"),
    [(_opts_out, "skipped: opted out"), (_is_gone, "skipped: unreachable")],
)
def test_what_the_patient_wants_is_asked_at_the_moment_of_sending(
    clinic: Database, booked: Booked, patient: Any, local: Local, change: Any, reason: str
) -> None:
    visit = booked(1, 25, time(10))
    wrote(clinic, patient(1), local(25, 8))
    with clinic.transaction() as session:
        change(session.get(Contact, patient(1)), local(25, 8, 59))
    assert send_due(clinic, local(25, 9)) == []
    assert why(clinic, cause(visit, "hour")) == reason


def test_a_visit_changed_behind_the_planners_back_is_noticed_all_the_same(
    clinic: Database, booked: Booked, patient: Any, local: Local
) -> None:
    moved, over = booked(1, 25, time(10)), booked(2, 25, time(10), clinician="ravi")
    for who in (1, 2):
        wrote(clinic, patient(who), local(25, 8))
    with clinic.transaction() as session:
        session.get(Appointment, moved.appointment_id).time_version = 7
        session.get(Appointment, over.appointment_id).status = "cancelled"
    assert send_due(clinic, local(25, 9)) == []
    assert why(clinic, cause(moved, "hour")) == "cancelled: visit moved"
    assert why(clinic, cause(over, "hour")) == "cancelled: visit cancelled"


def test_nothing_goes_once_the_visit_has_begun(
    clinic: Database, booked: Booked, patient: Any, local: Local
) -> None:
    visit = booked(1, 25, time(10))
    wrote(clinic, patient(1), local(25, 8))
    assert send_due(clinic, local(25, 10)) == []
    assert why(clinic, cause(visit, "hour")) == "skipped: too late"
    assert why(clinic, cause(visit, "day")) == "skipped: too late"


def test_a_worker_that_was_away_waits_for_the_end_of_the_quiet_hours(
    clinic: Database, booked: Booked, patient: Any, local: Local
) -> None:
    # due on Tuesday 10:00, taken up at night
    visit = booked(1, 25, time(10))
    wrote(clinic, patient(1), local(25, 2))
    assert send_due(clinic, local(25, 3)) == []
    row = waiting(clinic)[cause(visit, "day")]
    assert (row.due_at, row.detail) == (local(25, 8), "quiet hours")
    assert len(send_due(clinic, local(25, 8))) == 1


def test_an_open_handoff_does_not_stop_a_reminder_of_a_visit(
    clinic: Database, booked: Booked, patient: Any, local: Local
) -> None:
    booked(1, 25, time(10))
    wrote(clinic, patient(1), local(25, 8))
    with clinic.transaction() as session:
        open_handoff(session, patient(1), "request")
    assert len(send_due(clinic, local(25, 9))) == 1


def test_a_refused_reminder_is_decided_anew(
    clinic: Database, booked: Booked, patient: Any, local: Local, slot_at: SlotAt
) -> None:
    visit = booked(1, 25, time(10))
    wrote(clinic, patient(1), local(25, 8))
    send_due(clinic, local(24, 10))
    [letter] = begun(clinic, claimed(clinic, local(25, 9)), local(25, 9))
    with clinic.transaction() as session:
        retry = timedelta(minutes=4)
        record_refused(session, letter.message_id, "graph 131000", retry, local(25, 9))
        to = slot_at(27, time(11))
        reschedule(session, visit.appointment_id, None, to, "m", now=local(25, 9, 1))
    assert send_due(clinic, local(25, 9, 30)) == []
    assert why(clinic, cause(visit, "hour")) == "cancelled: visit moved"


def test_a_template_that_whatsapp_knows_otherwise_is_one_per_language(clinic: Database) -> None:
    approve_templates(clinic)
    with clinic.reading() as session:
        assert session.get(MessageTemplate, ("visit_reminder", "hi")).status == "APPROVED"
