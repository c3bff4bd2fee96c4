"""Every table of the clinic database."""

from clinic.models.base import Base
from clinic.models.care import Course, Patient
from clinic.models.contact import Contact, DeadLetter, DoneWork, Tracker
from clinic.models.desk import CannedReply, Note, StoredFile
from clinic.models.handoff import Handoff
from clinic.models.message import Message, Offer
from clinic.models.schedule import (
    Appointment,
    Availability,
    Clinician,
    Closure,
    Leave,
    Profile,
    Service,
    SlotCell,
)

__all__ = [
    "Appointment",
    "Availability",
    "Base",
    "CannedReply",
    "Clinician",
    "Closure",
    "Contact",
    "Course",
    "DeadLetter",
    "DoneWork",
    "Handoff",
    "Leave",
    "Message",
    "Note",
    "Offer",
    "Patient",
    "Profile",
    "Service",
    "SlotCell",
    "StoredFile",
    "Tracker",
]
