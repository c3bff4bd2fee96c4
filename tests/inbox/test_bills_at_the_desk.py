"""Bills at the desk: from a visit to a paid bill on the patient's phone, and what is refused."""

from __future__ import annotations

import io
import re
from typing import Any, Callable, Iterator

import pytest
import time_machine
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from clinic import consent
from clinic.attendance import mark
from clinic.bills.issuing import issue
from clinic.bills.terms import NewBill, NewLine
from clinic.course_plans import Plan, author
from clinic.database import Database, now
from clinic.models import AuditEntry, Bill, Contact, Message, Payment
from clinic.profile_file import load_profile
from clinic.setup import write_profile
from clinic.texts import Texts
from tests.at_the_clinic import domain_texts
from tests.inbox.at_the_desk import ROOT, at, open_clinic, visit
from tests.inbox.conftest import FilesOfTests, press
from tests.reminding import send_due, why

Make = Callable[..., int]
UTR = "412345678901"


@pytest.fixture
def texts() -> Texts:
    """The fixed texts of the real domain."""
    return domain_texts()


@pytest.fixture(autouse=True)
def monday(db: Database) -> Iterator[None]:
    """A Monday at nine, in an open clinic."""
    open_clinic(db)
    with time_machine.travel(at(9), tick=False):
        yield


@pytest.fixture
def bill(db: Database, patient: Make) -> int:
    """The id of a bill of ₹600 for somebody who just wrote and agreed to care messages."""
    contact = patient()
    with db.transaction() as session:
        consent.record(session, contact, "care", True, how="staff")
        lines = [NewLine("Session", 1, 60000, "9993")]
        wanted = NewBill(contact, "Ravi Invented", "Ravi Invented", lines)
        return issue(session, wanted, "staff:1", "test:bill", now()).id


def noted(db: Database, what: str) -> list[Any]:
    with db.reading() as session:
        rows = session.execute(select(AuditEntry).where(AuditEntry.what == what))
        return list(rows.scalars())


def only(db: Database, model: Any) -> Any:
    with db.reading() as session:
        return session.execute(select(model)).scalar_one()


def sent(db: Database) -> list[Any]:
    with db.reading() as session:
        rows = session.execute(select(Message).where(Message.direction == "out"))
        return list(rows.scalars())


# --- issuing


def test_from_a_visit_to_a_bill_that_is_on_the_card(
    front: FlaskClient, db: Database, patient: Make
) -> None:
    contact = patient()
    made = visit(db, contact, at(8), booked_at=at(7))
    with db.transaction() as session:
        mark(session, made, "completed", "staff:1", now=now())
    address = f"/conversations/{contact}/bills?visit={made}"
    assert address in front.get(f"/visits/{made}").text
    form = front.get(address).text
    assert 'value="Physiotherapy session, 23-11-2026"' in form and 'value="600"' in form
    fields = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', form))
    fields = {**fields, "language": "en", "act": "issue"}
    answer = front.post(f"/conversations/{contact}/bills", data=fields)
    row = only(db, Bill)
    assert answer.location == f"/bills/{row.id}"
    assert (row.serial, row.appointment_id, row.total_paise) == ("TP/26-27/0001", made, 60000)
    (entry,) = noted(db, "bill_issued")
    assert (entry.subject, entry.contact_id) == (f"bill:{row.id}", contact)
    card = front.get(f"/conversations/{contact}").text
    card = card[card.index('id="card-bills"') :]
    assert "TP/26-27/0001" in card and "₹600 due" in card and "23 Nov 2026" in card
    # sent twice it is still one, and the visit leads to it
    assert front.post(f"/conversations/{contact}/bills", data=fields).location == answer.location
    assert front.get(address).location == answer.location


def test_a_course_is_billed_at_its_plans_price(
    front: FlaskClient, db: Database, patient: Make
) -> None:
    contact = patient()
    with db.transaction() as session:
        plan = Plan(contact, "Meena", "neha", 12, "staff:1", price_paise=640050, pricing="package")
        course = author(session, plan, now())
    page = front.get(f"/conversations/{contact}/bills").text
    assert f"/conversations/{contact}/bills?course={course}" in page
    form = front.get(f"/conversations/{contact}/bills?course={course}").text
    assert "course of 12 sessions" in form and 'value="6400.50"' in form


