"""The day's calendar, booking a free slot of it, and offering one to somebody who waits."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, List
from uuid import uuid4

from flask import Blueprint, flash, redirect, request, url_for
from flask import render_template as render
from sqlalchemy.orm import Session

from clinic.calendar_words import say_day
from clinic.contacts import find_contact
from clinic.database import now
from clinic.scheduling.grid import Slot
from clinic.setup import profile_in
from inbox import day_offers, visits
from inbox.access.viewer import needs
from inbox.api.shapes import read_phone, tidy_name
from inbox.card import clinician_name, service_name
from inbox.day_sheet import read_sheet
from inbox.day_waiting import read_waiting
from inbox.errors import Refusal
from inbox.house import house
from inbox.language import t, ui_language
from inbox.pages.conversation import conversation
from inbox.staff import my_actor
from inbox.words import when_within

pages = Blueprint("day", __name__)

FURTHEST = timedelta(days=366)


@pages.get("/day")
@needs("see_appointments")
def page() -> str:
    """One day by physiotherapist and hour; today unless `?date=` says else."""
    return _page(_day(_today()))


def _page(day: date) -> str:
    """The day as it stands now; also after a refusal, which is said above it."""
    moment, zone, today = now(), house().zone(), _today()
    with house().database.reading() as db:
        only = request.args.get("clinician")
        sheet = read_sheet(db, day, moment, only)
        waiting = read_waiting(db, day, moment, only) if day >= today else []
        everyone = [
            (person.code, clinician_name(profile_in(db), person.code))
            for person in profile_in(db).clinicians
        ]
    return render(
        "day.html",
        sheet=sheet,
        everyone=everyone,
        names=dict(everyone),
        only=only,
        waiting=waiting,
        now_row=sheet.row_at(moment),
        day_words=say_day(day, ui_language()),
        today=today,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        now=moment,
        zone=zone,
    )


@pages.get("/day/book")
@needs("book")
def form() -> Any:
    """Who comes in a free slot."""
    return _form()


@pages.post("/day/book")
@needs("book")
def book() -> Any:
    """Book the slot for the number in the form."""
    typed = {name: request.form.get(name, "").strip() for name in ("phone", "name", "service")}
    try:
        phone, name = _phone(typed["phone"]), _name(typed["name"])
        with house().database.reading() as db:
            slot = visits.slot_at(db, _clinician(), typed["service"], _starts_at())
            known = find_contact(db, phone=phone)
            name = name or next(iter(visits.names_of(db, known) if known else []), "")
        if not name:
            raise Refusal(422, "name", t("Give the patient's name."))
        contact_id = visits.contact_of_phone(phone)
        key = request.form.get("key", "")[:64] or uuid4().hex
        visits.book(contact_id, slot, name, key, my_actor(), request.form.get("tell") == "1")
    except Refusal as refusal:
        flash(t(refusal.message), "bad")
        return _form(**typed), refusal.status
    flash(t("Booked."), "good")
    day = slot.starts_at.astimezone(house().zone()).date()
    return redirect(url_for("day.page", date=day.isoformat()))


@pages.post("/day/offer")
@needs("book")
def offer() -> Any:
    """Ask somebody who waits about a free time, on WhatsApp."""
    day = _day(_today())
    try:
        try:
            slot = Slot.from_key(request.form.get("slot", ""))
        except (ValueError, OverflowError):
            raise Refusal(422, "slot", t("Choose a time first.")) from None
        zone = house().zone()
        day = slot.starts_at.astimezone(zone).date()
        waiting_id = request.form.get("waiting", default=0, type=int)
        until = day_offers.offer(waiting_id, slot.clinician, slot.starts_at, my_actor())
    except Refusal as refusal:
        flash(t(refusal.message), "bad")
        return _page(day), refusal.status
    kept = when_within(until, zone, now())
    flash(t("Offered on WhatsApp. The time is kept until {time}.", time=kept), "good")
    return redirect(url_for("day.page", date=day.isoformat(), _anchor="waitlist"))


def _form(**typed: str) -> str:
    starts_at, clinician = _starts_at(), _clinician()
    day = starts_at.astimezone(house().zone()).date()
    with house().database.reading() as db:
        profile = profile_in(db)
        offered = _services(db, clinician)
        shown = [(code, service_name(profile, code)) for code in offered]
        waiting = read_waiting(db, day, now(), clinician)
        waiting = [one for one in waiting if one.service_code in offered and not one.asked]
        slot_keys = {code: visits.slot_at(db, clinician, code, starts_at).key for code in offered}
        contact_id = request.args.get("contact", type=int)
        if contact_id is not None and not typed:
            contact = conversation(db, contact_id)
            names = visits.names_of(db, contact)
            typed = {"phone": contact.phone or "", "name": names[0] if names else ""}
    return render(
        "book_slot.html",
        starts_at=starts_at,
        clinician=clinician,
        clinician_name=clinician_name(profile, clinician),
        services=shown,
        waiting=waiting,
        slot_keys=slot_keys,
        person=profile.clinician(clinician),
        begins=starts_at.astimezone(house().zone()).time(),
        kept_minutes=profile.booking.waitlist_minutes,
        typed=typed,
        key=uuid4().hex,
        now=now(),
        zone=house().zone(),
    )


def _services(db: Session, clinician: str) -> List[str]:
    try:
        return list(profile_in(db).clinician(clinician).services)
    except KeyError:
        raise Refusal(404, "not_found", t("There is no such physiotherapist.")) from None


def _today() -> date:
    return now().astimezone(house().zone()).date()


def _day(today: date) -> date:
    try:
        day = date.fromisoformat(request.args.get("date", ""))
    except ValueError:
        return today
    return day if abs(day - today) <= FURTHEST else today


def _clinician() -> str:
    return request.values.get("clinician", "")[:40]


def _starts_at() -> datetime:
    try:
        starts_at = datetime.fromisoformat(request.values.get("at", ""))
    except ValueError:
        starts_at = None  # type: ignore[assignment]
    if starts_at is None or starts_at.tzinfo is None:
        raise Refusal(404, "not_found", t("There is no such time in the calendar."))
    return starts_at


def _phone(given: str) -> str:
    try:
        phone = read_phone(given)
    except ValueError:
        phone = None
    if phone is None:
        raise Refusal(
            422, "phone", t("Give the phone number, such as 90000 00011 or +91 90000 00011.")
        )
    return phone


def _name(given: str) -> str:
    if not given:
        return ""
    try:
        return tidy_name(given) or ""
    except ValueError:
        raise Refusal(422, "name", t("Give the patient's name.")) from None
