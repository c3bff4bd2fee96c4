"""Booking the sessions of a course in a row."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Callable

import pytest

from clinic.courses import balance
from clinic.database import Database
from clinic.models import Clinician, Course, Leave
from clinic.scheduling import errors
from clinic.scheduling.booking import book
from clinic.scheduling.grid import Slot
from clinic.scheduling.series import Proposal, book_series, hours_free, propose
from tests.clinic.conftest import PUNE
from tests.clinic.courses import a_course

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]
Local = Callable[..., datetime]
MON, WED, FRI = 0, 2, 4


@pytest.fixture
def course(clinic: Database, patient: Ids, now: datetime) -> int:
    """Patient 1 has a course of five sessions with asha, until 9 December."""
    return a_course(clinic, patient(1), now, sessions=5, expires_on=date(2026, 12, 9))


def proposed(
    db: Database, course: int, now: datetime, days: set[int], at: time, weeks: int | None = None
) -> list[Proposal]:
    with db.reading() as session:
        return propose(session, session.get(Course, course), days, at, weeks, now=now)


def said(proposals: list[Proposal]) -> list[str]:
    """`25 09:00`, `25 09:30 taken`, `26 - closed`: day and time in Pune, and why."""
    lines = []
    for one in proposals:
        if one.slot is None:
            lines.append(f"{one.wished.astimezone(PUNE):%d} - {one.why}")
        else:
            why = f" {one.why}" if one.why else ""
            lines.append(f"{one.slot.starts_at.astimezone(PUNE):%d %H:%M}{why}")
    return lines


def test_every_week_until_the_course_is_used_up(
    clinic: Database, course: int, now: datetime
) -> None:
    assert said(proposed(clinic, course, now, {MON, WED, FRI}, time(9))) == [
        # today at nine is an hour ahead, which the clinic's lead time just allows
        "23 09:00",
        "25 09:00",
        "27 09:00",
        "30 09:00",
        "02 09:00",
    ]


def test_for_so_many_weeks(clinic: Database, course: int, now: datetime) -> None:
    assert said(proposed(clinic, course, now, {WED, FRI}, time(10), weeks=1)) == [
        "25 10:00",
        "27 10:00",
    ]


def test_not_behind_the_end_of_the_course(clinic: Database, course: int, now: datetime) -> None:
    assert said(proposed(clinic, course, now, {WED}, time(10))) == [
        "25 10:00",
        "02 10:00",
        "09 10:00",
    ]


def test_a_taken_hour_becomes_the_nearest_of_the_day(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        book(session, slot_at(25, time(9)), patient(2), "X", "a", now=now)
        book(session, slot_at(27, time(12)), patient(2), "X", "b", now=now)
    assert said(proposed(clinic, course, now, {WED, FRI}, time(9), 1))[0] == "25 10:00 taken"
    assert said(proposed(clinic, course, now, {WED, FRI}, time(12), 1)) == [
        "25 12:00",
        "27 11:00 taken",
    ]


def test_a_closed_day_becomes_the_next(clinic: Database, course: int, now: datetime) -> None:
    # Tuesday is a holiday, Thursday the clinic's own closure; Friday is already in the row
    found = proposed(clinic, course, now, {1, 3, 4}, time(9), 1)
    assert said(found) == ["25 09:00 closed", "26 - closed", "27 09:00"]


def test_a_day_without_anything_near(
    clinic: Database, course: int, local: Local, now: datetime
) -> None:
    with clinic.transaction() as session:
        asha = session.query(Clinician).filter_by(code="asha").one()
        session.add(Leave(clinician_id=asha.id, starts_at=local(25, 0), ends_at=local(28, 0)))
    assert said(proposed(clinic, course, now, {WED}, time(9), 1)) == ["25 - away"]


def test_days_that_have_a_session_are_passed_over(
    clinic: Database, course: int, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        book(session, slot_at(25, time(11)), patient(1), "Meena Joshi", "a", now=now)
    assert said(proposed(clinic, course, now, {WED}, time(9))) == ["02 09:00", "09 09:00"]


def test_an_hour_nobody_works_becomes_the_nearest(
    clinic: Database, course: int, now: datetime
) -> None:
    assert said(proposed(clinic, course, now, {WED}, time(18), 1)) == ["25 12:00 away"]


def test_hours_to_choose_from(clinic: Database, course: int, now: datetime) -> None:
    with clinic.reading() as session:
        hours = hours_free(session, session.get(Course, course), {FRI}, now=now)
    assert hours[:3] == [time(9), time(9, 30), time(10)]


def test_what_was_proposed_is_booked_at_once(
    clinic: Database, course: int, patient: Ids, now: datetime
) -> None:
    slots = [p.slot for p in proposed(clinic, course, now, {WED, FRI}, time(9)) if p.slot]
    with clinic.transaction() as session:
        done = book_series(session, course, patient(1), slots, "m:series", now=now)
        again = book_series(session, course, patient(1), slots, "m:series", now=now)
        left = balance(session, course)
    assert [visit.course_id for visit in done.visits] == [course] * 5 and not done.refused
    assert again == done
    assert (left.booked, left.left_to_book) == (5, 0)
    with pytest.raises(errors.CourseFull):
        proposed(clinic, course, now, {WED}, time(9))


def test_what_was_taken_meanwhile_is_said_and_the_rest_booked(
    clinic: Database, course: int, patient: Ids, now: datetime
) -> None:
    slots = [p.slot for p in proposed(clinic, course, now, {WED, FRI}, time(9), 2) if p.slot]
    with clinic.transaction() as session:
        book(session, slots[1], patient(2), "X", "a", now=now)
    late = slots[0].starts_at - timedelta(minutes=30)
    with clinic.transaction() as session:
        done = book_series(session, course, patient(1), slots, "m:series", now=late)
    assert done.refused == slots[:2]
    assert [visit.starts_at for visit in done.visits] == [slot.starts_at for slot in slots[2:]]


def test_only_for_ones_own_course_that_runs(
    clinic: Database, course: int, patient: Ids, local: Local, now: datetime
) -> None:
    slots = [p.slot for p in proposed(clinic, course, now, {WED}, time(9)) if p.slot]
    with clinic.transaction() as session, pytest.raises(errors.UnknownCourse):
        book_series(session, course, patient(2), slots, "m:series", now=now)
    with pytest.raises(errors.CourseOver):
        proposed(clinic, course, local(10, 8, month=12), {WED}, time(9))