def test_one_more_line_keeps_what_was_typed_and_issues_nothing(
    front: FlaskClient, db: Database, patient: Make
) -> None:
    page = f"/conversations/{patient()}/bills"
    line = {"description": "Assessment", "rupees": "800", "quantity": "1", "sac": "9993"}
    html = press(front, page, page, patient="Ravi", act="more", **line).text
    assert html.count('name="description"') == 2 and 'value="Assessment"' in html
    lines = {name: [value, value] for name, value in line.items()}
    press(front, page, page, patient="Ravi", act="issue", **lines)
    assert only(db, Bill).total_paise == 160000


REFUSED = [
    ({"sac": "9021"}, "Line 1: only health care (SAC 9993) can be billed here. Goods"),
    ({"description": " "}, "Line 1: describe it"),
    ({"quantity": "0"}, "Line 1: the number is 1 to 200."),
    ({"quantity": "two"}, "Line 1: the number is 1 to 200."),
    ({"rupees": "1.005"}, "Line 1: give rupees"),
    ({"rupees": "600001"}, "Line 1: give rupees"),
    ({"rupees": "0"}, "The bill comes to nothing"),
    ({"patient": ""}, "Give the patient&#39;s name"),
    ({"description": "", "rupees": ""}, "Write at least one line."),
    ({"visit": "999"}, "This visit or course is not of this conversation."),
]


def test_what_is_refused_comes_back_with_what_was_typed(
    front: FlaskClient, db: Database, patient: Make
) -> None:
    page = f"/conversations/{patient()}/bills"
    fields = {"patient": "Ravi", "recipient": "R. & Sons", "description": "Session"}
    fields.update(quantity="1", rupees="600", sac="9993")
    for change, said in REFUSED:
        answer = press(front, page, page, **{**fields, **change})
        assert answer.status_code in (404, 422) and said in answer.text, change
        assert "R. &amp; Sons" in answer.text
    with db.reading() as session:
        assert session.execute(select(Bill)).all() == []


def test_a_clinic_that_writes_no_bills_says_so(
    front: FlaskClient, db: Database, patient: Make
) -> None:
    write_profile(db, load_profile(ROOT / "clinic.yml").copy(update={"billing": None}))
    page = f"/conversations/{patient()}/bills"
    html = front.get(page).text
    assert "clinic.yml needs a `billing` section" in html and 'id="issue"' not in html
    line = {"description": "Session", "rupees": "600", "quantity": "1", "sac": "9993"}
    refused = press(front, "/account", page, patient="Ravi", **line)
    assert refused.status_code == 422 and "writes no bills yet" in refused.text


# --- money


def test_paid_in_parts_with_a_utr(front: FlaskClient, db: Database, bill: int) -> None:
    page = f"/bills/{bill}"
    refused = press(front, page, f"{page}/pay", rupees="500", how="upi", reference="1234567")
    assert refused.status_code == 422 and "This is no UTR" in refused.text
    for kept in ('value="500"', '<option value="upi" selected>', 'value="1234567"'):
        assert kept in refused.text
    press(front, page, f"{page}/pay", rupees="500", how="upi", reference=UTR, key="k")
    press(front, page, f"{page}/pay", rupees="500", how="upi", reference=UTR, key="k")
    html = front.get(page).text
    assert "₹100 due" in html and UTR in html and 'value="100"' in html
    over = press(front, page, f"{page}/pay", rupees="101", how="cash")
    assert over.status_code == 422 and "more than is still due" in over.text
    press(front, page, f"{page}/pay", rupees="100", how="cash")
    html = front.get(page).text
    assert "Paid" in html and 'id="pay"' not in html
    with db.reading() as session:
        assert session.execute(select(Payment.paise)).scalars().all() == [50000, 10000]
    entries = noted(db, "bill_paid")
    assert len(entries) == 2 and all(UTR not in str(entry.detail) for entry in entries)


def test_only_a_manager_cancels_and_says_why(
    front: FlaskClient, manager: FlaskClient, db: Database, bill: int
) -> None:
    page = f"/bills/{bill}"
    assert 'id="cancelling"' not in front.get(page).text
    assert press(front, "/account", f"{page}/cancel", reason="x").status_code == 403
    assert press(manager, page, f"{page}/cancel", reason=" ").status_code == 422
    press(manager, page, f"{page}/cancel", reason="Wrong patient")
    html = front.get(page).text
    assert "Cancelled" in html and "Wrong patient" in html
    assert 'id="pay"' not in html and 'id="send"' not in html
    assert press(front, "/account", f"{page}/pay", rupees="1", how="cash").status_code == 422
    assert only(db, Bill).serial == "TP/26-27/0001" and len(noted(db, "bill_cancelled")) == 1


