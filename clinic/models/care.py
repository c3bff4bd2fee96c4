"""Patients and their courses."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Integer, String
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId
from clinic.models.contact import Contact

ACTIVE, FINISHED, EXPIRED, STOPPED = "active", "finished", "expired", "stopped"
PACKAGE, PER_SESSION = "package", "session"
PRICINGS = (PACKAGE, PER_SESSION)


class Patient(Base):
    """A person treated; a contact may write for more than one."""

    __tablename__ = "patients"

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False, index=True)
    name = Column(EncryptedText, nullable=False)
    note = Column(EncryptedText)
    created_at = Column(UtcDateTime, nullable=False, default=now)

    contact = relationship(Contact)


class Course(Base):
    """A course of sessions that a clinician prescribed for a patient.

    `expect` and `why_finish` are the clinician's own words, for the patient to read. `price_paise`
    is for the whole course where `pricing` is `package`, for one session where it is `session`.
    The last day of the course is `expires_on`, the clinic's local day. `delivered_at` is when the
    plan was put in the outbox; whether it arrived, its message says.
    """

    __tablename__ = "courses"

    id = Column(BigId, primary_key=True)
    patient_id = Column(BigId, ForeignKey("patients.id"), nullable=False, index=True)
    clinician_id = Column(Integer, ForeignKey("clinicians.id"), nullable=False)
    service_id = Column(Integer, ForeignKey("services.id"), nullable=False)
    sessions = Column(Integer, nullable=False)
    per_week = Column(Integer)
    expect = Column(EncryptedText)
    why_finish = Column(EncryptedText)
    price_paise = Column(Integer)
    pricing = Column(String(8))
    expires_on = Column(Date)
    authored_by = Column(String(120))
    authored_at = Column(UtcDateTime)
    delivered_at = Column(UtcDateTime)
    status = Column(String(12), nullable=False, default=ACTIVE)
    started_at = Column(UtcDateTime, nullable=False, default=now)

    patient = relationship(Patient)
    clinician = relationship("Clinician")
    service = relationship("Service")
