"""The shapes of the API: what it takes (checked) and what it gives (described)."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any, List, Literal, Optional, Union

import phonenumbers
from pydantic import BaseModel, Extra, Field, StrictBool, StrictStr, validator
from pydantic.datetime_parse import parse_datetime

from clinic.staff_replies import LONGEST_NAME, LONGEST_TEXT

LARGEST_ID = 2**63 - 1
MOST_ITEMS = 200
HOME_REGION = "IN"
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)", re.I)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
YEARS = range(2000, 2100)

Reason = Literal["clinical", "red_flag", "media", "request", "unsure", "failure"]
Priority = Literal["urgent", "high", "normal"]
Direction = Literal["in", "out"]
Status = Literal["open", "claimed", "resolved"]
# as `inbox.desk.OUTCOMES_OF_STAFF`; a test keeps them the same
Outcome = Literal[
    "answered", "booked", "called", "referred", "no_reply", "bot_should_have_answered", "other"
]
# every status of an appointment but `held`
AppointmentStatus = Literal["booked", "confirmed", "arrived", "completed", "no_show", "cancelled"]


class Asked(BaseModel):
    """Something a caller sends: unknown names are refused, so that a typing error is heard."""

    class Config:
        extra = Extra.forbid

    @validator("*", pre=True)
    def _writable(cls, value: Any) -> Any:
        if isinstance(value, str):
            if any("\ud800" <= sign <= "\udfff" for sign in value):
                raise ValueError("half a character (a lone surrogate) cannot be stored")
            if any(ord(sign) < 32 and sign not in "\n\r\t" for sign in value):
                raise ValueError("control characters are not taken")
        return value


def tidy_name(value: Optional[str]) -> Optional[str]:
    """A name on one line, without doubled blanks.

    Raises:
        ValueError: if nothing is left, or it is longer than 80 characters.
    """
    if value is None:
        return None
    name = " ".join(value.split())
    if not name or len(name) > LONGEST_NAME:
        raise ValueError(f"give a name of 1 to {LONGEST_NAME} characters")
    return name


def read_phone(value: Optional[str]) -> Optional[str]:
    """A phone number as E.164; one without a country code is taken as Indian.

    Raises:
        ValueError: if it cannot be a phone number.
    """
    if value is None:
        return None
    # in a query string an unescaped + arrives as a blank
    text = re.sub(r"^ (?=\d)", "+", value).strip()
    try:
        number = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError("must be a phone number such as +91 90000 00101")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def read_moment(value: str) -> datetime:
    """An aware time from ISO 8601 with an offset.

    Raises:
        ValueError: if it is not, or lies outside the years 2000 to 2099.
    """
    # in a query string an unescaped + arrives as a blank
    text = re.sub(r" (?=\d\d:?\d\d$)", "+", value.strip()) if value.count(":") > 1 else value
    if not _ISO.fullmatch(text):
        raise ValueError("must be ISO 8601 with an offset, such as 2026-11-24T17:30:00+05:30")
    try:
        moment = parse_datetime(text.upper())
    except ValueError:
        raise ValueError("there is no such date or time") from None
    if moment.year not in YEARS:
        raise ValueError(f"must lie in the years {YEARS[0]} to {YEARS[-1]}")
    return moment


class PageQuery(Asked):
    """Which part of a list."""

    limit: int = Field(50, ge=1, le=MOST_ITEMS, description="How many items at most.")
    cursor: Optional[str] = Field(None, max_length=100, description="`next` of the page before.")


class HandoffQuery(PageQuery):
    """Which handoffs; without `status` all that are not resolved."""

    status: Optional[Status] = Field(None, description="`open` is what nobody has claimed.")
    reason: Optional[Reason] = None
    priority: Optional[Priority] = None


class AppointmentQuery(PageQuery):
    """Which appointments; `from` (included) and `to` (excluded) bound when they start."""

    phone: Optional[str] = Field(None, max_length=40)
    contact_id: Optional[int] = Field(None, ge=0, le=LARGEST_ID)
    from_: Optional[Union[datetime, date]] = Field(None, alias="from")
    to: Optional[Union[datetime, date]] = None

    _phone = validator("phone", allow_reuse=True)(read_phone)

    @validator("from_", "to", pre=True)
    def _day_or_moment(cls, value: Any) -> Any:
        if isinstance(value, str) and _DAY.fullmatch(value):
            day = date.fromisoformat(value)
            if day.year not in YEARS:
                raise ValueError(f"must lie in the years {YEARS[0]} to {YEARS[-1]}")
            return day
        return read_moment(value) if isinstance(value, str) else value


def as_moment(value: Union[datetime, date, None], zone: Any) -> Optional[datetime]:
    """A day as its midnight in the clinic's zone; a time as it is."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.combine(value, time.min, zone)


