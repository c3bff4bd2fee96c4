"""What is left of a course, and which session a visit is."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Callable

import pytest
from sqlalchemy import select

from clinic.attendance import TRANSITIONS, mark, marks
from clinic.courses import (
    active_courses,
    balance,
    expire_courses,
    number_of,
    stop_course,
)
from clinic.database import Database
from clinic.models import Appointment, Course
from clinic.profile import Profile
from clinic.scheduling import errors
from clinic.scheduling.booking import PATIENT, book, cancel, confirm, hold, reschedule
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit
from clinic.setup import write_profile
from tests.clinic.courses import a_course

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]
NAME = "Meena Joshi"


@pytest.fixture
def course(clinic: Database, patient: Ids, now: datetime) -> int:
    """Patient 1 has a course of three sessions with asha, until 30 November."""
    return a_course(clinic, patient(1), now, sessions=3, expires_on=date(2026, 11, 30))


def booked(db: Database, slot: Slot, contact: int, now: datetime, **parts: object) -> Visit:
    with db.transaction() as session:
        return book(session, slot, contact, NAME, f"t:{slot.key}:{contact}", now=now, **parts)


def numbers(db: Database, course_id: int) -> list[object]:
    """The number of each visit of the course, by id."""
    with db.reading() as session:
        rows = session.execute(
            select(Appointment).where(Appointment.course_id == course_id).order_by(Appointment.id)
        ).scalars()
        return [number_of(session, row) for row in rows]


def test_a_booked_visit_becomes_a_session_of_the_patients_course(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    assert booked(clinic, slot_at(25, time(9)), patient(1), now).course_id == course
    with clinic.transaction() as session:
        held = hold(session, slot_at(25, time(10)), patient(1), now=now)
        visit = confirm(session, held.appointment_id, patient(1), "meena joshi", "c", now=now)
    assert visit.course_id == course
    with clinic.reading() as session:
        found = balance(session, course)
    assert (found.total, found.booked, found.left_to_book, found.left_to_attend) == (3, 2, 1, 3)


def test_another_patient_or_service_or_day_is_no_session_of_it(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        others = [
            book(session, slot_at(25, time(9)), patient(1), "Anu Joshi", "a", now=now),
            book(session, slot_at(25, time(9), "ravi"), patient(2), NAME, "b", now=now),
            book(
                session,
                slot_at(25, time(10), service="assessment"),
                patient(1),
                NAME,
                "c",
                now=now,
            ),
            book(session, Slot.from_key("asha/session/20261202T0330Z/40"), patient(1), NAME, "d",
                 now=now),
        ]  # fmt: skip
    assert [visit.course_id for visit in others] == [None] * 4


def test_a_fourth_visit_is_no_session_of_a_course_of_three(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    times = (time(9), time(10), time(11), time(12))
    visits = [booked(clinic, slot_at(25, at), patient(1), now) for at in times]
    assert [visit.course_id for visit in visits] == [course, course, course, None]
    with clinic.transaction() as session, pytest.raises(errors.CourseFull):
        book(session, slot_at(30, time(9)), patient(1), NAME, "x", now=now, course_id=course)


def test_sessions_are_numbered_by_time_and_move_up(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    second = booked(clinic, slot_at(25, time(10)), patient(1), now)
    first = booked(clinic, slot_at(25, time(9)), patient(1), now)
    booked(clinic, slot_at(30, time(9)), patient(1), now)
    assert numbers(clinic, course) == [(2, 3), (1, 3), (3, 3)]
    with clinic.transaction() as session:
        cancel(session, first.appointment_id, patient(1), PATIENT, None, "c", now=now)
    assert numbers(clinic, course) == [(1, 3), None, (2, 3)]
    with clinic.transaction() as session:
        late = slot_at(30, time(12))
        reschedule(session, second.appointment_id, patient(1), late, "m", now=now)
    assert numbers(clinic, course) == [(2, 3), None, (1, 3)]


@pytest.mark.parametrize("counts", [False, True])
def test_whether_a_missed_session_is_used_up_is_the_clinics_choice(
    clinic: Database,
    course: int,
    slot_at: SlotAt,
    patient: Ids,
    now: datetime,
    small_profile: Profile,
    counts: bool,
) -> None:
    rules = small_profile.booking.copy(update={"no_show_uses_session": counts})
    write_profile(clinic, small_profile.copy(update={"booking": rules}))
    visit = booked(clinic, slot_at(25, time(9)), patient(1), now)
    with clinic.transaction() as session:
        mark(session, visit.appointment_id, "no_show", "staff:x", now=now + timedelta(days=3))
        found = balance(session, course)
    assert (found.no_show, found.used, found.left_to_book) == (1, int(counts), 3 - counts)
    assert numbers(clinic, course) == [(1, 3) if counts else None]


def test_a_course_is_finished_by_its_last_session_and_opened_by_a_correction(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    after = now + timedelta(days=10)
    for at in (time(9), time(10), time(11)):
        visit = booked(clinic, slot_at(25, at), patient(1), now)
        with clinic.transaction() as session:
            mark(session, visit.appointment_id, "completed", "staff:x", now=after)
    with clinic.transaction() as session:
        assert session.get(Course, course).status == "finished"
        mark(session, visit.appointment_id, "no_show", "staff:x", now=after)
        assert session.get(Course, course).status == "active"
        assert [(m.was, m.became) for m in marks(session, visit.appointment_id)] == [
            ("booked", "completed"),
            ("completed", "no_show"),
        ]


def test_a_missed_session_that_was_booked_anew_did_not_take_place_after_all(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    missed = booked(clinic, slot_at(25, time(9)), patient(1), now)
    later = now + timedelta(days=3)
    with clinic.transaction() as session:
        mark(session, missed.appointment_id, "no_show", "staff:x", now=later)
    for day, at in ((27, time(9)), (27, time(10)), (30, time(9))):
        assert booked(clinic, slot_at(day, at), patient(1), now).course_id == course
    with clinic.transaction() as session, pytest.raises(errors.CourseFull):
        mark(session, missed.appointment_id, "completed", "staff:x", now=later)


def test_attendance_cannot_be_told_before_it_can_be_known(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, local: Callable[..., datetime],
    now: datetime,
) -> None:  # fmt: skip
    visit = booked(clinic, slot_at(25, time(9)), patient(1), now)
    with clinic.transaction() as session:
        for status in ("no_show", "completed", "arrived"):
            with pytest.raises(errors.NotYetBegun):
                mark(session, visit.appointment_id, status, "staff:x", now=now)
        early = local(25, 8, 40)
        assert mark(session, visit.appointment_id, "arrived", "staff:x", now=early).version == 2
        # said twice is said once
        assert mark(session, visit.appointment_id, "arrived", "staff:x", now=early).version == 2
        with pytest.raises(errors.NotYetBegun):
            mark(session, visit.appointment_id, "no_show", "staff:x", now=early)
        assert len(marks(session, visit.appointment_id)) == 1


@pytest.mark.parametrize("status", sorted(TRANSITIONS))
def test_only_the_listed_changes_are_possible(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime, status: str
) -> None:
    visit = booked(clinic, slot_at(25, time(9)), patient(1), now)
    after = now + timedelta(days=3)
    for wanted in sorted(set(TRANSITIONS) - TRANSITIONS[status] - {status}):
        with clinic.transaction() as session:
            session.get(Appointment, visit.appointment_id).status = status
            session.flush()
            with pytest.raises(errors.NoSuchChange):
                mark(session, visit.appointment_id, wanted, "staff:x", now=after)


def test_a_late_cancellation_is_noted(
    clinic: Database, slot_at: SlotAt, patient: Ids, local: Callable[..., datetime], now: datetime
) -> None:
    early = booked(clinic, slot_at(25, time(10)), patient(1), now)
    late = booked(clinic, slot_at(25, time(9)), patient(1), now)
    with clinic.transaction() as session:
        cancel(session, early.appointment_id, patient(1), PATIENT, "busy", "a", now=now)
        mark(session, late.appointment_id, "cancelled", "staff:x", now=local(25, 6), reason="ill")
        rows = [session.get(Appointment, v.appointment_id) for v in (early, late)]
        assert [row.cancelled_late for row in rows] == [False, True]
        assert [row.cancelled_by for row in rows] == ["patient", "staff:x"]
        assert rows[1].cancelled_at == local(25, 6)


def test_a_course_ends_with_its_last_day(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, local: Callable[..., datetime],
    now: datetime,
) -> None:  # fmt: skip
    visit = booked(clinic, slot_at(25, time(9)), patient(1), now)
    with clinic.transaction() as session:
        assert expire_courses(session, local(30, 23)) == []
        assert [c.id for c in active_courses(session, patient(1), local(30, 23))] == [course]
        assert active_courses(session, patient(1), local(1, 0, month=12)) == []
        after_the_end = Slot.from_key("asha/session/20261202T0330Z/40")
        with pytest.raises(errors.CourseOver):
            reschedule(session, visit.appointment_id, patient(1), after_the_end, "m", now=now)
        # the front desk may
        reschedule(session, visit.appointment_id, None, after_the_end, "m", now=now)
        assert expire_courses(session, local(1, 0, month=12)) == [course]
        assert expire_courses(session, local(1, 0, month=12)) == []


def test_no_session_of_a_stopped_or_foreign_course(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        with pytest.raises(errors.UnknownCourse):
            book(session, slot_at(25, time(9)), patient(2), NAME, "a", now=now, course_id=course)
        stop_course(session, course)
        with pytest.raises(errors.CourseOver):
            book(session, slot_at(25, time(9)), patient(1), NAME, "b", now=now, course_id=course)
        assert book(session, slot_at(25, time(9)), patient(1), NAME, "c", now=now).course_id is None
        with pytest.raises(errors.UnknownCourse):
            balance(session, course + 1)
