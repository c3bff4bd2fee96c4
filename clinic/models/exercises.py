"""Exercises that a patient does at home: a physiotherapist's programme, and what became of it."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import relationship

from clinic.crypto import EncryptedText
from clinic.database import UtcDateTime, now
from clinic.models.base import Base, BigId
from clinic.models.care import Patient
from clinic.models.contact import Contact
from clinic.models.desk import StoredFile

ACTIVE, PAUSED, ENDED = "active", "paused", "ended"
PROGRAMME_STATUSES = (ACTIVE, PAUSED, ENDED)
DONE, PARTLY, HURTS = "done", "partly", "hurts"
ANSWERS = (DONE, PARTLY, HURTS)
# why a programme rests: the patient said that it hurts, or staff chose so
BY_PATIENT, BY_STAFF = "hurts", "staff"
PAUSE_REASONS = (BY_PATIENT, BY_STAFF)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class ExerciseProgramme(Base):
    """What a physiotherapist gave a patient to do at home, and when they are reminded of it.

    `first_day` and `last_day` are the clinic's local days; `times` its local times of day
    (`07:00,19:00`), `weekdays` the days of the week as digits, 0 for Monday (`024`). `version`
    rises when any of it is written anew, so that a button knows what it was about.
    """

    __tablename__ = "exercise_programmes"
    __table_args__ = (
        _one_of("status", PROGRAMME_STATUSES),
        _one_of("paused_for", PAUSE_REASONS),
        CheckConstraint("last_day >= first_day", name="last_after_first"),
    )

    id = Column(BigId, primary_key=True)
    contact_id = Column(BigId, ForeignKey("contacts.id"), nullable=False, index=True)
    patient_id = Column(BigId, ForeignKey("patients.id"), nullable=False, index=True)
    course_id = Column(BigId, ForeignKey("courses.id"))
    written_by = Column(String(120), nullable=False)
    written_at = Column(UtcDateTime, nullable=False, default=now)
    first_day = Column(Date, nullable=False)
    last_day = Column(Date, nullable=False)
    times = Column(String(20), nullable=False)
    weekdays = Column(String(7), nullable=False)
    status = Column(String(8), nullable=False, default=ACTIVE)
    paused_for = Column(String(8))
    paused_at = Column(UtcDateTime)
    version = Column(Integer, nullable=False, default=1)

    contact = relationship(Contact)
    patient = relationship(Patient)
    exercises = relationship(
        "Exercise", order_by="Exercise.position", cascade="all, delete-orphan"
    )


class Exercise(Base):
    """One exercise of a programme, in the clinician's own words; `dose` is "10 times, twice"."""

    __tablename__ = "exercises"
    __table_args__ = (UniqueConstraint("programme_id", "position"),)

    id = Column(BigId, primary_key=True)
    programme_id = Column(BigId, ForeignKey("exercise_programmes.id"), nullable=False)
    position = Column(Integer, nullable=False)
    title = Column(EncryptedText, nullable=False)
    instructions = Column(EncryptedText, nullable=False)
    dose = Column(EncryptedText)
    file_id = Column(BigId, ForeignKey("stored_files.id"), index=True)

    file = relationship(StoredFile)


class ExerciseOccasion(Base):
    """One time at which a programme is to be reminded of, and what the patient answered.

    `at` is the local time of day (`07:00`), `message_id` the outbox row planned for it, `version`
    that of the programme when it went (null before). `answered_by` is the patient's tap.
    """

    __tablename__ = "exercise_occasions"
    __table_args__ = (
        _one_of("answer", ANSWERS),
        UniqueConstraint("message_id"),
    )

    programme_id = Column(BigId, ForeignKey("exercise_programmes.id"), primary_key=True)
    day = Column(Date, primary_key=True)
    at = Column(String(5), primary_key=True)
    message_id = Column(BigId, ForeignKey("messages.id"), nullable=False)
    version = Column(Integer)
    answer = Column(String(8))
    answered_at = Column(UtcDateTime)
    answered_by = Column(BigId, ForeignKey("messages.id"))
