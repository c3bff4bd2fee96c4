"""Every table of the clinic database."""

from clinic.models.audit import AuditEntry
from clinic.models.base import Base
from clinic.models.care import Course, Patient
from clinic.models.contact import Contact, DeadLetter, DoneWork, Tracker
from clinic.models.handoff import Handoff
from clinic.models.message import Message, Offer
from clinic.models.outgoing import ChatwootLink, Webhook, WebhookDelivery
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
from clinic.models.staff import ApiToken, Staff

__all__ = [
    "ApiToken",
    "Appointment",
    "AuditEntry",
    "Availability",
    "Base",
    "ChatwootLink",
    "Clinician",
    "Closure",
    "Contact",
    "Course",
    "DeadLetter",
    "DoneWork",
    "Handoff",
    "Leave",
    "Message",
    "Offer",
    "Patient",
    "Profile",
    "Service",
    "SlotCell",
    "Staff",
    "Tracker",
    "Webhook",
    "WebhookDelivery",
]
