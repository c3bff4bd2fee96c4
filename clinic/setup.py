"""The profile in the database: written by `sandhi init`, read by every process."""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, List

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from clinic import models
from clinic.database import Database, now
from clinic.profile import Clinician, Profile

ONLY_ROW = 1


class NoProfile(Exception):
    """The database holds no profile yet: `sandhi init` writes it."""


def write_profile(db: Database, profile: Profile) -> None:
    """Make the database say what `profile` says; writing it again changes nothing.

    Services and clinicians that left the file are deactivated and keep their rows, since visits
    refer to them. Closed days that staff entered are kept; those that an earlier profile listed
    and this one does not are opened again.
    """
    with db.transaction() as session:
        _write_services(session, profile)
        _write_clinicians(session, profile)
        _write_closures(session, profile)
        _write_row(session, profile)


def has_profile(session: Session) -> bool:
    """Whether a profile was written yet."""
    return session.get(models.Profile, ONLY_ROW) is not None


def profile_in(session: Session) -> Profile:
    """The profile as last written, parsed once per process and digest.

    Raises:
        NoProfile: if none was written yet.
    """
    digest = session.execute(
        select(models.Profile.digest).where(models.Profile.id == ONLY_ROW)
    ).scalar_one_or_none()
    if digest is None:
        raise NoProfile("no clinic profile in the database: run `sandhi init`")
    known = _parsed().get(digest)
    if known is None:
        row = session.get(models.Profile, ONLY_ROW, populate_existing=True)
        assert row is not None  # noqa: S101 - its digest was just read
        known = Profile.parse_obj(row.content)
        _parsed().clear()
        _parsed()[row.digest] = known
    return known


def current_profile(db: Database) -> Profile:
    """The profile as last written.

    Raises:
        NoProfile: if none was written yet.
    """
    with db.reading() as session:
        return profile_in(session)


@lru_cache(maxsize=1)
def _parsed() -> Dict[str, Profile]:
    return {}


def _write_row(session: Session, profile: Profile) -> None:
    content, digest = profile.content(), profile.digest()
    row = session.get(models.Profile, ONLY_ROW)
    if row is None:
        session.add(models.Profile(id=ONLY_ROW, content=content, digest=digest))
    elif row.digest != digest:
        row.content, row.digest, row.written_at = content, digest, now()


def _write_services(session: Session, profile: Profile) -> None:
    rows = {row.code: row for row in session.execute(select(models.Service)).scalars()}
    for service in profile.services:
        row = rows.pop(service.code, None) or models.Service(code=service.code)
        row.minutes, row.fee_paise, row.active = service.minutes, service.fee_paise, True
        session.add(row)
    for vanished in rows.values():
        vanished.active = False


def _write_clinicians(session: Session, profile: Profile) -> None:
    rows = {row.code: row for row in session.execute(select(models.Clinician)).scalars()}
    for person in profile.clinicians:
        row = rows.pop(person.code, None) or models.Clinician(code=person.code)
        row.gender, row.active = person.gender, True
        session.add(row)
        _write_availability(row, person)
    for vanished in rows.values():
        vanished.active = False


def _write_availability(row: models.Clinician, person: Clinician) -> None:
    wanted = {
        (weekday, span.opens): span.closes
        for weekday in range(7)
        for span in person.availability.on(weekday)
    }
    kept: List[models.Availability] = []
    for standing in row.availability:
        closes = wanted.pop((standing.weekday, standing.opens), None)
        if closes is not None:
            standing.closes = closes
            kept.append(standing)
    new = [
        models.Availability(weekday=weekday, opens=opens, closes=closes)
        for (weekday, opens), closes in wanted.items()
    ]
    if new or len(kept) != len(row.availability):
        row.availability = kept + new


def _write_closures(session: Session, profile: Profile) -> None:
    wanted = {closure.day: closure.reason for closure in profile.closures}
    row = session.get(models.Profile, ONLY_ROW)
    earlier = Profile.parse_obj(row.content).closures if row is not None else []
    vanished = [closure.day for closure in earlier if closure.day not in wanted]
    session.execute(delete(models.Closure).where(models.Closure.day.in_(vanished)))
    for day, reason in wanted.items():
        session.merge(models.Closure(day=day, reason=reason))
