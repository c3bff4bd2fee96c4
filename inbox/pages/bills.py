"""Bills of a patient: all of them with a form for a new one; one with what can be done with it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple
from uuid import uuid4

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask import render_template as render

from clinic.bills import drafts
from clinic.bills.paying import NewPayment, due_paise, paid_paise
from clinic.bills.terms import (
    LANGUAGES,
    LONGEST_ADDRESS,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_REASON,
    MOST_LINES,
    BillRefused,
)
from clinic.database import now
from clinic.models.bills import CANCELLED, ISSUED, WAYS_TO_PAY
from clinic.setup import profile_in
from inbox import bill_form as form
from inbox import bills
from inbox.access.viewer import allowed, needs
from inbox.api.base import ID
from inbox.card_bills import read_bills
from inbox.errors import Refusal
from inbox.house import house
from inbox.language import t
from inbox.pages.conversation import ADDRESS, conversation
from inbox.pages.media import FILE_POLICY
from inbox.rupees import paise_of, rupees_of
from inbox.staff import me, my_actor
from inbox.visits import names_of

pages = Blueprint("bills", __name__)

BILL = f"/bills/{ID.format('bill_id')}"
LISTED = 50
OF_A_PAYMENT = ("rupees", "how", "reference")


@pages.get(f"{ADDRESS}/bills")
@needs("see_bills")
def page(contact_id: int) -> Any:
    """Every bill of this contact, and a form for a new one; a visit that has a bill leads to it."""
    visit_id = form.id_of(request.args.get("visit"))
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        standing = form.bill_of_visit(db, contact, visit_id)
        if standing is not None:
            return redirect(url_for("bills.bill", bill_id=standing))
        typed, lines = form.proposed(db, contact, visit_id, form.id_of(request.args.get("course")))
    return _page(contact_id, typed, lines)


@pages.post(f"{ADDRESS}/bills")
@needs("write_bills")
def issue(contact_id: int) -> Any:
    """Issue a bill; with `more` one more line is asked for first."""
    typed = {name: request.form.get(name, "").strip() for name in form.OF_ALL}
    lines = form.typed_lines()
    if request.form.get("act") == "more":
        return _page(contact_id, typed, lines, one_more=True)
    with house().database.reading() as db:
        owner = int(conversation(db, contact_id).id)
    try:
        bill_id = bills.issue(form.wanted(owner, typed, lines), _key(), my_actor())
    except BillRefused as refused:
        return _page(contact_id, typed, lines, problem=bills.in_words(refused)), 422
    except Refusal as refusal:
        return _page(contact_id, typed, lines, problem=refusal.message), refusal.status
    flash(t("The bill is issued."), "good")
    return redirect(url_for("bills.bill", bill_id=bill_id))


@pages.get(BILL)
@needs("see_bills")
def bill(bill_id: int) -> str:
    """The bill, what was paid, and what can be done with it."""
    return _bill_page(bill_id)


@pages.get(f"{BILL}/bill.pdf")
@needs("see_bills")
def pdf(bill_id: int) -> Response:
    """The bill to print."""
    with house().database.reading() as db:
        content, filename = bills.paper(db, bills.found(db, bill_id))
    response = Response(content, mimetype=bills.PDF)
    response.headers.set("Content-Disposition", "inline", filename=filename)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@pages.post(f"{BILL}/pay")
@needs("write_bills")
def pay(bill_id: int) -> Any:
    """Note money that came, with how and its UTR."""
    sent = request.form
    try:
        with house().database.reading() as db:
            bills.found(db, bill_id)
        try:
            paise = paise_of(sent.get("rupees", ""))
        except ValueError:
            raise Refusal(422, "amount", t(bills.WHY["amount"])) from None
        payment = NewPayment(paise, sent.get("how", ""), sent.get("reference") or None)
        bills.take_payment(bill_id, payment, _key(), my_actor())
    except Refusal as refusal:
        return _refused(bill_id, refusal, {name: sent.get(name, "") for name in OF_A_PAYMENT})
    flash(t("The payment is noted."), "good")
    return redirect(url_for("bills.bill", bill_id=bill_id))


@pages.post(f"{BILL}/send")
@needs("write_bills")
def send(bill_id: int) -> Any:
    """Send it to the patient on WhatsApp."""
    try:
        bills.send(bill_id, _key(), me(), my_actor())
    except Refusal as refusal:
        return _refused(bill_id, refusal)
    flash(t("The bill is on its way to the patient."), "good")
    return redirect(url_for("bills.bill", bill_id=bill_id))


@pages.post(f"{BILL}/cancel")
@needs("cancel_bills")
def cancel(bill_id: int) -> Any:
    """Cancel it, with a reason; it keeps its number."""
    try:
        bills.call_off(bill_id, request.form.get("reason", ""), my_actor())
    except Refusal as refusal:
        return _refused(bill_id, refusal)
    flash(t("The bill is cancelled. Its number stays."), "good")
    return redirect(url_for("bills.bill", bill_id=bill_id))


def _refused(
    bill_id: int, refusal: Refusal, typed: Optional[Dict[str, str]] = None
) -> Tuple[str, int]:
    if refusal.status == 404:
        raise refusal
    flash(refusal.message, "bad")
    return _bill_page(bill_id, typed), refusal.status


def _bill_page(bill_id: int, typed: Optional[Dict[str, str]] = None) -> str:
    with house().database.reading() as db:
        row = bills.found(db, bill_id)
        due = due_paise(db, row)
        why = bills.why_not_sent(db, row)
        return render(
            "bill.html",
            bill=row,
            contact=row.contact,
            lines=list(row.lines),
            payments=list(row.payments),
            paid=paid_paise(db, row),
            due=due,
            typed=typed or {"rupees": rupees_of(due)},
            open=row.state == ISSUED,
            standing=row.state != CANCELLED,
            ways=WAYS_TO_PAY,
            unsendable=t(bills.WHY_NOT_SENT[why]) if why is not None else None,
            longest_reason=LONGEST_REASON,
            key=uuid4().hex,
            now=now(),
            zone=house().zone(),
        )


def _page(
    contact_id: int,
    typed: Dict[str, str],
    lines: List[Dict[str, str]],
    problem: Optional[str] = None,
    one_more: bool = False,
) -> str:
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        profile = profile_in(db)
        if (one_more or not lines) and len(lines) < MOST_LINES:
            lines = [*lines, form.blank(drafts.sac_of(profile))]
        return render(
            "bills.html",
            contact=contact,
            bills=read_bills(db, contact, LISTED),
            set_up=profile.billing is not None,
            billable=form.billable(db, contact) if allowed("write_bills") else [],
            names=names_of(db, contact),
            typed=typed,
            lines=lines,
            problem=problem,
            room=len(lines) < MOST_LINES,
            new_line=len(lines) if one_more else None,
            languages=LANGUAGES,
            longest={
                "name": LONGEST_NAME,
                "address": LONGEST_ADDRESS,
                "description": LONGEST_DESCRIPTION,
            },
            key=uuid4().hex,
        )


def _key() -> str:
    """What makes a form sent twice one change."""
    return request.form.get("key", "")[:64] or uuid4().hex
