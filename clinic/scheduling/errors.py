"""Why the calendar refuses; messages carry ids and codes only."""

from __future__ import annotations


class SchedulingError(Exception):
    """The calendar refused; nothing was changed."""


class SlotTaken(SchedulingError):
    """Somebody else has the slot, or a part of it."""


class SlotPast(SchedulingError):
    """The slot begins in the past."""


class TooSoon(SchedulingError):
    """The slot begins before the clinic's lead time is over."""


class TooFar(SchedulingError):
    """The slot lies beyond the days that can be booked."""


class ClosedDay(SchedulingError):
    """A public holiday that the clinic keeps, or a closure of its own."""


class OutsideHours(SchedulingError):
    """The slot does not fit the clinician's hours, the service's length or the grid."""


class ClinicianAway(SchedulingError):
    """The clinician is on leave."""


class UnknownService(SchedulingError):
    """No active service has that code."""


class UnknownClinician(SchedulingError):
    """No active clinician has that code, or not for that service."""


class UnknownAppointment(SchedulingError):
    """There is no appointment of that id."""


class NotYours(SchedulingError):
    """The appointment or patient belongs to another contact."""


class NotStanding(SchedulingError):
    """The appointment was cancelled or is over, so it cannot be changed."""


class AppointmentPast(SchedulingError):
    """The appointment has already begun."""


class Moved(SchedulingError):
    """The button speaks of an earlier time of this appointment."""


class HoldExpired(SchedulingError):
    """The slot was held too long ago and has been given back."""


class DifferentService(SchedulingError):
    """A visit can be moved to a slot of the same service only."""


class UnknownCourse(SchedulingError):
    """There is no course of that id, or it is another contact's."""


class CourseFull(SchedulingError):
    """Every session of the course is used or booked."""


class CourseOver(SchedulingError):
    """The course was finished or stopped, or ends before the visit."""


class NotYetBegun(SchedulingError):
    """The visit has not begun, so nobody can have come or stayed away."""


class NoSuchChange(SchedulingError):
    """A visit of that status cannot become what was asked for."""


class UnknownOffer(SchedulingError):
    """There is no waitlist offer of that id, or it is another contact's."""


class OfferOver(SchedulingError):
    """The slot is not kept any more for whom it was offered to."""


class PatientUnsaid(SchedulingError):
    """The contact writes for several patients, and nobody said for whom the slot is."""


class NotWaiting(SchedulingError):
    """The contact is not on the waitlist any more."""


class OfferStands(SchedulingError):
    """The waiting patient has another offer that they have not answered."""


class AskedBefore(SchedulingError):
    """The waiting patient was asked about this slot before."""


class PersonAnswers(SchedulingError):
    """A person has the conversation, so nothing is asked by itself."""


class NoConsent(SchedulingError):
    """The patient has not agreed to care messages, or withdrew that."""


class NotReachable(SchedulingError):
    """WhatsApp would not carry the question: no open window, no approved template."""


class NotAtThisHour(SchedulingError):
    """Patients are not asked about free slots at this time of the day."""
