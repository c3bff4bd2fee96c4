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


class NoSuchChange(SchedulingError):
    """A visit of this status cannot become that."""


class NotYetBegun(SchedulingError):
    """What only becomes true when a visit begins was said before."""
