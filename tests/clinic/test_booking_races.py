"""Every slot is booked once: threads that race, and random histories."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from shutil import copy
from typing import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.models import Appointment, SlotCell
from clinic.models.schedule import CANCELLED
from clinic.profile import Profile
from clinic.scheduling.booking import book, cancel, confirm, expire_holds, hold, reschedule
from clinic.scheduling.errors import SchedulingError, SlotTaken
from clinic.scheduling.grid import Slot, cells
from clinic.scheduling.slots import free_slots
from clinic.scheduling.visit import Visit
from clinic.setup import write_profile
from tests.clinic.racing import race

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]
THREADS = 20


def test_of_twenty_who_want_one_slot_exactly_one_gets_it(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    contacts = [patient(number) for number in range(THREADS)]

    def work(number: int) -> Visit:
        # half of them want a slot that only overlaps the other half's
        wanted = slot_at(25, time(9) if number % 2 else time(9, 30))
        with clinic.transaction() as session:
            return book(session, wanted, contacts[number], "X", f"race:{number}", now=now)

    outcomes = race(work, THREADS, SchedulingError)
    assert len([one for one in outcomes if isinstance(one, Visit)]) == 1
    assert len([one for one in outcomes if isinstance(one, SlotTaken)]) == THREADS - 1


def test_of_twenty_repetitions_of_one_cause_one_does_the_work(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    contact = patient(1)

    def work(_number: int) -> Visit:
        with clinic.transaction() as session:
            return book(session, slot_at(25, time(9)), contact, "X", "wamid.X:book", now=now)

    outcomes = race(work, THREADS, SchedulingError)
    assert len(set(map(repr, outcomes))) == 1, outcomes
    with clinic.reading() as session:
        assert len(session.execute(select(Appointment)).all()) == 1


def test_twenty_who_all_move_at_once_never_meet(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    times = [time(9), time(10), time(11)]
    wishes = [time(12), time(9), time(10), time(11)]
    with clinic.transaction() as session:
        visits = [
            book(session, slot_at(25, at), patient(number), "X", f"seed:{number}", now=now)
            for number, at in enumerate(times)
        ]

    def work(number: int) -> Visit:
        mine = visits[number % len(visits)]
        to = slot_at(25, wishes[number % len(wishes)])
        with clinic.transaction() as session:
            return reschedule(
                session, mine.appointment_id, mine.contact_id, to, f"move:{number}", now=now
            )

    outcomes = race(work, THREADS, SchedulingError)
    assert any(isinstance(one, Visit) and one.version > 1 for one in outcomes)
    assert_sound(clinic)


def assert_sound(db: Database) -> None:
    """Nobody overlaps, and the cells are exactly those of the visits that stand."""
    with db.reading() as session:
        standing = (
            session.execute(select(Appointment).where(Appointment.status != CANCELLED))
            .scalars()
            .all()
        )
        wanted = sorted(
            (one.clinician_id, cell, one.id)
            for one in standing
            for cell in cells(one.starts_at, one.ends_at)
        )
        rows = session.execute(
            select(SlotCell.clinician_id, SlotCell.starts_at, SlotCell.appointment_id)
        ).all()
        assert sorted(tuple(row) for row in rows) == wanted
        for one in standing:
            for other in standing:
                if one.id < other.id and one.clinician_id == other.clinician_id:
                    apart = one.ends_at <= other.starts_at or other.ends_at <= one.starts_at
                    assert apart, (one.id, other.id)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "book", "confirm", "move", "cancel", "expire"]),
        st.integers(0, 3),
        st.integers(0, 60),
        st.integers(0, 12),
    ),
    max_size=25,
)


@given(steps=STEPS)
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_random_histories_stay_sound(
    steps: list[tuple[str, int, int, int]],
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    small_profile: Profile,
    now: datetime,
) -> None:
    file = tmp_path_factory.mktemp("history") / "clinic.db"
    copy(sqlite_template, file)
    db = Database(f"sqlite:///{file}")
    write_profile(db, small_profile)
    with db.transaction() as session:
        contacts = [int(ensure_contact(session, f"+91900000100{n}", None).id) for n in range(4)]
    versions: dict[int, tuple[int, object]] = {}
    clock = now
    for number, (what, who, which, minutes) in enumerate(steps):
        clock += timedelta(minutes=minutes)
        try:
            with db.transaction() as session:
                step(session, what, contacts[who], which, f"step:{number}", clock)
        except SchedulingError:
            pass
        assert_sound(db)
        assert_offers_nothing_taken(db, clock)
        versions = assert_versions_rise(db, versions)
    db.dispose()


def step(
    session: Session, what: str, contact: int, which: int, cause: str, clock: datetime
) -> None:
    """One thing somebody does: `which` chooses among the slots, free or not, or the visits."""
    day, hour = divmod(which, 8)
    starts_at = datetime(2026, 11, 25, 3, 30, tzinfo=clock.tzinfo).replace(
        hour=9 + hour // 2, minute=30 * (hour % 2)
    ) + timedelta(days=day % 3 * 2)
    clinician = "asha" if which % 3 else "ravi"
    slot = Slot.from_key(
        Slot(clinician, "session", starts_at, starts_at).key.rsplit("/", 1)[0] + "/40"
    )
    ids = session.execute(select(Appointment.id).order_by(Appointment.id)).scalars().all()
    ident = ids[which % len(ids)] if ids else 1
    if what == "hold":
        hold(session, slot, contact, now=clock)
    elif what == "book":
        book(session, slot, contact, "X", cause, now=clock)
    elif what == "confirm":
        confirm(session, ident, contact, "X", cause, now=clock)
    elif what == "move":
        reschedule(session, ident, contact, slot, cause, now=clock)
    elif what == "cancel":
        cancel(session, ident, contact, "patient", None, cause, now=clock)
    else:
        expire_holds(session, clock)


def assert_offers_nothing_taken(db: Database, clock: datetime) -> None:
    with db.reading() as session:
        offered = free_slots(
            session,
            service="session",
            start=date(2026, 11, 25),
            end=date(2026, 11, 30),
            limit=500,
            now=clock,
        )
        standing = (
            session.execute(select(Appointment).where(Appointment.status != CANCELLED))
            .scalars()
            .all()
        )
        for one in standing:
            if one.held_until is not None and one.held_until <= clock:
                continue
            for slot in offered:
                if slot.clinician == one.clinician.code:
                    assert slot.ends_at <= one.starts_at or one.ends_at <= slot.starts_at


def assert_versions_rise(
    db: Database, before: dict[int, tuple[int, object]]
) -> dict[int, tuple[int, object]]:
    with db.reading() as session:
        rows = session.execute(select(Appointment)).scalars().all()
        after = {
            row.id: (row.version, (row.status, row.starts_at, row.clinician_id)) for row in rows
        }
    for ident, (version, facts) in before.items():
        risen = after[ident][0] - version
        assert risen == (after[ident][1] != facts), (ident, before[ident], after[ident])
    return after
