"""Every table of the clinic database."""

from clinic.models.base import Base
from clinic.models.care import Course, Patient
from clinic.models.consent import Consent, Guardian, NoticeGiven, Referral
from clinic.models.contact import Contact, DeadLetter, DoneWork, Tracker
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
    "Clinician",
    "Closure",
    "Consent",
    "Contact",
    "Course",
    "DeadLetter",
    "DoneWork",
    "Guardian",
    "Handoff",
    "Leave",
    "Message",
    "NoticeGiven",
    "Offer",
    "Patient",
    "Profile",
    "Referral",
    "Service",
    "SlotCell",
    "Tracker",
]
