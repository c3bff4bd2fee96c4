"""The profile in the database."""

from __future__ import annotations

from datetime import date, time

import pytest
from sqlalchemy import select

from clinic import models
from clinic.database import Database
from clinic.profile import Profile
from clinic.setup import NoProfile, current_profile, write_profile


def without(profile: Profile, **changes: object) -> Profile:
    """The same clinic with some sections changed, through the same checks of each value."""
    return Profile.parse_obj({**profile.content(), **changes})


def dump(db: Database) -> dict[str, list[tuple[object, ...]]]:
    with db.reading() as session:
        return {
            table.name: [
                tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))
            ]
            for table in models.Base.metadata.sorted_tables
        }


def test_a_database_without_a_profile_says_so(db: Database) -> None:
    with pytest.raises(NoProfile, match="sandhi init"):
        current_profile(db)


def test_what_is_written_is_read(clinic: Database, small_profile: Profile) -> None:
    assert current_profile(clinic) == small_profile


def test_writing_again_changes_nothing(clinic: Database, small_profile: Profile) -> None:
    before = dump(clinic)
    assert len(before["services"]) == 2
    write_profile(clinic, small_profile)
    assert dump(clinic) == before


def test_what_vanished_is_deactivated_and_comes_back(
    clinic: Database, small_profile: Profile
) -> None:
    content = small_profile.content()
    smaller = without(
        small_profile, services=content["services"][:1], clinicians=content["clinicians"][:1]
    )
    write_profile(clinic, smaller)
    with clinic.reading() as session:
        services = dict(session.execute(select(models.Service.code, models.Service.active)).all())
        people = dict(session.execute(select(models.Clinician.code, models.Clinician.active)).all())
    assert services == {"assessment": True, "session": False}
    assert people == {"asha": True, "ravi": False}
    assert current_profile(clinic) == smaller

    write_profile(clinic, small_profile)
    with clinic.reading() as session:
        assert all(session.execute(select(models.Service.active)).scalars())
        assert all(session.execute(select(models.Clinician.active)).scalars())


def test_changed_hours_and_fees_are_written(clinic: Database, small_profile: Profile) -> None:
    content = small_profile.content()
    content["clinicians"][1]["availability"] = {"mon": ["09:00-10:00"], "fri": ["09:00-13:00"]}
    content["services"][1]["fee_rupees"] = 650
    write_profile(clinic, Profile.parse_obj(content))
    with clinic.reading() as session:
        rows = session.execute(
            select(
                models.Availability.weekday, models.Availability.opens, models.Availability.closes
            )
            .join(models.Clinician)
            .where(models.Clinician.code == "ravi")
            .order_by(models.Availability.weekday)
        ).all()
        fee = session.execute(
            select(models.Service.fee_paise).where(models.Service.code == "session")
        ).scalar_one()
    assert rows == [(0, time(9), time(10)), (4, time(9), time(13))]
    assert fee == 65000


def test_closures_of_staff_outlive_those_of_the_file(
    clinic: Database, small_profile: Profile
) -> None:
    with clinic.transaction() as session:
        session.add(models.Closure(day=date(2026, 12, 1), reason="Power cut"))
    write_profile(clinic, without(small_profile, closures=[{"day": "2026-12-02"}]))
    with clinic.reading() as session:
        days = session.execute(select(models.Closure.day).order_by(models.Closure.day)).scalars()
        assert list(days) == [date(2026, 12, 1), date(2026, 12, 2)]
