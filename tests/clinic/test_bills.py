"""Bills of supply: what can be billed, how they are numbered, paid, cancelled and kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Callable, Optional

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from clinic import retention
from clinic.bills.drafts import for_course, for_visit
from clinic.bills.issuing import issue, serial_of
from clinic.bills.paying import NewPayment, bills_of, cancel, due_paise, find_bill, pay
from clinic.bills.terms import LARGEST_PAISE, BillRefused, NewLine, financial_year, keep_until
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.models import Appointment, Bill, BillLine, Contact, Course, Patient, Payment
from clinic.profile import Profile
from clinic.scheduling.booking import book
from tests.clinic.bills import SESSION, a_bill, billing_clinic, wanted
from tests.clinic.courses import a_course

Ids = Callable[[int], int]
Moment = Callable[..., datetime]


@pytest.fixture
def desk(clinic: Database, small_profile: Profile) -> Database:
    """The small clinic, which writes bills."""
    billing_clinic(clinic, small_profile)
    return clinic


def serials(db: Database) -> list[str]:
    with db.reading() as session:
        return [str(bill.serial) for bill in session.query(Bill).order_by(Bill.id)]


# --- numbers


def test_a_serial_counts_on_and_begins_anew_in_april(
    desk: Database, patient: Ids, local: Moment
) -> None:
    for moment in (local(31, 23, month=3), local(1, 0, month=4), local(2, 9, month=4)):
        a_bill(desk, patient(1), moment)
    assert serials(desk) == ["SC/25-26/0001", "SC/26-27/0001", "SC/26-27/0002"]
    assert all(len(serial) <= 16 for serial in serials(desk))


@pytest.mark.parametrize(
    ("prefix", "number", "expected"),
    [
        ("A", 1, "A/26-27/0001"),
        ("ABCD", 99999, "ABCD/26-27/99999"),
        ("ABCD", 100000, None),
        ("TP", 9999999, "TP/26-27/9999999"),
    ],
)
def test_a_serial_has_sixteen_signs_at_most(
    prefix: str, number: int, expected: Optional[str]
) -> None:
    if expected is None:
        with pytest.raises(BillRefused, match="year_full"):
            serial_of(prefix, 2026, number)
    else:
        assert serial_of(prefix, 2026, number) == expected


def test_the_year_and_how_long_a_bill_is_kept() -> None:
    assert financial_year(date(2027, 3, 31)) == 2026 and financial_year(date(2027, 4, 1)) == 2027
    # annual return of 2026-27 due on 31 December 2027, and 72 months
    assert keep_until(2026) == date(2033, 12, 31)


def test_what_was_asked_for_twice_is_one_bill(desk: Database, patient: Ids, now: datetime) -> None:
    with desk.transaction() as session:
        first = issue(session, wanted(patient(1)), "staff:1", "desk:1", now)
        again = issue(session, wanted(patient(1)), "staff:1", "desk:1", now)
        assert (again.id, first.repeated, again.repeated) == (first.id, False, True)
        with pytest.raises(BillRefused, match="key_reused"):
            issue(session, wanted(patient(2)), "staff:1", "desk:1", now)
    assert serials(desk) == ["SC/26-27/0001"]


# --- what can be billed

BELT = NewLine("Lumbar belt", 1, 90000, "9021")


CANNOT_BE_BILLED: list[tuple[dict[str, Any], str]] = [
    ({"patient": " "}, "patient"),
    ({"recipient": "x" * 81}, "patient"),
    ({"address": "x" * 201}, "address"),
    ({"lines": []}, "no_lines"),
    ({"lines": [SESSION] * 21}, "too_many_lines"),
    ({"lines": [replace(SESSION, description="\n")]}, "description"),
    ({"lines": [replace(SESSION, quantity=0)]}, "quantity"),
    ({"lines": [replace(SESSION, unit_paise=-1)]}, "price"),
    ({"lines": [replace(SESSION, unit_paise=0)]}, "total"),
    ({"lines": [replace(SESSION, unit_paise=LARGEST_PAISE)] * 2}, "total"),
    ({"lines": [SESSION, BELT]}, "taxable"),
    ({"contact_id": 999}, "contact"),
    ({"appointment_id": 999}, "contact"),
    ({"course_id": 999}, "contact"),
]


def test_what_cannot_be_billed_uses_no_number(desk: Database, patient: Ids, now: datetime) -> None:
    for change, code in CANNOT_BE_BILLED:
        with desk.transaction() as session, pytest.raises(BillRefused) as refused:
            issue(session, replace(wanted(patient(1)), **change), "staff:1", "desk:1", now)
        assert refused.value.code == code, change
        assert code != "taxable" or refused.value.line == 2
    a_bill(desk, patient(1), now)
    assert serials(desk) == ["SC/26-27/0001"]


def test_a_clinic_without_billing_writes_none(
    clinic: Database, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session, pytest.raises(BillRefused, match="not_set_up"):
        issue(session, wanted(patient(1)), "staff:1", "desk:1", now)


def test_somebody_elses_visit_or_course_is_not_billed(
    desk: Database, patient: Ids, now: datetime
) -> None:
    theirs = a_course(desk, patient(2), now)
    with desk.transaction() as session, pytest.raises(BillRefused, match="contact"):
        issue(session, wanted(patient(1), course_id=theirs), "staff:1", "desk:1", now)


def test_a_visit_is_billed_once_unless_the_bill_was_cancelled(
    desk: Database, patient: Ids, slot_at: Callable[..., Any], now: datetime
) -> None:
    with desk.transaction() as session:
        visit = book(session, slot_at(25, time(9)), patient(1), "Meena Joshi", "b", now=now)
    first = a_bill(desk, patient(1), now, appointment_id=visit.appointment_id)
    again = wanted(patient(1), appointment_id=visit.appointment_id)
    with desk.transaction() as session, pytest.raises(BillRefused, match="billed"):
        issue(session, again, "staff:1", "desk:2", now)
    with desk.transaction() as session:
        cancel(session, first, "Wrong name", "staff:2", now)
        issue(session, again, "staff:1", "desk:3", now)
    assert serials(desk) == ["SC/26-27/0001", "SC/26-27/0002"]


# --- what is proposed


@pytest.mark.parametrize(
    ("pricing", "price", "visit_paise", "quantity", "unit_paise"),
    [
        (None, None, 60050, 3, 60050),
        ("session", 50000, 50000, 3, 50000),
        ("package", 120000, 60050, 1, 120000),
    ],
)
def test_the_price_comes_from_the_plan_or_the_fee(
    desk: Database,
    patient: Ids,
    slot_at: Callable[..., Any],
    now: datetime,
    pricing: Optional[str],
    price: Optional[int],
    visit_paise: int,
    quantity: int,
    unit_paise: int,
) -> None:
    course_id = a_course(desk, patient(1), now)
    with desk.transaction() as session:
        course = session.get(Course, course_id)
        course.pricing, course.price_paise = pricing, price
        made = book(session, slot_at(25, time(9)), patient(1), "Meena Joshi", "b", now=now)
        visit = session.get(Appointment, made.appointment_id)
        assert visit.course_id == course_id
        (line,) = for_visit(session, visit, "en")
        assert line == NewLine("Session, 25-11-2026", 1, visit_paise, "9993")
        assert "सेशन" in for_visit(session, visit, "hi")[0].description
        (line,) = for_course(session, course, "hinglish")
        assert (line.quantity, line.unit_paise) == (quantity, unit_paise)
        assert line.description.startswith("Session: ")


# --- paying

UTR = "412345678901"


def test_part_payments_up_to_the_total(desk: Database, patient: Ids, now: datetime) -> None:
    number = a_bill(desk, patient(1), now)
    with desk.transaction() as session:
        pay(session, number, NewPayment(60000, "upi", UTR), "staff:1", "p:1", now)
        assert due_paise(session, find_bill(session, number)) == 50
        with pytest.raises(BillRefused, match="over"):
            pay(session, number, NewPayment(51, "cash"), "staff:1", "p:2", now)
        last = pay(session, number, NewPayment(50, "cash"), "staff:1", "p:3", now)
        assert pay(session, number, NewPayment(50, "cash"), "staff:1", "p:3", now).id == last.id
        bill = find_bill(session, number)
        assert (bill.state, due_paise(session, bill)) == ("paid", 0)
        with pytest.raises(BillRefused, match="over"):
            pay(session, number, NewPayment(1, "cash"), "staff:1", "p:4", now)


NO_PAYMENT = [
    (NewPayment(0, "cash"), "amount"),
    (NewPayment(-5, "cash"), "amount"),
    (NewPayment(100, "shells"), "how"),
    (NewPayment(100, "upi"), "reference_needed"),
    (NewPayment(100, "bank", " "), "reference_needed"),
    (NewPayment(100, "upi", "12345"), "reference"),
    (NewPayment(100, "upi", "41234567890!"), "reference"),
    (NewPayment(100, "card", "x" * 41), "reference"),
    (NewPayment(100, "upi", UTR), "repeated"),
]


def test_what_is_no_payment(desk: Database, patient: Ids, now: datetime) -> None:
    number = a_bill(desk, patient(1), now)
    with desk.transaction() as session:
        pay(session, number, NewPayment(100, "upi", UTR), "staff:1", "p:1", now)
        for payment, code in NO_PAYMENT:
            with pytest.raises(BillRefused) as refused:
                pay(session, number, payment, "staff:1", "p:2", now)
            assert refused.value.code == code, payment
        assert due_paise(session, find_bill(session, number)) == 59950


def test_a_cancelled_bill_keeps_its_number_and_takes_no_money(
    desk: Database, patient: Ids, now: datetime
) -> None:
    number = a_bill(desk, patient(1), now)
    with desk.transaction() as session:
        for reason in ("", " ", "x" * 201):
            with pytest.raises(BillRefused, match="reason"):
                cancel(session, number, reason, "staff:2", now)
        cancel(session, number, "Billed twice", "staff:2", now)
        with pytest.raises(BillRefused, match="cancelled"):
            cancel(session, number, "Again", "staff:2", now)
        with pytest.raises(BillRefused, match="cancelled"):
            pay(session, number, NewPayment(50, "cash"), "staff:1", "p", now)
        bill = find_bill(session, number)
        assert (bill.state, bill.cancel_reason, bill.cancelled_by) == (
            *("cancelled", "Billed twice"),
            "staff:2",
        )
        assert due_paise(session, bill) == 0
    a_bill(desk, patient(2), now)
    assert serials(desk) == ["SC/26-27/0001", "SC/26-27/0002"]


# --- evidence


CHANGES = [
    "UPDATE bills SET total_paise = 1",
    "UPDATE bills SET serial = 'X'",
    "UPDATE bills SET keep_until = '2000-01-01'",
    "DELETE FROM bills",
    "UPDATE bill_lines SET amount_paise = 1",
    "DELETE FROM bill_lines",
    "UPDATE bill_payments SET paise = 1",
    "DELETE FROM bill_payments",
]


def test_the_database_refuses_to_change_or_lose_a_bill(
    desk: Database, patient: Ids, now: datetime
) -> None:
    number = a_bill(desk, patient(1), now)
    with desk.transaction() as session:
        pay(session, number, NewPayment(100, "cash"), "staff:1", "p:1", now)
    for statement in CHANGES:
        refused = pytest.raises(DBAPIError, match="a bill is not changed")
        with refused, desk.transaction() as session:
            session.execute(text(statement))


def test_a_bill_goes_when_its_time_is_over_and_not_before(
    desk: Database, patient: Ids, now: datetime
) -> None:
    old = a_bill(desk, patient(1), datetime(2015, 5, 1, 6, tzinfo=timezone.utc))
    kept = a_bill(desk, patient(1), now)
    with desk.transaction() as session:
        pay(session, old, NewPayment(100, "cash"), "staff:1", "p:1", now)
    # told of a day far ahead, it still goes by the real one
    assert retention.purge(desk, now + timedelta(days=9000))["bills"] == 1
    with desk.reading() as session:
        assert [bill.id for bill in session.query(Bill)] == [kept]
        assert {line.bill_id for line in session.query(BillLine)} == {kept}
        assert session.query(Payment).count() == 0


def test_names_and_references_are_unreadable_at_rest(
    desk: Database, patient: Ids, now: datetime
) -> None:
    number = a_bill(desk, patient(1), now)
    with desk.transaction() as session:
        pay(session, number, NewPayment(100, "upi", UTR), "staff:1", "p:1", now)
        stored = [
            bytes(value)
            for query in (
                "SELECT recipient_name, supplier FROM bills",
                "SELECT description FROM bill_lines",
                "SELECT reference FROM bill_payments",
            )
            for value in session.execute(text(query)).one()
        ]
    for word in (b"Meena", b"Small", b"Session", UTR.encode()):
        assert all(word not in value for value in stored)


def test_of_two_contacts_that_are_one_person_the_bills_stay_together(
    desk: Database, now: datetime
) -> None:
    with desk.transaction() as session:
        older = int(ensure_contact(session, None, "IN.1").id)
    a_bill(desk, older, now)
    with desk.transaction() as session:
        person = int(ensure_contact(session, "+919000001000", None).id)
        ensure_contact(session, "+919000001000", "IN.1")
    with desk.reading() as session:
        assert session.get(Contact, older).merged_into_id == person
        assert [bill.serial for bill in bills_of(session, person)] == ["SC/26-27/0001"]
        assert {row.contact_id for row in session.query(Patient)} == {person}
