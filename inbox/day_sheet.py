"""One day of the clinic as a table: a column for each physiotherapist, a row for each quarter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.attendance import is_running_late
from clinic.models import Appointment
from clinic.models.schedule import CANCELLED, HELD
from clinic.scheduling.grid import CELL
from clinic.scheduling.rules import Calendar, read_calendar
from inbox.card import clinician_name, service_name

# what a row of the table says of a quarter of an hour
FREE, VISIT, HELD_SLOT, LEAVE, OFF, GAP = "free", "visit", "held", "leave", "off", "gap"


@dataclass(frozen=True)
class Cell:
    """A part of one column: `span` rows of one `kind`; `visit` for a visit."""

    kind: str
    starts_at: datetime
    span: int
    visit: Any = None
    service: str = ""
    patient: str = ""

    @property
    def late(self) -> bool:
        """Whether the patient said they come late."""
        return self.kind == VISIT and is_running_late(self.visit)


@dataclass(frozen=True)
class Column:
    """A physiotherapist's day; `cells` by the number of the row in which they begin."""

    code: str
    name: str
    cells: Dict[int, Cell]
    visits: int


@dataclass(frozen=True)
class Sheet:
    """A day: `rows` are the beginnings of the quarters, UTC; none where nobody works."""

    day: date
    closed: bool
    rows: List[datetime]
    columns: List[Column]

    def row_at(self, moment: datetime) -> Optional[int]:
        """The number of the row in which `moment` is; None where it is in none."""
        inside = [number for number, begins in enumerate(self.rows) if begins <= moment]
        return inside[-1] if inside and moment < self.rows[-1] + CELL else None


def read_sheet(session: Session, day: date, moment: datetime, only: Optional[str] = None) -> Sheet:
    """The day's sheet (of one physiotherapist), free slots as of `moment`.

    Raises:
        clinic.setup.NoProfile: if no profile was written yet.
    """
    calendar = read_calendar(session, day, day)
    people = [one for one in calendar.profile.clinicians if one.code in calendar.clinicians]
    if only is not None:
        people = [one for one in people if one.code == only] or people
    visits = _visits(session, calendar, day, moment)
    rows = _rows(calendar, day, visits)
    columns = []
    for person in people:
        clinician_id = calendar.clinicians[person.code].id
        own = visits.get(clinician_id, [])
        cells = _cells(calendar, day, clinician_id, rows, own, moment)
        count = sum(1 for cell in cells.values() if cell.kind == VISIT)
        columns.append(
            Column(person.code, clinician_name(calendar.profile, person.code), cells, count)
        )
    return Sheet(day, calendar.is_closed(day), rows, columns)


def _visits(
    session: Session, calendar: Calendar, day: date, moment: datetime
) -> Dict[int, List[Appointment]]:
    begins = datetime.combine(day, datetime.min.time(), calendar.zone)
    found: Dict[int, List[Appointment]] = {}
    for row in session.execute(
        select(Appointment)
        .where(
            Appointment.starts_at >= begins,
            Appointment.starts_at < begins + timedelta(days=1),
            Appointment.status != CANCELLED,
        )
        .order_by(Appointment.starts_at, Appointment.id)
    ).scalars():
        if row.status == HELD and (row.held_until is None or row.held_until <= moment):
            continue
        found.setdefault(row.clinician_id, []).append(row)
    return found


def _rows(calendar: Calendar, day: date, visits: Dict[int, List[Appointment]]) -> List[datetime]:
    spans = (
        []
        if calendar.is_closed(day)
        else [span for row in calendar.clinicians.values() for span in calendar.spans(row.id, day)]
    )
    spans += [(row.starts_at, row.ends_at) for rows in visits.values() for row in rows]
    if not spans:
        return []
    first = min(begins for begins, _ends in spans)
    last = max(ends for _begins, ends in spans)
    first -= timedelta(minutes=first.minute % 15)
    count = -((first - last) // CELL)
    return [first + CELL * number for number in range(count)]


def _cells(
    calendar: Calendar,
    day: date,
    clinician_id: int,
    rows: List[datetime],
    visits: List[Appointment],
    moment: datetime,
) -> Dict[int, Cell]:
    kinds: List[Tuple[str, Any]] = [
        _kind(calendar, day, clinician_id, begins, visits, moment) for begins in rows
    ]
    cells: Dict[int, Cell] = {}
    number = 0
    while number < len(rows):
        kind, what = kinds[number]
        end = number + 1
        while end < len(rows) and kinds[end] == kinds[number]:
            end += 1
        visit = what if kind in (VISIT, HELD_SLOT) else None
        cells[number] = Cell(
            kind,
            visit.starts_at if visit is not None else rows[number],
            end - number,
            visit,
            service_name(calendar.profile, visit.service.code) if visit is not None else "",
            str(visit.patient.name) if visit is not None and visit.patient is not None else "",
        )
        number = end
    return cells


def _kind(
    calendar: Calendar,
    day: date,
    clinician_id: int,
    begins: datetime,
    visits: List[Appointment],
    moment: datetime,
) -> Tuple[str, Any]:
    """What one quarter is; quarters of equal kind and thing become one cell."""
    ends = begins + CELL
    for visit in visits:
        if visit.starts_at < ends and begins < visit.ends_at:
            return (HELD_SLOT if visit.status == HELD else VISIT), visit
    if calendar.is_closed(day):
        return OFF, None
    spans = calendar.spans(clinician_id, day)
    inside = any(opens <= begins and ends <= closes for opens, closes in spans)
    if not inside:
        return OFF, None
    if calendar.is_away(clinician_id, begins, ends):
        return LEAVE, None
    local = begins.astimezone(calendar.zone)
    step = calendar.profile.booking.slot_step_minutes
    start = begins - timedelta(minutes=(local.hour * 60 + local.minute) % step)
    # a piece of time behind a visit that is on no slot's beginning cannot be booked
    works = any(opens <= start < closes for opens, closes in spans)
    bookable = (
        works
        and start > moment
        and not any(visit.starts_at < start + CELL and start < visit.ends_at for visit in visits)
    )
    return (FREE, start) if bookable else (GAP, None)
