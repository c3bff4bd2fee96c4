"""The clinic's profile: what `clinic.yml` says, as one checked object.

Everything a patient can be told about the clinic comes from here, and every figure is said in
one place: an answer writes `{fees}`, and `clinic.profile_words` fills it. Faults that concern
one value are found here; those between values in `clinic.profile_checks`; `clinic.profile_file`
reads the file and names the lines.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, time
from decimal import Decimal
from typing import Any, Dict, List, Optional, Sequence, Tuple, TypeVar

import phonenumbers
from pydantic import Field, validator

from clinic.profile_billing import Billing
from clinic.profile_values import GRID_MINUTES, LANGUAGES, Name, Part, Span, Week, Words

CATEGORY_CODES = (
    "back_neck",
    "knee_hip",
    "shoulder_arm",
    "post_surgery",
    "sports",
    "neuro",
    "other",
)
GENDERS = ("female", "male", "other")
Coded = TypeVar("Coded", "Service", "Clinician", "Category")
CODE = r"^[a-z][a-z0-9_]{0,38}$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
LONGEST_QUIET_HOURS = 16


class Pin(Part):
    """Where the clinic is on the map, degrees in WGS 84."""

    lat: float = Field(..., ge=-90, le=90)
    lon: float = Field(..., ge=-180, le=180)


class Holidays(Part):
    """Public holidays by the `holidays` library; `open_on` names those the clinic works on."""

    country: str
    subdivision: Optional[str] = None
    open_on: List[str] = Field(default_factory=list)


class ClosedDay(Part):
    """A day on which the clinic is closed for a reason of its own."""

    day: date
    reason: Optional[str] = Field(None, max_length=120)


class Service(Part):
    """Something that can be booked."""

    code: str = Field(..., regex=CODE)
    name: Words
    minutes: int = Field(..., ge=5, le=240)
    fee_rupees: Decimal = Field(..., ge=0, le=100000, decimal_places=2)
    home_visit: bool = False
    new_patients: bool = False

    @property
    def fee_paise(self) -> int:
        """The fee in paise."""
        return int(self.fee_rupees * 100)


class Clinician(Part):
    """A physiotherapist and the weekly hours that can be booked."""

    code: str = Field(..., regex=CODE)
    name: Name
    title: Words
    qualification: str = Field(..., max_length=60)
    gender: str
    languages: List[str] = Field(..., min_items=1)
    services: List[str] = Field(..., min_items=1)
    availability: Week

    @validator("gender")
    def _known_gender(cls, value: str) -> str:
        if value not in GENDERS:
            raise ValueError(f"must be one of {', '.join(GENDERS)}")
        return value


class Category(Part):
    """What a patient may say the visit is about; a category is not a diagnosis."""

    code: str
    name: Words
    clinicians: List[str] = Field(default_factory=list)


class Faq(Part):
    """The answers to questions that are not clinical, with {placeholders}."""

    location: Words
    timings: Words
    price: Words
    what_to_bring: Words
    parking: Words
    payment_methods: Words
    insurance: Words
    home_visit: Words
    session_duration: Words
    staff: Words
    documents: Words
    assessment: Words


class Emergency(Part):
    """The numbers named in a red-flag reply."""

    general: str = Field(..., regex=r"^[0-9]{3,12}$")
    ambulance: str = Field(..., regex=r"^[0-9]{3,12}$")
    mental_health: str = Field(..., regex=r"^[0-9-]{3,14}$")
    mental_health_name: Name


class Privacy(Part):
    """What the privacy notice names: its version, and to whom a patient may complain."""

    notice_version: str = Field(..., regex=r"^[0-9A-Za-z.-]{1,20}$")
    grievance_officer: Name
    grievance_email: str = Field(..., regex=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class ResponseTargets(Part):
    """Minutes of opening time in which staff mean to take up a handoff."""

    urgent_minutes: int = Field(..., ge=1, le=1440)
    high_minutes: int = Field(..., ge=1, le=1440)
    normal_minutes: int = Field(..., ge=1, le=2880)


class Booking(Part):
    """The rules of the calendar."""

    slot_step_minutes: int = Field(15, ge=15, le=240)
    horizon_days: int = Field(21, ge=1, le=180)
    lead_minutes: int = Field(60, ge=0, le=10080)
    hold_minutes: int = Field(10, ge=1, le=120)
    cancel_notice_hours: int = Field(4, ge=0, le=168)
    late_cancel_hours: int = Field(4, ge=0, le=168)
    no_show_uses_session: bool = False
    waitlist_minutes: int = Field(30, ge=5, le=1440)
    waitlist_hours: Span = Span("08:00-21:00")

    @validator("slot_step_minutes")
    def _on_the_grid(cls, value: int) -> int:
        if value % GRID_MINUTES:
            raise ValueError(f"must be a multiple of {GRID_MINUTES}")
        return value


class Reminders(Part):
    """When the clinic writes of its own accord.

    Nothing but answers goes from `quiet_from` to `quiet_until`, local times written `21:00`.
    A nudge asks a patient back to a course that has sessions left and none booked.
    """

    quiet_from: str = Field("21:00", regex=CLOCK)
    quiet_until: str = Field("08:00", regex=CLOCK)
    hour_before_minutes: int = Field(60, ge=15, le=360)
    nudge_after_days: int = Field(5, ge=1, le=60)
    nudges_per_course: int = Field(2, ge=0, le=5)
    missed_after_hours: int = Field(2, ge=0, le=72)

    @validator("quiet_until")
    def _leaves_time_to_write(cls, value: str, values: Dict[str, Any]) -> str:
        begins = values.get("quiet_from")
        if begins is None:
            return value
        hours = (_minutes(value) - _minutes(begins)) % 1440 / 60
        if not 0 < hours <= LONGEST_QUIET_HOURS:
            raise ValueError(
                f"must be after quiet_from, by at most {LONGEST_QUIET_HOURS} hours, else hardly "
                "any reminder could go"
            )
        return value

    @property
    def quiet(self) -> Tuple[time, time]:
        """The quiet hours, [from, until), local; past midnight where `until` is the earlier."""
        return time.fromisoformat(self.quiet_from), time.fromisoformat(self.quiet_until)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


class Inbox(Part):
    """Who of the staff may read what."""

    front_desk_sees_clinical: bool = False


class Profile(Part):
    """A clinic."""

    name: Name
    address: Name
    pin: Pin
    phone: str
    email: Optional[str] = Field(None, regex=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    time_zone: str = "Asia/Kolkata"
    languages: List[str] = Field(default_factory=lambda: list(LANGUAGES), min_items=1)
    hours: Week
    holidays: Optional[Holidays] = None
    closures: List[ClosedDay] = Field(default_factory=list)
    services: List[Service] = Field(..., min_items=1, max_items=10)
    clinicians: List[Clinician] = Field(..., min_items=1)
    categories: List[Category] = Field(..., min_items=1, max_items=10)
    faq: Faq
    emergency: Emergency
    response_targets: ResponseTargets
    privacy: Privacy
    booking: Booking = Field(default_factory=lambda: Booking.parse_obj({}))
    reminders: Reminders = Field(default_factory=lambda: Reminders.parse_obj({}))
    inbox: Inbox = Field(default_factory=lambda: Inbox.parse_obj({}))
    billing: Optional[Billing] = None

    @validator("phone")
    def _reachable(cls, value: str) -> str:
        wrong = "must be a phone number with its country code, such as '+91 90000 00100'"
        try:
            number = phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            raise ValueError(wrong) from None
        if not phonenumbers.is_valid_number(number):
            raise ValueError(wrong)
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    def service(self, code: str) -> Service:
        """The service of that code.

        Raises:
            KeyError: if there is none.
        """
        return _by_code(self.services, code)

    def clinician(self, code: str) -> Clinician:
        """The clinician of that code.

        Raises:
            KeyError: if there is none.
        """
        return _by_code(self.clinicians, code)

    def category(self, code: str) -> Category:
        """The complaint category of that code.

        Raises:
            KeyError: if there is none.
        """
        return _by_code(self.categories, code)

    def services_for(self, new_patient: bool) -> List[Service]:
        """What this patient may book without asking a person, in the order of the file."""
        return [service for service in self.services if service.new_patients or not new_patient]

    def content(self) -> Dict[str, Any]:
        """The profile as plain JSON values, from which `Profile.parse_obj` makes it again."""
        return dict(json.loads(self.json()))

    def digest(self) -> str:
        """SHA-256 of the content, hex."""
        text = json.dumps(self.content(), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _by_code(items: Sequence[Coded], code: str) -> Coded:
    for item in items:
        if item.code == code:
            return item
    raise KeyError(code)
