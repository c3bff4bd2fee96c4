"""What the front desk settles from the patient card: a guardian seen, a place on the waitlist."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for

from clinic import waitlist
from clinic.audit import record
from clinic.courses import local_day
from clinic.database import now
from clinic.guardians import NoGuardian, confirm_guardian
from clinic.setup import profile_in
from inbox.access.viewer import needs
from inbox.house import house
from inbox.language import t
from inbox.pages.conversation import ADDRESS, conversation
from inbox.staff import my_actor
from inbox.visits import names_of

pages = Blueprint("care", __name__)

# how many days a place on the waitlist is for, the first one included
WAITING_DAYS = 7


@pages.post(f"{ADDRESS}/guardian")
@needs("book")
def guardian(contact_id: int) -> Any:
    """The guardian who agreed was seen, as at a first visit."""
    try:
        with house().database.transaction() as db:
            owner = int(conversation(db, contact_id).id)
            confirm_guardian(db, owner, my_actor())
            record(db, my_actor(), "guardian_confirmed", f"contact:{owner}")
    except NoGuardian:
        flash(t("No guardian has agreed yet."), "bad")
    else:
        flash(t("Kept."), "good")
    return redirect(url_for("conversation.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/waitlist")
@needs("book")
def join(contact_id: int) -> Any:
    """Tell this contact when a time becomes free in the week from `from` on."""
    with house().database.transaction() as db:
        contact = conversation(db, contact_id)
        owner = int(contact.id)
        profile, today = profile_in(db), local_day(db, now())
        service = request.form.get("service", "")
        offered = [one.code for one in profile.clinicians if service in one.services]
        clinician = request.form.get("clinician") or None
        known = bool(offered) and clinician in (None, *offered)
        if known:
            first = max(today, _from(today))
            last = first + timedelta(days=WAITING_DAYS - 1)
            # one of the names this contact books for, else it is asked when a time is offered
            patient = request.form.get("patient")
            patient = patient if patient in names_of(db, contact) else None
            wanted = waitlist.Wanted(service, first, last, clinician=clinician, patient=patient)
            waitlist.join(db, owner, wanted, now())
            record(db, my_actor(), "waitlist_joined", f"contact:{owner}")
    if known:
        flash(t("On the waitlist. A time that becomes free is offered on WhatsApp."), "good")
    else:
        flash(t("The clinic does not offer this service any more."), "bad")
    return redirect(url_for("conversation.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/waitlist/leave")
@needs("book")
def leave(contact_id: int) -> Any:
    """Let this contact wait no longer."""
    with house().database.transaction() as db:
        owner = int(conversation(db, contact_id).id)
        if waitlist.leave(db, owner, now()):
            record(db, my_actor(), "waitlist_left", f"contact:{owner}")
    flash(t("Not on the waitlist any more."), "good")
    return redirect(url_for("conversation.page", contact_id=contact_id))


def _from(today: date) -> date:
    try:
        first = date.fromisoformat(request.form.get("from", ""))
    except ValueError:
        return today
    return min(first, today + timedelta(days=366))
