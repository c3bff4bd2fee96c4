"""The clinic's profile: what `clinic.yml` says, as one checked object.

Everything a patient can be told about the clinic comes from here, and every figure is said in
one place: an answer writes `{fees}`, and `clinic.profile_words` fills it. Faults that concern
one value are found here; those between values in `clinic.profile_checks`; `clinic.profile_file`
reads the file and names the lines.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Any, Dict, List, Optional, Sequence, TypeVar

import phonenumbers
from pydantic import Field, validator

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


class Emergency(Part):
    """The numbers named in a red-flag reply."""

    general: str = Field(..., regex=r"^[0-9]{3,12}$")
    ambulance: str = Field(..., regex=r"^[0-9]{3,12}$")
    mental_health: str = Field(..., regex=r"^[0-9-]{3,14}$")
    mental_health_name: Name


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
    booking: Booking = Field(default_factory=lambda: Booking.parse_obj({}))
    inbox: Inbox = Field(default_factory=lambda: Inbox.parse_obj({}))

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
