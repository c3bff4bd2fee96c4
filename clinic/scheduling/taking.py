"""Taking and giving back cells: the one place where a race for a slot is decided."""

from __future__ import annotations

from datetime import datetime
from typing import Iterable, List

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from clinic.models import Appointment, SlotCell
from clinic.models.schedule import CANCELLED, HELD
from clinic.scheduling.errors import SlotTaken
from clinic.scheduling.grid import cells

SYSTEM = "system"
HOLD_EXPIRED = "hold_expired"
POSTGRES_DEADLOCK = "40P01"


def take(session: Session, appointment: Appointment, now: datetime) -> None:
    """Give `appointment` exactly the cells of its clinician and time.

    New cells are taken before old ones are given back, so that whoever loses keeps the old
    slot, and two people who swap slots cannot wait for each other.

    Raises:
        SlotTaken: if another appointment has one of them; nothing was changed.
    """
    wanted = cells(appointment.starts_at, appointment.ends_at)
    clinician_id = appointment.clinician_id
    own = session.execute(
        select(SlotCell.clinician_id, SlotCell.starts_at).where(
            SlotCell.appointment_id == appointment.id
        )
    ).all()
    kept = {starts_at for holder, starts_at in own if holder == clinician_id}
    new = [starts_at for starts_at in wanted if starts_at not in kept]
    _free_expired(session, clinician_id, new, now)
    if new:
        rows = [
            {
                "clinician_id": clinician_id,
                "starts_at": starts_at,
                "appointment_id": appointment.id,
            }
            for starts_at in new
        ]
        try:
            with session.begin_nested():
                session.execute(insert(SlotCell), rows)
        except IntegrityError:
            raise SlotTaken(f"appointment {appointment.id}") from None
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) == POSTGRES_DEADLOCK:
                raise SlotTaken(f"appointment {appointment.id}") from None
            raise
    for holder, starts_at in own:
        if holder != clinician_id or starts_at not in wanted:
            session.execute(
                delete(SlotCell).where(
                    SlotCell.clinician_id == holder, SlotCell.starts_at == starts_at
                )
            )


def give_back(session: Session, appointment_ids: Iterable[int]) -> None:
    """Free every cell of these appointments."""
    session.execute(delete(SlotCell).where(SlotCell.appointment_id.in_(list(appointment_ids))))


def expire(session: Session, held: Iterable[Appointment]) -> List[int]:
    """End these holds: cancelled, one version on, cells free; their ids."""
    ids = []
    for appointment in held:
        appointment.status = CANCELLED
        appointment.cancelled_by = SYSTEM
        appointment.cancel_reason = HOLD_EXPIRED
        appointment.version += 1
        ids.append(int(appointment.id))
    session.flush()
    give_back(session, ids)
    return ids


def _free_expired(
    session: Session, clinician_id: int, wanted: List[datetime], now: datetime
) -> None:
    in_the_way = (
        select(SlotCell.appointment_id)
        .where(SlotCell.clinician_id == clinician_id, SlotCell.starts_at.in_(wanted))
        .distinct()
    )
    expired = (
        select(Appointment)
        .where(
            Appointment.id.in_(in_the_way),
            Appointment.status == HELD,
            Appointment.held_until <= now,
        )
        .order_by(Appointment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    expire(session, session.execute(expired).scalars().all())