def test_a_physiotherapist_looks_and_changes_nothing(asha: FlaskClient, bill: int) -> None:
    html = asha.get(f"/bills/{bill}").text
    assert "TP/26-27/0001" in html and 'id="pdf"' in html
    assert not any(f'id="{act}"' in html for act in ("pay", "send", "cancelling"))


# --- the paper, and sending it


def test_the_pdf_opens_and_nothing_in_it_runs(front: FlaskClient, bill: int) -> None:
    answer = front.get(f"/bills/{bill}/bill.pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == "inline; filename=TP-26-27-0001.pdf"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    said = PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
    assert "TP/26-27/0001" in said and "Tarang Physiotherapy (demo)" in said
    assert "GSTIN" not in said, "the invented clinic has no number that could be somebody's"


CAPTIONS = {"en": "Still to pay: ₹600.", "hi": "बाक़ी: ₹600", "hinglish": "Baaki: ₹600."}


def test_the_patient_gets_the_pdf_as_a_care_message(
    front: FlaskClient, db: Database, files: FilesOfTests, bill: int
) -> None:
    page = f"/bills/{bill}"
    for number, (language, caption) in enumerate(CAPTIONS.items()):
        with db.transaction() as session:
            session.get(Contact, only(db, Bill).contact_id).language = language
        for _twice in range(2):
            answer = press(front, page, f"{page}/send", key=language)
            assert answer.status_code == 302
        message = sent(db)[number]
        assert (message.purpose, message.author) == ("care", "staff:Frontdesk Farah")
        content = message.content
        assert (content["media"], content["filename"]) == ("document", "TP-26-27-0001.pdf")
        assert caption in content["caption"] and "TP/26-27/0001" in content["caption"]
        assert files.there[content["id"]] == front.get(f"{page}/bill.pdf").data
    assert len(sent(db)) == len(noted(db, "bill_sent")) == 3


def test_who_stops_before_it_goes_gets_no_bill(front: FlaskClient, db: Database, bill: int) -> None:
    page = f"/bills/{bill}"
    press(front, page, f"{page}/send", key="first")
    (gone,) = send_due(db, now())
    assert (gone.kind, gone.filename) == ("media", "TP-26-27-0001.pdf")
    press(front, page, f"{page}/send", key="second")
    contact_id = int(only(db, Bill).contact_id)
    with db.transaction() as session:
        consent.withdraw_all(session, contact_id, how="words")
    assert send_due(db, now()) == []
    assert why(db, f"bill:{bill}:second") == "skipped: opted out"


def closed(contact: Any) -> None:
    contact.last_inbound_at = at(8, day=at(9).date().replace(day=22))


def stopped(contact: Any) -> None:
    contact.opted_out_at = now()


def unreachable(contact: Any) -> None:
    contact.unreachable_at = now()


def agreed_to_nothing(_contact: Any) -> None:
    """As somebody who withdrew care messages alone."""


def test_to_whom_a_bill_is_not_sent(
    front: FlaskClient, db: Database, files: FilesOfTests, bill: int
) -> None:
    contact_id = int(only(db, Bill).contact_id)
    for change, said in (
        (closed, "The 24-hour window is closed."),
        (unreachable, "WhatsApp cannot reach this number."),
        (agreed_to_nothing, "this patient has not agreed to care messages."),
        (stopped, "Not sent: this person has stopped messages."),
    ):
        with db.transaction() as session:
            if change is agreed_to_nothing:
                consent.record(session, contact_id, "care", False, how="button")
            change(session.get(Contact, contact_id))
        html = front.get(f"/bills/{bill}").text
        assert said in html and 'id="send"' not in html
        answer = press(front, f"/bills/{bill}", f"/bills/{bill}/send")
        assert answer.status_code == 409 and said in answer.text
    assert sent(db) == [] and files.there == {} and noted(db, "bill_sent") == []


def test_whatsapp_that_takes_no_file_is_said(
    front: FlaskClient, db: Database, files: FilesOfTests, bill: int
) -> None:
    files.away = True
    answer = press(front, f"/bills/{bill}", f"/bills/{bill}/send")
    assert answer.status_code == 503 and "did not take the file just now" in answer.text
    assert sent(db) == []
