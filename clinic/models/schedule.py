"""Who works when, what can be booked, and what is booked."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedJson, EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId

HELD, BOOKED, CONFIRMED, ARRIVED = "held", "booked", "confirmed", "arrived"
COMPLETED, NO_SHOW, CANCELLED = "completed", "no_show", "cancelled"
APPOINTMENT_STATUSES = (HELD, BOOKED, CONFIRMED, ARRIVED, COMPLETED, NO_SHOW, CANCELLED)
STANDING = (BOOKED, CONFIRMED)
# what takes up a session of a course and is not over
TO_COME = (BOOKED, CONFIRMED, ARRIVED)
# why a visit was cancelled, where that was not the patient's doing
CLINICS_REASONS = ("clinic", "wrong")


class Profile(Base):
    """The clinic's profile as last written by `sandhi init` (one row, id 1)."""

    __tablename__ = "profile"

    id = Column(Integer, primary_key=True)
    content = Column(EncryptedJson, nullable=False)
    digest = Column(String(64), nullable=False)
    written_at = Column(UtcDateTime, nullable=False, default=now)


class Service(Base):
    """Something that can be booked; `code` is its name in clinic.yml. The fee is in paise."""

    __tablename__ = "services"

    id = Column(Integer, primary_key=True)
    code = Column(String(40), nullable=False, unique=True)
    minutes = Column(Integer, nullable=False)
    fee_paise = Column(Integer, nullable=False)
    active = Column(Boolean, nullable=False, default=True)


class Clinician(Base):
    """Who treats; `code` is the name in clinic.yml. Names and titles stay in the profile."""

    __tablename__ = "clinicians"

    id = Column(Integer, primary_key=True)
    code = Column(String(40), nullable=False, unique=True)
    gender = Column(String(8))
    active = Column(Boolean, nullable=False, default=True)

    availability = relationship(
        "Availability", back_populates="clinician", cascade="all, delete-orphan"
    )


class Availability(Base):
    """A weekly span of work, in the clinic's time zone; weekday 0 is Monday."""

    __tablename__ = "availability"
    __table_args__ = (UniqueConstraint("clinician_id", "weekday", "opens"),)

    id = Column(Integer, primary_key=True)
    clinician_id = Column(Integer, ForeignKey("clinicians.id"), nullable=False)
    weekday = Column(Integer, nullable=False)
    opens = Column(Time, nullable=False)
    closes = Column(Time, nullable=False)

    clinician = relationship(Clinician, back_populates="availability")


class Leave(Base):
    """A clinician is away, [starts_at, ends_at)."""

    __tablename__ = "leaves"

    id = Column(BigId, primary_key=True)
    clinician_id = Column(Integer, ForeignKey("clinicians.id"), nullable=False, index=True)
    starts_at = Column(UtcDateTime, nullable=False)
    ends_at = Column(UtcDateTime, nullable=False)
    note = Column(EncryptedText)


class Closure(Base):
    """A day on which the clinic is closed, beside the public holidays of the profile."""

    __tablename__ = "closures"

    day = Column(Date, primary_key=True)
    reason = Column(String(120))


class Appointment(Base):
    """A visit. `version` rises with every change of time or status.

    `time_version` is the version at which its time was last set: a button carrying an older
    one speaks of a visit that has since moved, while confirming attendance outdates no button.
    A `held` row keeps its slot while the patient confirms, until `held_until`; `held_for` says
    for what, where it is not the booking that the patient is in the midst of.
    `cancelled_late` says that a cancellation came within the clinic's `late_cancel_hours`.
    `created_at` is when it was booked; of a held one, when the slot was kept.
    """

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{s}'" for s in APPOINTMENT_STATUSES)),
            name="status",
        ),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index("ix_appointments_contact_id_starts_at", "contact_id", "starts_at"),
        Index("ix_appointments_clinician_id_starts_at", "clinician_id", "starts_at"),
        Index(
            "ix_appointments_held_until",
            "held_until",
            sqlite_where=text("status = 'held'"),
            postgresql_where=text("status = 'held'"),
        ),
    )

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False)
    patient_id = Column(BigId, ForeignKey("patients.id"))
    clinician_id = Column(Integer, ForeignKey("clinicians.id"), nullable=False)
    service_id = Column(Integer, ForeignKey("services.id"), nullable=False)
    course_id = Column(BigId, ForeignKey("courses.id"))
    category = Column(String(20))
    starts_at = Column(UtcDateTime, nullable=False)
    ends_at = Column(UtcDateTime, nullable=False)
    status = Column(String(10), nullable=False)
    version = Column(Integer, nullable=False, default=1)
    time_version = Column(Integer, nullable=False, default=1)
    held_until = Column(UtcDateTime)
    held_for = Column(String(12))
    cancelled_by = Column(String(40))
    cancel_reason = Column(String(40))
    cancelled_at = Column(UtcDateTime)
    cancelled_late = Column(Boolean)
    note = Column(EncryptedText)
    created_at = Column(UtcDateTime, nullable=False, default=now)

    contact = relationship("Contact")
    patient = relationship("Patient")
    clinician = relationship(Clinician)
    service = relationship(Service)


class SlotCell(Base):
    """One piece of a clinician's time, taken by one appointment.

    An appointment takes every cell (`clinic.scheduling.slots.CELL` long) it overlaps; the primary
    key is what lets a slot be booked only once, whoever races for it, on either database.
    """

    __tablename__ = "slot_cells"

    clinician_id = Column(Integer, ForeignKey("clinicians.id"), primary_key=True)
    starts_at = Column(UtcDateTime, primary_key=True)
    appointment_id = Column(
        BigId, ForeignKey("appointments.id", ondelete="CASCADE"), nullable=False, index=True
    )
