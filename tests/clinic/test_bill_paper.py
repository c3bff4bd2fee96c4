"""The paper of a bill: what stands on it, that it is one page, and the same each time."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from pypdf import PdfReader

from clinic.bills.paying import NewPayment, cancel, due_paise, find_bill, pay
from clinic.bills.printing import bill_pdf, money
from clinic.bills.terms import NewLine
from clinic.bills.upi import qr_runs, upi_link
from clinic.database import Database
from clinic.profile import Profile
from tests.clinic.bills import GSTIN, SESSION, a_bill, billing_clinic

Ids = Callable[[int], int]


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """What is printed does not depend on the engine."""
    return sqlite_db


@pytest.fixture
def desk(clinic: Database, small_profile: Profile) -> Database:
    """The small clinic, which writes bills."""
    billing_clinic(clinic, small_profile)
    return clinic


def printed(db: Database, number: int) -> bytes:
    with db.reading() as session:
        bill = find_bill(session, number)
        return bill_pdf(bill, due_paise(session, bill))


def words_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) == 1
    return str(pages[0].extract_text())


def test_what_the_law_wants_is_on_it(desk: Database, patient: Ids, now: datetime) -> None:
    lines = [SESSION, NewLine("Home visit", 2, 120000, "999314")]
    number = a_bill(desk, patient(1), now, *lines, address="5 Invented Road, Pune")
    said = words_of(printed(desk, number))
    for words in (
        *("Small Clinic (invented)", "1 Test Lane", "+91 90000 00100", "Bill of supply"),
        *("No. SC/26-27/0001", "Date 23-11-2026", "Billed to", "Meena Joshi"),
        *("5 Invented Road, Pune", "Session, 23-11-2026 9993 1 600.50 600.50"),
        *("Home visit 999314 2 1,200.00 2,400.00", "Total ₹3,000.50", "Balance due ₹3,000.50"),
        *("small@example", "exempt from GST"),
    ):
        assert words in said, words
    assert "GSTIN" not in said, "this clinic is not registered"


def test_a_registered_clinic_says_its_gstin(
    clinic: Database, small_profile: Profile, patient: Ids, now: datetime
) -> None:
    billing_clinic(clinic, small_profile, gstin=GSTIN)
    assert f"GSTIN {GSTIN}" in words_of(printed(clinic, a_bill(clinic, patient(1), now)))


def test_the_paper_follows_what_became_of_the_bill(
    desk: Database, patient: Ids, now: datetime
) -> None:
    number = a_bill(desk, patient(1), now)
    with desk.transaction() as session:
        pay(session, number, NewPayment(60000, "cash"), "staff:1", "p1", now)
    said = words_of(printed(desk, number))
    assert "Received ₹600.00" in said and "Balance due ₹0.50" in said and "UPI" in said
    with desk.transaction() as session:
        pay(session, number, NewPayment(50, "cash"), "staff:1", "p2", now)
    said = words_of(printed(desk, number))
    assert "Paid in full" in said and "UPI" not in said
    with desk.transaction() as session:
        cancel(session, number, "Wrong name", "staff:2", now)
    said = words_of(printed(desk, number))
    assert "CANCELLED" in said and "UPI" not in said and "Wrong name" not in said


@pytest.mark.parametrize("language", ["en", "hi"])
@pytest.mark.parametrize("letters", ["W", "क्ष", "i"])
def test_twenty_lines_in_any_script_stay_on_one_page(
    desk: Database, patient: Ids, now: datetime, language: str, letters: str
) -> None:
    lines = [NewLine((letters * 60)[:60], 200, 9999, "999314")] * 20
    long = {"recipient": (letters * 80)[:80], "address": ("Invented Road " * 20)[:200]}
    number = a_bill(desk, patient(1), now, *lines, language=language, **long)
    said = words_of(printed(desk, number))
    assert said.count("19,998.00") == 20 and "₹3,99,960.00" in said


def test_a_hindi_bill_is_in_hindi(desk: Database, patient: Ids, now: datetime) -> None:
    said = words_of(printed(desk, a_bill(desk, patient(1), now, language="hi")))
    assert "तारीख़ 23-11-2026" in said and "Bill of supply" not in said


def test_the_same_bill_gives_the_same_bytes(desk: Database, patient: Ids, now: datetime) -> None:
    number = a_bill(desk, patient(1), now)
    first = printed(desk, number)
    with time_machine.travel(now + timedelta(days=400)):
        assert printed(desk, number) == first
    assert first.startswith(b"%PDF-") and len(first) < 100_000


def test_a_upi_app_reads_payee_amount_and_number() -> None:
    link = upi_link("small@example", "Small & Clinic", 120050, "SC/26-27/0001")
    fields: dict[str, Any] = parse_qs(urlsplit(link).query)
    assert link.startswith("upi://pay?pa=small@example&")
    assert fields == {
        "pa": ["small@example"],
        "pn": ["Small & Clinic"],
        "am": ["1200.50"],
        "cu": ["INR"],
        "tn": ["SC/26-27/0001"],
        "tr": ["SC/26-27/0001"],
    }
    side, runs = qr_runs(link)
    assert side >= 21 and (0, 0, 7) in runs, "a finder pattern in the corner"
    assert all(x + length <= side and y < side for x, y, length in runs)


def test_money_is_written_as_india_writes_it() -> None:
    assert [money(paise) for paise in (5, 100, 11250000)] == ["0.05", "1.00", "1,12,500.00"]
