"""Who waits for a slot to become free, and which were offered to them."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    String,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId
from clinic.models.contact import Contact
from clinic.models.schedule import Appointment

WAITING, SERVED, LEFT, LAPSED = "waiting", "served", "left", "lapsed"
WAIT_STATUSES = (WAITING, SERVED, LEFT, LAPSED)
OPEN, ACCEPTED, DECLINED, OVER = "open", "accepted", "declined", "over"
OFFER_STATUSES = (OPEN, ACCEPTED, DECLINED, OVER)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class WaitingPatient(Base):
    """A contact who wants to be told of a free slot, and what it has to be like.

    Days and times are the clinic's local ones, `day_from` to `day_to` both included; the slot
    begins at or after `after` and before `before`. What is None does not matter.
    A row is `waiting` until it is `served` by a booking, `left` by the patient, or `lapsed`
    because its last day is over. `seen_appointment_id` is the contact's newest appointment when
    the row was written: a visit booked later ends the waiting. `patient_name` is whom the visit
    is for, where that is known already.
    """

    __tablename__ = "waiting_patients"
    __table_args__ = (
        _one_of("status", WAIT_STATUSES),
        Index(
            "ix_waiting_patients_queue",
            "joined_at",
            "id",
            sqlite_where=text("status = 'waiting'"),
            postgresql_where=text("status = 'waiting'"),
        ),
    )

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False, index=True)
    patient_name = Column(EncryptedText)
    service = Column(String(40), nullable=False)
    category = Column(String(20))
    day_from = Column(Date, nullable=False)
    day_to = Column(Date, nullable=False)
    after = Column(Time)
    before = Column(Time)
    clinician = Column(String(40))
    gender = Column(String(8))
    status = Column(String(8), nullable=False, default=WAITING)
    seen_appointment_id = Column(BigId, nullable=False, default=0)
    joined_at = Column(UtcDateTime, nullable=False, default=now)
    ended_at = Column(UtcDateTime)

    contact = relationship(Contact)


class SlotOffer(Base):
    """A free slot that is kept for one waiting patient while they decide.

    The slot is kept by `appointment_id`, a held appointment. The same slot is offered to the same
    waiting patient once (a unique key), so that whoever says no is not asked again.
    """

    __tablename__ = "slot_offers"
    __table_args__ = (
        _one_of("status", OFFER_STATUSES),
        UniqueConstraint("waiting_id", "slot_key"),
        Index(
            "ix_slot_offers_open",
            "waiting_id",
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )

    id = Column(BigId, primary_key=True)
    waiting_id = Column(BigId, ForeignKey("waiting_patients.id"), nullable=False)
    slot_key = Column(String(120), nullable=False)
    appointment_id = Column(BigId, ForeignKey("appointments.id"), nullable=False, index=True)
    status = Column(String(8), nullable=False, default=OPEN)
    offered_at = Column(UtcDateTime, nullable=False, default=now)
    answered_at = Column(UtcDateTime)

    waiting = relationship(WaitingPatient)
    appointment = relationship(Appointment)