class ClaimBody(Asked):
    """Who takes the handoff."""

    staff: StrictStr = Field(..., min_length=1, max_length=LONGEST_NAME)
    _staff = validator("staff", allow_reuse=True)(tidy_name)


class ResolveBody(Asked):
    """How a handoff ended. Without `hand_back` it stays unresolved: a person keeps it."""

    hand_back: StrictBool
    outcome: Outcome
    staff: Optional[StrictStr] = Field(None, min_length=1, max_length=LONGEST_NAME)
    _staff = validator("staff", allow_reuse=True)(tidy_name)


class ReplyBody(Asked):
    """What staff write to the patient; blanks around it are cut off."""

    text: StrictStr = Field(..., min_length=1, max_length=LONGEST_TEXT)
    staff: Optional[StrictStr] = Field(None, min_length=1, max_length=LONGEST_NAME)
    _staff = validator("staff", allow_reuse=True)(tidy_name)


class AppointmentBody(Asked):
    """A visit to book at once; staff are not bound by lead time and horizon."""

    phone: StrictStr = Field(..., min_length=1, max_length=40)
    starts_at: StrictStr = Field(..., min_length=1, max_length=40, format="date-time")
    clinician: StrictStr = Field(..., min_length=1, max_length=40)
    service: StrictStr = Field(..., min_length=1, max_length=40)
    name: Optional[StrictStr] = Field(None, min_length=1, max_length=LONGEST_NAME)

    _phone = validator("phone", allow_reuse=True)(read_phone)
    _name = validator("name", allow_reuse=True)(tidy_name)

    @validator("starts_at")
    def _moment(cls, value: str) -> str:
        return read_moment(value).isoformat()


class HandoffItem(BaseModel):
    """A conversation that a person owns, or owned."""

    id: int
    contact_id: int
    phone: Optional[str]
    reason: Reason
    priority: Priority
    status: Status
    opened_at: str = Field(..., format="date-time")
    claimed_by: Optional[str]
    red_flag: Optional[str]
    outcome: Optional[str]
    resolved_at: Optional[str] = Field(None, format="date-time")


class ButtonItem(BaseModel):
    """A button or list row as offered, and whether the patient took it."""

    title: str
    description: Optional[str]
    taken: bool


class MediaItem(BaseModel):
    """A file that went either way."""

    kind: str
    filename: Optional[str]
    mime_type: Optional[str]
    voice: bool
    caption: Optional[str]


class LocationItem(BaseModel):
    """A pin on the map, degrees as in WGS 84."""

    latitude: float
    longitude: float
    name: Optional[str]
    address: Optional[str]


class MessageItem(BaseModel):
    """One bubble; `author` is `patient`, `bot` or `staff:<name>`."""

    id: int
    contact_id: int
    direction: Direction
    author: str
    kind: str
    text: Optional[str]
    state: str
    detail: Optional[str]
    at: str = Field(..., format="date-time")
    sent_at: Optional[str] = Field(None, format="date-time")
    delivered_at: Optional[str] = Field(None, format="date-time")
    read_at: Optional[str] = Field(None, format="date-time")
    buttons: List[ButtonItem]
    media: Optional[MediaItem]
    location: Optional[LocationItem]
    revoked: bool


class AppointmentItem(BaseModel):
    """A visit; `version` rises with every change of time or status."""

    id: int
    contact_id: int
    phone: Optional[str]
    starts_at: str = Field(..., format="date-time")
    clinician: str
    service: str
    status: AppointmentStatus
    version: int
