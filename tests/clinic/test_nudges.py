"""Asking patients back: to the rest of a course, and after a missed visit."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Callable, List

import pytest

from clinic.bubbles import Choices, Template
from clinic.database import Database
from clinic.handoffs import open_handoff, resolve_handoff
from clinic.models import Appointment, Contact, Course
from clinic.reminders.missed import plan_drop_offs
from clinic.scheduling.booking import book
from clinic.scheduling.rows import changed, own_appointment
from tests.reminding import approve_templates, send_due, waiting, why, wrote

Local = Callable[..., datetime]


@pytest.fixture
def course(clinic: Database, patient: Callable[[int], int], slot_at: Any, now: datetime) -> int:
    """Patient 1 has a course of four sessions, one of them on Wednesday 25 November, 10:00."""
    with clinic.transaction() as session:
        visit = book(session, slot_at(25, time(10)), patient(1), "Mira", "b", now=now)
        seen = session.get(Appointment, visit.appointment_id)
        made = Course(
            patient_id=seen.patient_id,
            clinician_id=seen.clinician_id,
            service_id=seen.service_id,
            sessions=4,
            started_at=now,
            why_finish="The last sessions are for the stairs.",
        )
        session.add(made)
        session.flush()
        seen.course_id = made.id
        return int(made.id)


def plan(db: Database, moment: datetime) -> List[int]:
    with db.transaction() as session:
        return plan_drop_offs(session, moment)


def test_a_course_without_a_next_session_is_nudged_after_some_days(
    clinic: Database, course: int, patient: Any, local: Local
) -> None:
    assert plan(clinic, local(24, 12)) == [], "a session lies ahead"
    assert plan(clinic, local(29, 12)) == [], "it is not so long ago"
    send_due(clinic, local(25, 11))
    assert len(plan(clinic, local(30, 12))) == 1
    assert plan(clinic, local(30, 13)) == [], "one at a time"
    wrote(clinic, patient(1), local(30, 9))
    [bubble] = send_due(clinic, local(30, 12))
    assert isinstance(bubble, Choices)
    assert "3 of 4 sessions left" in bubble.text
    assert "From Asha Rao: The last sessions are for the stairs." in bubble.text
    assert [choice.title for choice in bubble.choices[-2:]] == [
        "Book a session",
        "Talk to a person",
    ]
    assert 3 <= len(bubble.choices) <= 5, "free times to tap"


def test_outside_the_window_it_goes_as_a_template_that_names_free_times(
    clinic: Database, course: int, patient: Any, local: Local
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), local(24, 8), "hi")
    send_due(clinic, local(25, 11))
    plan(clinic, local(30, 12))
    [bubble] = send_due(clinic, local(30, 12))
    assert isinstance(bubble, Template)
    assert (bubble.name, bubble.language) == ("course_nudge", "hi")
    assert bubble.body[-1].count(";") == 2


def test_it_waits_for_a_template_in_review_but_not_for_ever(
    clinic: Database, course: int, patient: Any, local: Local
) -> None:
    approve_templates(clinic, status="PENDING")
    wrote(clinic, patient(1), local(24, 8))
    plan(clinic, local(30, 12))
    assert send_due(clinic, local(30, 12)) == []
    [(cause, row)] = [(c, r) for c, r in waiting(clinic).items() if c.startswith("course:")]
    assert (row.detail, row.due_at) == ("no approved template", local(30, 12, 5))
    assert send_due(clinic, local(2, 11, 58, month=12)) == []
    assert why(clinic, cause) == "skipped: no approved template"


def test_a_course_has_at_most_so_many_nudges(clinic: Database, course: int, local: Local) -> None:
    approve_templates(clinic)
    moment, sent = local(30, 12), 0
    for _ in range(40):
        plan(clinic, moment)
        sent += sum(bubble.name == "course_nudge" for bubble in send_due(clinic, moment))
        moment += timedelta(days=1)
    assert sent == 2


def test_at_night_it_waits_for_the_morning(clinic: Database, course: int, local: Local) -> None:
    plan(clinic, local(30, 23))
    [row] = [row for cause, row in waiting(clinic).items() if cause.startswith("course:")]
    assert row.due_at == local(1, 8, month=12)


def _expired(course: Course) -> None:
    course.expires_on = date(2026, 11, 29)


def _finished(course: Course) -> None:
    course.status = "finished"


def _used_up(course: Course) -> None:
    course.sessions = 1


@pytest.mark.parametrize("change", [_expired, _finished, _used_up])
def test_a_course_that_is_over_is_left_alone(
    clinic: Database, course: int, local: Local, change: Any
) -> None:
    send_due(clinic, local(25, 11))
    plan(clinic, local(30, 12))
    with clinic.transaction() as session:
        change(session.get(Course, course))
    approve_templates(clinic)
    assert send_due(clinic, local(30, 12)) == [], "planned before it was over"
    assert plan(clinic, local(30, 13) + timedelta(days=9)) == []


def test_a_nudge_waits_while_a_person_has_the_conversation(
    clinic: Database, course: int, patient: Any, local: Local
) -> None:
    approve_templates(clinic)
    send_due(clinic, local(25, 11))
    plan(clinic, local(30, 12))
    with clinic.transaction() as session:
        handoff = open_handoff(session, patient(1), "request").id
    assert send_due(clinic, local(30, 12)) == []
    assert why(clinic, f"course:{course}:drop_off:1") == "planned: open handoff"
    with clinic.transaction() as session:
        resolve_handoff(session, handoff, "asha", "answered", True)
    assert len(send_due(clinic, local(30, 13))) == 1


def test_who_came_while_a_person_had_the_conversation_is_not_nudged_after_it(
    clinic: Database, course: int, patient: Any, slot_at: Any, local: Local
) -> None:
    approve_templates(clinic)
    send_due(clinic, local(25, 11))
    plan(clinic, local(30, 12))
    with clinic.transaction() as session:
        handoff = open_handoff(session, patient(1), "request").id
        book(session, slot_at(30, time(14)), patient(1), "Mira", "desk", now=local(30, 12))
        resolve_handoff(session, handoff, "asha", "booked", True)
    send_due(clinic, local(30, 13))
    assert send_due(clinic, local(1, 9, month=12)) == []
    assert why(clinic, f"course:{course}:drop_off:1") == "cancelled: course booked"


def test_the_free_times_of_a_nudge_leave_time_to_answer(
    clinic: Database, course: int, patient: Any, local: Local
) -> None:
    send_due(clinic, local(25, 11))
    plan(clinic, local(30, 12))
    wrote(clinic, patient(1), local(30, 9))
    [bubble] = send_due(clinic, local(30, 12))
    times = [choice.title for choice in bubble.choices[:-2]]
    # an hour is the clinic's lead time; nobody answers at once
    early = {f"Mon 30 Nov, {hour}" for hour in ("12:00 pm", "1:00 pm", "2:00 pm", "3:00 pm")}
    assert times and not early & set(times), times


def test_a_nudge_for_which_the_conversation_never_ends_is_given_up(
    clinic: Database, course: int, patient: Any, local: Local
) -> None:
    send_due(clinic, local(25, 11))
    plan(clinic, local(30, 12))
    with clinic.transaction() as session:
        open_handoff(session, patient(1), "request")
    moment = local(30, 12)
    for _ in range(80):
        send_due(clinic, moment)
        moment += timedelta(hours=1)
    assert why(clinic, f"course:{course}:drop_off:1") == "skipped: open handoff"
    assert plan(clinic, moment) == [], "nothing is planned while a person has it"


def test_who_said_stop_is_not_asked_back(
    clinic: Database, course: int, patient: Any, local: Local
) -> None:
    with clinic.transaction() as session:
        session.get(Contact, patient(1)).opted_out_at = local(26, 9)
    assert plan(clinic, local(30, 12)) == []


def _missed(db: Database, local: Local) -> int:
    with db.transaction() as session:
        appointment = own_appointment(session, _newest(session), None)
        appointment.status = "no_show"
        changed(session, appointment, local(25, 12))
        return int(appointment.id)


def _newest(session: Any) -> int:
    return int(session.query(Appointment.id).order_by(Appointment.id.desc()).first()[0])


def test_a_missed_visit_gets_one_kind_offer(
    clinic: Database, course: int, patient: Any, local: Local
) -> None:
    approve_templates(clinic)
    send_due(clinic, local(25, 11))
    missed = _missed(clinic, local)
    assert send_due(clinic, local(25, 13)) == []
    [bubble] = send_due(clinic, local(25, 14))
    assert bubble.name == "missed_visit"
    assert "We missed you at Small Clinic on Wed 25 Nov, 10:00 am" in bubble.text
    with clinic.transaction() as session:
        changed(session, own_appointment(session, missed, None), local(25, 15))
    assert send_due(clinic, local(26, 12)) == []


def test_who_has_booked_again_is_not_asked(
    clinic: Database, course: int, patient: Any, slot_at: Any, local: Local
) -> None:
    approve_templates(clinic)
    send_due(clinic, local(25, 11))
    missed = _missed(clinic, local)
    with clinic.transaction() as session:
        book(session, slot_at(27, time(10)), patient(1), "Mira", "again", now=local(25, 12))
    assert send_due(clinic, local(25, 14)) == []
    assert why(clinic, f"appointment:{missed}:no_show:1") == "cancelled: booked again"


@pytest.mark.parametrize("language", ["en", "hi", "hinglish"])
@pytest.mark.parametrize("window", ["open", "closed"])
def test_a_missed_session_is_offered_anew_beside_those_that_stand(
    clinic: Database,
    course: int,
    patient: Any,
    slot_at: Any,
    local: Local,
    now: datetime,
    language: str,
    window: str,
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), local(25, 8) if window == "open" else local(23, 7), language)
    missed = _missed(clinic, local)
    with clinic.transaction() as session:
        book(session, slot_at(30, time(10)), patient(1), "Mira", "long ago", now=now)
    bubbles = send_due(clinic, local(25, 14))
    [bubble] = [one for one in bubbles if "Small Clinic" in one.text or "छोटा" in one.text]
    stays = {"en": "stays as it is", "hi": "वैसी ही है", "hinglish": "waisi hi hai"}[language]
    assert stays in bubble.text and "30" in bubble.text
    assert isinstance(bubble, Choices if window == "open" else Template)
    with clinic.transaction() as session:
        changed(session, own_appointment(session, missed, None), local(25, 15))
    send_due(clinic, local(26, 12))
    assert why(clinic, f"appointment:{missed}:no_show:1").startswith("sent"), "once"


def _all_booked(course: Course) -> None:
    course.sessions = 1


def _ends_today(course: Course) -> None:
    course.expires_on = date(2026, 11, 25)


@pytest.mark.parametrize("change", [_all_booked, _ends_today, _finished])
def test_what_cannot_be_made_up_is_not_offered_beside_the_next_visit(
    clinic: Database,
    course: int,
    patient: Any,
    slot_at: Any,
    local: Local,
    now: datetime,
    change: Any,
) -> None:
    approve_templates(clinic)
    send_due(clinic, local(25, 11))
    missed = _missed(clinic, local)
    with clinic.transaction() as session:
        book(session, slot_at(30, time(10)), patient(1), "Mira", "long ago", now=now)
        change(session.get(Course, course))
    assert send_due(clinic, local(25, 14)) == []
    assert why(clinic, f"appointment:{missed}:no_show:1") == "cancelled: next visit stands"


def test_who_booked_the_missed_session_anew_is_not_asked_beside_the_next_visit(
    clinic: Database, course: int, patient: Any, slot_at: Any, local: Local, now: datetime
) -> None:
    approve_templates(clinic)
    send_due(clinic, local(25, 11))
    missed = _missed(clinic, local)
    with clinic.transaction() as session:
        book(session, slot_at(30, time(10)), patient(1), "Mira", "long ago", now=now)
        book(session, slot_at(27, time(10)), patient(1), "Mira", "again", now=local(25, 12))
    assert send_due(clinic, local(25, 14)) == []
    assert why(clinic, f"appointment:{missed}:no_show:1") == "cancelled: booked again"


def test_a_visit_marked_as_missed_by_mistake_is_not_regretted(
    clinic: Database, course: int, local: Local
) -> None:
    approve_templates(clinic)
    send_due(clinic, local(25, 11))
    missed = _missed(clinic, local)
    with clinic.transaction() as session:
        appointment = own_appointment(session, missed, None)
        appointment.status = "completed"
        changed(session, appointment, local(25, 13))
    assert send_due(clinic, local(25, 14)) == []
    assert why(clinic, f"appointment:{missed}:no_show:1") == "cancelled: visit was not missed"
