"""What is free, by examples. Sessions take 40 minutes and begin on the half hour.

Asha works 09:00–13:00 on weekdays and 14:00–18:00 on Mondays; Ravi works 09:00–11:00 on Mondays
and Wednesdays and 14:00–16:00 on Wednesdays.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Callable
from zoneinfo import ZoneInfo

import pytest

from clinic.database import Database
from clinic.models import Clinician, Leave
from clinic.profile import Profile
from clinic.scheduling.booking import book, hold
from clinic.scheduling.errors import UnknownClinician, UnknownService
from clinic.scheduling.grid import CELL, Slot, cells
from clinic.scheduling.opening import is_open, next_opening
from clinic.scheduling.slots import free_days, free_slots
from clinic.setup import write_profile

Free = Callable[..., list[Slot]]
Local = Callable[..., datetime]
PUNE = ZoneInfo("Asia/Kolkata")


def said(slots: list[Slot]) -> list[str]:
    return [f"{slot.starts_at.astimezone(PUNE):%H:%M} {slot.clinician}" for slot in slots]


def test_a_day_of_one_clinician_stops_for_lunch(free: Free) -> None:
    assert said(free(30, clinician="asha")) == [
        *("09:00 asha", "09:30 asha", "10:00 asha", "10:30 asha"),
        *("11:00 asha", "11:30 asha", "12:00 asha"),
        *("14:00 asha", "14:30 asha", "15:00 asha", "15:30 asha"),
        *("16:00 asha", "16:30 asha", "17:00 asha"),
    ]


def test_all_clinicians_by_time_and_then_by_code(free: Free) -> None:
    assert said(free(25, before=time(10))) == [
        *("09:00 asha", "09:00 ravi", "09:30 asha", "09:30 ravi"),
    ]


def test_the_lead_time_of_an_hour_is_kept(free: Free, local: Local) -> None:
    assert said(free(23, clinician="ravi", now=local(23, 8))) == [
        "09:00 ravi",
        "09:30 ravi",
        "10:00 ravi",
    ]
    assert said(free(23, clinician="ravi", now=local(23, 8, 1))) == ["09:30 ravi", "10:00 ravi"]


def test_nothing_is_offered_of_yesterday(free: Free, local: Local) -> None:
    assert free(23, now=local(24, 8)) == []


@pytest.mark.parametrize("day", [24, 26, 28, 29])
def test_holiday_closure_and_days_off_offer_nothing(free: Free, day: int) -> None:
    assert free(day) == []


def test_a_holiday_on_which_the_clinic_works(
    free: Free, clinic: Database, small_profile: Profile
) -> None:
    rules = {"country": "IN", "subdivision": "MH", "open_on": ["Guru Nanak Jayanti"]}
    write_profile(clinic, Profile.parse_obj({**small_profile.content(), "holidays": rules}))
    assert said(free(24))[0] == "09:00 asha"


def test_leave_cuts_out_every_slot_it_touches(free: Free, clinic: Database, local: Local) -> None:
    with clinic.transaction() as session:
        asha = session.query(Clinician).filter_by(code="asha").one()
        session.add(Leave(clinician_id=asha.id, starts_at=local(25, 10), ends_at=local(25, 11, 30)))
    assert said(free(25, clinician="asha")) == ["09:00 asha", "11:30 asha", "12:00 asha"]


def test_gender_part_of_day_and_times_narrow_the_answer(free: Free) -> None:
    assert {slot.clinician for slot in free(25, gender="male")} == {"ravi"}
    assert said(free(25, part="afternoon")) == [
        *("12:00 asha", "14:00 ravi", "14:30 ravi", "15:00 ravi"),
    ]
    assert free(25, part="evening") == []
    assert said(free(30, part="evening")) == ["16:00 asha", "16:30 asha", "17:00 asha"]
    assert said(free(25, after=time(11, 30), before=time(12))) == ["11:30 asha"]


def test_the_limit_takes_the_soonest(free: Free) -> None:
    assert said(free(25, limit=3)) == ["09:00 asha", "09:00 ravi", "09:30 asha"]
    assert said(free(25, limit=2, each_time_once=True)) == ["09:00 asha", "09:30 asha"]


def test_a_service_only_some_offer(free: Free) -> None:
    assert {slot.clinician for slot in free(25, service="assessment")} == {"asha"}


def test_a_longer_service_needs_its_whole_length(free: Free) -> None:
    first = free(25, service="assessment", limit=1)[0]
    assert first.ends_at - first.starts_at == timedelta(minutes=45)
    assert said(free(25, service="assessment"))[-1] == "12:00 asha"


def test_a_booked_slot_is_gone_and_its_neighbour_too(
    free: Free, clinic: Database, patient: Callable[[int], int], now: datetime
) -> None:
    taken = free(25, clinician="ravi", after=time(9, 30))[0]
    with clinic.transaction() as session:
        book(session, taken, patient(1), "Asha Verma", "test:1", now=now)
    # 09:00–09:40 and 10:00–10:40 both need time that 09:30–10:10 has
    assert said(free(25, clinician="ravi", before=time(12))) == []
    assert "09:30 asha" in said(free(25))


def test_who_has_fewer_bookings_that_day_comes_first(
    free: Free, clinic: Database, patient: Callable[[int], int], now: datetime
) -> None:
    with clinic.transaction() as session:
        slot = free(25, clinician="asha", after=time(12))[0]
        book(session, slot, patient(1), "Asha Verma", "test:1", now=now)
    assert said(free(25, limit=2)) == ["09:00 ravi", "09:00 asha"]
    assert said(free(25, limit=2, preferred=["asha"])) == ["09:00 asha", "09:00 ravi"]


def test_a_held_slot_is_free_again_when_its_time_ran_out(
    free: Free, clinic: Database, patient: Callable[[int], int], now: datetime
) -> None:
    slot = free(25, clinician="ravi")[0]
    with clinic.transaction() as session:
        hold(session, slot, patient(1), now=now)
    assert slot not in free(25)
    assert slot not in free(25, now=now + timedelta(minutes=9, seconds=59))
    assert slot in free(25, now=now + timedelta(minutes=10))


def test_days_with_something_free(clinic: Database, now: datetime) -> None:
    question = {"service": "session", "start": date(2026, 11, 20), "now": now}
    with clinic.reading() as session:
        assert free_days(session, end=date(2026, 11, 30), limit=9, **question) == [
            date(2026, 11, day) for day in (23, 25, 27, 30)
        ]
        assert free_days(session, end=date(2027, 6, 1), limit=99, **question)[-1] == (
            date(2026, 12, 7)
        )
        assert free_days(session, end=date(2026, 11, 30), limit=2, gender="male", **question) == [
            date(2026, 11, day) for day in (23, 25)
        ]


def test_codes_that_name_nothing_are_refused(clinic: Database, now: datetime) -> None:
    day = date(2026, 11, 25)
    with clinic.reading() as session:
        with pytest.raises(UnknownService, match="massage"):
            free_slots(session, service="massage", start=day, end=day, limit=1, now=now)
        with pytest.raises(UnknownClinician, match="ravi"):
            free_slots(
                session,
                service="assessment",
                clinician="ravi",
                start=day,
                end=day,
                limit=1,
                now=now,
            )


def test_hours_are_local_in_a_zone_that_changes_its_clocks(
    clinic: Database, small_profile: Profile, free: Free
) -> None:
    # London leaves summer time on 25 October 2026: 09:00 is 08:00 UTC before and 09:00 UTC after
    london = {**small_profile.content(), "time_zone": "Europe/London", "holidays": None}
    write_profile(clinic, Profile.parse_obj(london))
    before = datetime(2026, 10, 23, 5, tzinfo=ZoneInfo("UTC"))
    for day, hour in ((date(2026, 10, 23), 8), (date(2026, 10, 26), 9)):
        with clinic.reading() as session:
            slot = free_slots(session, service="session", start=day, end=day, limit=1, now=before)[
                0
            ]
        assert (slot.starts_at.hour, slot.starts_at.utcoffset()) == (hour, timedelta(0))


def test_cells_cover_the_visit(local: Local) -> None:
    assert len(cells(local(25, 9), local(25, 9, 40))) == 3
    assert len(cells(local(25, 9), local(25, 9, 45))) == 3
    assert cells(local(25, 9, 5), local(25, 9, 10)) == [local(25, 9)]
    assert cells(local(25, 9), local(25, 9) + CELL) == [local(25, 9)]


def test_a_slot_survives_its_key(free: Free) -> None:
    for slot in free(25):
        assert Slot.from_key(slot.key) == slot
    with pytest.raises(ValueError, match="not enough values"):
        Slot.from_key("asha/session")


@pytest.mark.parametrize(
    ("moment", "open_now", "opens_next"),
    [
        ((23, 8), False, (23, 9)),
        ((23, 9), True, (23, 9)),
        ((23, 13), False, (23, 14)),
        ((23, 20), False, (25, 9)),
        ((27, 14), False, (30, 9)),
    ],
)
def test_when_somebody_is_there(
    clinic: Database,
    local: Local,
    moment: tuple[int, int],
    open_now: bool,
    opens_next: tuple[int, int],
) -> None:
    with clinic.reading() as session:
        assert is_open(session, local(*moment)) is open_now
        assert next_opening(session, local(*moment)) == local(*opens_next)
