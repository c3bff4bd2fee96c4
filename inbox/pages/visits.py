"""One visit: what can be said of it, moving it, cancelling it; and booking from a conversation."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Dict, List, Optional, Tuple
from uuid import uuid4

from flask import Blueprint, flash, redirect, request, url_for
from flask import render_template as render
from sqlalchemy.orm import Session

from clinic.database import now
from clinic.delivery import window_open
from clinic.scheduling.errors import UnknownClinician, UnknownService
from clinic.scheduling.grid import Slot
from clinic.scheduling.slots import free_slots
from clinic.setup import profile_in
from inbox import visits
from inbox.access.viewer import needs
from inbox.api.base import ID
from inbox.card import clinician_name, line_of, service_name
from inbox.errors import Refusal
from inbox.house import house
from inbox.language import t
from inbox.pages.conversation import ADDRESS, conversation
from inbox.staff import my_actor

pages = Blueprint("visits", __name__)

VISIT = f"/visits/{ID.format('visit_id')}"
DAYS_SHOWN = 7
MOST_SLOTS = 150
LONGEST_NAME = 80


@pages.get(VISIT)
@needs("see_appointments")
def page(visit_id: int) -> str:
    """The visit and what can be done with it."""
    return _page(visit_id)


@pages.post(f"{VISIT}/mark")
@needs("book")
def mark(visit_id: int) -> Any:
    """Say that the patient arrived, was treated, or did not come."""
    try:
        visits.say_what_became(visit_id, request.form.get("status", ""), my_actor())
    except Refusal as refusal:
        flash(t(refusal.message), "bad")
        return _page(visit_id), refusal.status
    return redirect(_back(visit_id))


@pages.post(f"{VISIT}/cancel")
@needs("book")
def cancel(visit_id: int) -> Any:
    """Cancel it, with a reason."""
    form = request.form
    try:
        visits.call_off(
            visit_id,
            _version(),
            form.get("reason", ""),
            _key(),
            my_actor(),
            form.get("tell") == "1",
        )
    except Refusal as refusal:
        flash(t(refusal.message), "bad")
        return _page(visit_id), refusal.status
    flash(t("Cancelled. The time is free again."), "good")
    return redirect(_back(visit_id))


@pages.route(f"{VISIT}/move", methods=["GET", "POST"])
@needs("book")
def move(visit_id: int) -> Any:
    """Choose another time for it."""
    status = 200
    if request.method == "POST":
        try:
            slot = _slot()
            visits.move(
                visit_id, _version(), slot, _key(), my_actor(), request.form.get("tell") == "1"
            )
        except Refusal as refusal:
            flash(t(refusal.message), "bad")
            status = refusal.status
        else:
            flash(t("Moved."), "good")
            return redirect(_back(visit_id))
    with house().database.reading() as db:
        row = visits.find_visit(db, visit_id)
        line = line_of(db, row, profile_in(db))
        shown = _times(db, row.service.code)
        reachable = window_open(row.contact)
    html = render(
        "times.html", visit=row, line=line, contact=row.contact, reachable=reachable, **shown
    )
    return html, status


@pages.route(f"{ADDRESS}/book", methods=["GET", "POST"])
@needs("book")
def book(contact_id: int) -> Any:
    """Choose a time for a new visit of this contact."""
    status = 200
    if request.method == "POST":
        name = " ".join(request.form.get("name", "").split())
        try:
            if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
                raise Refusal(422, "name", t("Give the patient's name."))
            with house().database.reading() as db:
                owner = int(conversation(db, contact_id).id)
            visits.book(owner, _slot(), name, _key(), my_actor(), request.form.get("tell") == "1")
        except Refusal as refusal:
            flash(t(refusal.message), "bad")
            status = refusal.status
        else:
            flash(t("Booked."), "good")
            return redirect(url_for("conversation.page", contact_id=contact_id))
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        profile = profile_in(db)
        codes = [service.code for service in profile.services]
        service = request.args.get("service")
        if service not in codes:
            service = (
                codes[-1] if len(codes) == 1 else "session" if "session" in codes else codes[0]
            )
        shown = _times(db, service)
        names = visits.names_of(db, contact)
        services = [(code, service_name(profile, code)) for code in codes]
    html = render(
        "times.html",
        visit=None,
        contact=contact,
        names=names,
        services=services,
        reachable=window_open(contact),
        **shown,
    )
    return html, status


def _times(db: Session, service: str) -> Dict[str, Any]:
    """What can be booked in the week from `?from=` on, by day."""
    profile, zone, moment = profile_in(db), house().zone(), now()
    today = moment.astimezone(zone).date()
    start = max(today, _from(today))
    wanted = request.args.get("clinician") or None
    people = [one.code for one in profile.clinicians if service in one.services]
    clinician = wanted if wanted in people else None
    try:
        slots = free_slots(
            db,
            service=service,
            start=start,
            end=start + timedelta(days=DAYS_SHOWN - 1),
            clinician=clinician,
            limit=MOST_SLOTS,
            now=moment,
        )
    except (UnknownService, UnknownClinician):
        slots = []
    return {
        "service": service,
        "service_name": service_name(profile, service),
        "clinicians": [(code, clinician_name(profile, code)) for code in people],
        "names_of": {code: clinician_name(profile, code) for code in people},
        "clinician": clinician,
        "days": _by_day(slots),
        "start": start,
        "earlier": start - timedelta(days=DAYS_SHOWN) if start > today else None,
        "later": start + timedelta(days=DAYS_SHOWN),
        "key": uuid4().hex,
        "now": moment,
        "zone": zone,
    }


def _by_day(slots: List[Slot]) -> List[Tuple[date, List[Slot]]]:
    zone = house().zone()

    def local_day(slot: Slot) -> date:
        return slot.starts_at.astimezone(zone).date()

    return [(day, list(found)) for day, found in groupby(slots, key=local_day)]


def _page(visit_id: int) -> str:
    with house().database.reading() as db:
        row = visits.find_visit(db, visit_id)
        return render(
            "visit.html",
            visit=row,
            line=line_of(db, row, profile_in(db)),
            contact=row.contact,
            reachable=window_open(row.contact),
            reasons=visits.CANCEL_REASONS,
            key=uuid4().hex,
            now=now(),
            zone=house().zone(),
        )


def _back(visit_id: int) -> str:
    """To where the form was: the conversation, or else the visit's day."""
    contact_id = request.form.get("contact", type=int)
    if contact_id is not None:
        return url_for("conversation.page", contact_id=contact_id)
    with house().database.reading() as db:
        starts_at: datetime = visits.find_visit(db, visit_id).starts_at
    return url_for("day.page", date=starts_at.astimezone(house().zone()).date().isoformat())


def _slot() -> Slot:
    try:
        return Slot.from_key(request.form.get("slot", ""))
    except (ValueError, OverflowError):
        raise Refusal(422, "slot", t("Choose a time first.")) from None


def _version() -> int:
    return request.form.get("version", default=0, type=int)


def _key() -> str:
    return request.form.get("key", "")[:64] or uuid4().hex


def _from(today: date) -> date:
    given: Optional[str] = request.args.get("from")
    try:
        start = date.fromisoformat(given or "")
    except ValueError:
        return today
    return min(start, today + timedelta(days=366))
