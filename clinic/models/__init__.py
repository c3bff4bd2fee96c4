"""Every table of the clinic database."""

from clinic.models.announcement import Announcement
from clinic.models.attendance import AttendanceMark
from clinic.models.audit import AuditEntry
from clinic.models.base import Base
from clinic.models.bills import Bill, BillCounter, BillLine, Payment
from clinic.models.care import Course, Patient
from clinic.models.consent import Consent, Guardian, NoticeGiven, Referral
from clinic.models.contact import Contact, DeadLetter, DoneWork, Tracker
from clinic.models.desk import CannedReply, Note, StoredFile
from clinic.models.exercises import Exercise, ExerciseOccasion, ExerciseProgramme
from clinic.models.feed import CalendarFeed
from clinic.models.handoff import Handoff
from clinic.models.message import Message, Offer
from clinic.models.outgoing import ChatwootLink, Webhook, WebhookDelivery
from clinic.models.reminders import MessageTemplate, Nudge, Reminder
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
from clinic.models.waiting import SlotOffer, WaitingPatient

__all__ = [
    "Announcement",
    "ApiToken",
    "Appointment",
    "AttendanceMark",
    "AuditEntry",
    "Availability",
    "Base",
    "Bill",
    "BillCounter",
    "BillLine",
    "CalendarFeed",
    "CannedReply",
    "ChatwootLink",
    "Clinician",
    "Closure",
    "Consent",
    "Contact",
    "Course",
    "DeadLetter",
    "DoneWork",
    "Exercise",
    "ExerciseOccasion",
    "ExerciseProgramme",
    "Guardian",
    "Handoff",
    "Leave",
    "Message",
    "MessageTemplate",
    "Note",
    "NoticeGiven",
    "Nudge",
    "Offer",
    "Patient",
    "Payment",
    "Profile",
    "Referral",
    "Reminder",
    "Service",
    "SlotCell",
    "SlotOffer",
    "Staff",
    "StoredFile",
    "Tracker",
    "WaitingPatient",
    "Webhook",
    "WebhookDelivery",
]
