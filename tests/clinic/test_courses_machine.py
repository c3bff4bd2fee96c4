"""A course's balance and numbers are never wrong, whatever happens in whatever order.

The model is a plain list of what should be true; the database is asked after every step.
"""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from clinic.attendance import TRANSITIONS, mark
from clinic.contacts import ensure_contact
from clinic.courses import balance, expire_courses, number_of
from clinic.database import Database
from clinic.models import Appointment, Course
from clinic.profile import Profile
from clinic.scheduling.booking import book, cancel, confirm, expire_holds, hold, reschedule
from clinic.scheduling.errors import CourseFull, CourseOver, SchedulingError
from clinic.scheduling.grid import Slot
from clinic.setup import write_profile
from tests.clinic import machines
from tests.clinic.conftest import PUNE
from tests.clinic.courses import a_course
from tests.emptying import empty

NAME = "Meena Joshi"
SESSIONS = 4
LAST_DAY = date(2026, 12, 3)
# Wednesdays and Fridays of two weeks, and one after the course's end
DAYS = [date(2026, 11, 25), date(2026, 11, 27), date(2026, 12, 2), date(2026, 12, 4)]
HOURS = range(9, 13)
_causes = itertools.count()


def slot(day: int, hour: int) -> Slot:
    starts = datetime(DAYS[day].year, DAYS[day].month, DAYS[day].day, hour, tzinfo=PUNE)
    return Slot("asha", "session", starts, starts + timedelta(minutes=40))


