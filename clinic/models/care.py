"""Patients and their courses."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Integer, String
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId
from clinic.models.contact import Contact


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

    `why_finish` is in the clinician's own words; `expires_on` is the last day of the course.
    """

    __tablename__ = "courses"

    id = Column(BigId, primary_key=True)
    patient_id = Column(BigId, ForeignKey("patients.id"), nullable=False, index=True)
    clinician_id = Column(Integer, ForeignKey("clinicians.id"), nullable=False)
    service_id = Column(Integer, ForeignKey("services.id"), nullable=False)
    sessions = Column(Integer, nullable=False)
    status = Column(String(12), nullable=False, default="active")
    started_at = Column(UtcDateTime, nullable=False, default=now)
    why_finish = Column(EncryptedText)
    expires_on = Column(Date)

    patient = relationship(Patient)