class CourseOfCare(RuleBasedStateMachine):
    """One patient, one course of four sessions, and a front desk that is not always careful."""

    def __init__(self, database: Database, profile: Profile) -> None:
        super().__init__()
        self.database = database
        empty(database)
        write_profile(database, profile)
        self.clock = datetime(2026, 11, 23, 8, tzinfo=PUNE)
        with self.database.transaction() as session:
            self.contact = int(ensure_contact(session, "+919000001001", None).id)
        self.course = a_course(self.database, self.contact, self.clock, SESSIONS, LAST_DAY, NAME)
        # what should be true: id -> (status, start, whether it is a session of the course)
        self.model: Dict[int, Tuple[str, datetime, bool]] = {}
        self.active = True

    def used(self) -> int:
        return sum(s == "completed" for s, _, mine in self.model.values() if mine)

    def booked(self) -> int:
        mine = [s for s, _, mine in self.model.values() if mine]
        return sum(s in ("booked", "confirmed", "arrived") for s in mine)

    def left(self) -> int:
        return SESSIONS - self.used() - self.booked()

    def takes(self, moment: datetime) -> bool:
        """Whether a visit booked now for that moment is a session of the course."""
        open_still = self.active and self.used() < SESSIONS
        return open_still and moment.astimezone(PUNE).date() <= LAST_DAY and self.left() > 0

    def attempt(self, work: Any) -> Optional[Any]:
        try:
            with self.database.transaction() as session:
                return work(session, f"step:{next(_causes)}")
        except SchedulingError:
            return None

    def some(self, which: int) -> Optional[int]:
        ids = sorted(self.model)
        return ids[which % len(ids)] if ids else None

    @rule(day=st.integers(0, 3), hour=st.sampled_from(list(HOURS)), two_steps=st.booleans())
    def books(self, day: int, hour: int, two_steps: bool) -> None:
        wanted = slot(day, hour)
        expected = self.takes(wanted.starts_at)

        def work(session: Any, cause: str) -> Any:
            if not two_steps:
                return book(session, wanted, self.contact, NAME, cause, now=self.clock)
            held = hold(session, wanted, self.contact, now=self.clock)
            return confirm(session, held.appointment_id, self.contact, NAME, cause, now=self.clock)

        visit = self.attempt(work)
        if visit is not None:
            assert (visit.course_id is not None) == expected
            self.model[visit.appointment_id] = ("booked", visit.starts_at, expected)

    @rule(day=st.integers(0, 3), hour=st.sampled_from(list(HOURS)))
    def books_expressly_for_the_course(self, day: int, hour: int) -> None:
        wanted = slot(day, hour)
        expected = self.takes(wanted.starts_at)
        try:
            with self.database.transaction() as session:
                cause = f"step:{next(_causes)}"
                visit = book(
                    session, wanted, self.contact, NAME, cause, now=self.clock,
                    course_id=self.course,
                )  # fmt: skip
        except (CourseFull, CourseOver):
            assert not expected
        except SchedulingError:
            pass
        else:
            assert expected
            self.model[visit.appointment_id] = ("booked", visit.starts_at, True)

    @rule(which=st.integers(0, 20), day=st.integers(0, 3), hour=st.sampled_from(list(HOURS)),
          staff=st.booleans())  # fmt: skip
    def moves(self, which: int, day: int, hour: int, staff: bool) -> None:
        ident = self.some(which)
        if ident is None:
            return
        who = None if staff else self.contact
        visit = self.attempt(
            lambda session, cause: reschedule(
                session, ident, who, slot(day, hour), cause, now=self.clock
            )
        )
        if visit is not None:
            _, _, mine = self.model[ident]
            after_the_end = visit.starts_at.astimezone(PUNE).date() > LAST_DAY
            moved = visit.starts_at != self.model[ident][1]
            assert not (mine and after_the_end and moved and not staff)
            self.model[ident] = (visit.status, visit.starts_at, mine)

    @rule(which=st.integers(0, 20))
    def cancels(self, which: int) -> None:
        ident = self.some(which)
        if ident is None:
            return
        visit = self.attempt(
            lambda session, cause: cancel(
                session, ident, self.contact, "patient", None, cause, now=self.clock
            )
        )
        if visit is not None:
            self.model[ident] = ("cancelled", *self.model[ident][1:])

    @rule(which=st.integers(0, 20), status=st.sampled_from(sorted(TRANSITIONS)))
    def is_marked(self, which: int, status: str) -> None:
        ident = self.some(which)
        if ident is not None:
            self.marks(ident, status)

    @rule(status=st.sampled_from(["completed", "completed", "no_show"]))
    def the_next_visit_comes_about(self, status: str) -> None:
        """The day of the next visit: it takes place, or is missed."""
        standing = [(s, i) for i, (at, s, _) in self.model.items() if at in ("booked", "confirmed")]
        if standing:
            starts, ident = min(standing)
            if starts > self.clock:
                self.lives_until(starts + timedelta(minutes=40))
            self.marks(ident, status)

    @rule(which=st.integers(0, 20), takes_place=st.booleans())
    def all_the_rest_is_booked(self, which: int, takes_place: bool) -> None:
        """Then all of it takes place, or a missed session is said to have taken place after all."""
        for day, hour in itertools.product(range(3), HOURS):
            if self.left() > 0:
                self.books_expressly_for_the_course(day, hour)
        missed = [i for i, (at, _, mine) in self.model.items() if mine and at == "no_show"]
        if takes_place:
            for _ in range(SESSIONS):
                self.the_next_visit_comes_about("completed")
        elif missed:
            self.marks(missed[which % len(missed)], "completed")

    def marks(self, ident: int, status: str) -> None:
        before, starts, mine = self.model[ident]
        room = self.left() > 0
        visit = self.attempt(
            lambda session, cause: mark(session, ident, status, "staff:x", now=self.clock)
        )
        if visit is not None:
            revived = before == "no_show" and status in ("arrived", "completed")
            assert not (mine and revived and not room), "a session was used that was not there"
            if status in ("no_show", "completed") and before != status:
                assert starts <= self.clock
            self.model[ident] = (status, starts, mine)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.lives_until(self.clock + timedelta(hours=hours))

    def lives_until(self, moment: datetime) -> None:
        self.clock = moment
        with self.database.transaction() as session:
            expire_holds(session, self.clock)
            expired = expire_courses(session, self.clock)
        if expired:
            assert self.clock.date() > LAST_DAY and self.used() < SESSIONS
            self.active = False

    @precondition(lambda self: self.model)
    @invariant()
    def the_balance_is_right(self) -> None:
        mine: List[str] = [s for s, _, mine in self.model.values() if mine]
        with self.database.reading() as session:
            found = balance(session, self.course)
            status = session.get(Course, self.course).status
        assert (found.total, found.completed, found.booked) == (
            SESSIONS,
            self.used(),
            self.booked(),
        )
        assert found.no_show == mine.count("no_show")
        assert found.cancelled == mine.count("cancelled")
        assert found.left_to_attend == SESSIONS - self.used() >= 0
        assert found.left_to_book == self.left() >= 0
        if self.active:
            assert status == ("finished" if self.used() == SESSIONS else "active")
        else:
            assert status == "expired"

    @invariant()
    def the_numbers_are_right(self) -> None:
        with self.database.reading() as session:
            rows = session.execute(
                select(Appointment).where(Appointment.course_id == self.course)
            ).scalars()
            numbered = {
                row.id: found for row in rows if (found := number_of(session, row)) is not None
            }
        counting = sorted(
            (starts, ident)
            for ident, (status, starts, mine) in self.model.items()
            if mine and status in ("booked", "confirmed", "arrived", "completed")
        )
        assert numbered == {
            ident: (place, SESSIONS) for place, (_, ident) in enumerate(counting, 1)
        }


def test_balances_are_never_wrong(hasty: Database, small_profile: Profile) -> None:
    machines.run(lambda: CourseOfCare(hasty, small_profile), examples=40, steps=30)
