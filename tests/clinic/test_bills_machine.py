"""Nobody skips a number of a bill, and sums stay right: threads that race, and random histories."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from shutil import copy
from typing import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from clinic.bills.issuing import issue
from clinic.bills.paying import NewPayment, cancel, due_paise, pay
from clinic.bills.terms import BillRefused, NewLine
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.models import Bill, Payment
from clinic.profile import Profile
from tests.clinic.bills import a_bill, billing_clinic, wanted
from tests.clinic.machines import DEEPER, PHASES
from tests.clinic.racing import race

Ids = Callable[[int], int]
THREADS = 12


def test_who_issue_at_once_get_consecutive_numbers(
    clinic: Database, small_profile: Profile, patient: Ids, now: datetime
) -> None:
    billing_clinic(clinic, small_profile)
    contacts = [patient(number) for number in range(THREADS)]

    def work(number: int) -> int:
        with clinic.transaction() as session:
            made = issue(session, wanted(contacts[number]), "staff:1", f"race:{number}", now).id
            if number % 3 == 2:
                # this one comes to nothing after it had its number
                raise BillRefused("contact")
            return made

    outcomes = [str(one) for one in race(work, THREADS, BillRefused)]
    assert outcomes.count("contact") == THREADS // 3
    with clinic.reading() as session:
        numbers = session.execute(select(Bill.number).order_by(Bill.number)).scalars().all()
    assert numbers == list(range(1, THREADS - THREADS // 3 + 1))


def test_one_form_sent_at_once_is_one_bill(
    clinic: Database, small_profile: Profile, patient: Ids, now: datetime
) -> None:
    billing_clinic(clinic, small_profile)
    contact = patient(1)

    def work(_number: int) -> int:
        with clinic.transaction() as session:
            return issue(session, wanted(contact), "staff:1", "desk:one", now).id

    assert len(set(race(work, THREADS, BillRefused))) == 1
    with clinic.reading() as session:
        assert session.execute(select(func.count(Bill.id))).scalar_one() == 1


def test_who_take_money_at_once_never_take_more_than_is_due(
    clinic: Database, small_profile: Profile, patient: Ids, now: datetime
) -> None:
    billing_clinic(clinic, small_profile)
    number = a_bill(clinic, patient(1), now, NewLine("Session", 1, 50000, "9993"))

    def work(which: int) -> int:
        with clinic.transaction() as session:
            return pay(session, number, NewPayment(20000, "cash"), "s", f"pay:{which}", now).id

    outcomes = [str(one) for one in race(work, THREADS, BillRefused)]
    assert outcomes.count("over") == THREADS - 2
    with clinic.reading() as session:
        bill = session.get(Bill, number)
        assert (bill.state, due_paise(session, bill)) == ("issued", 10000)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["issue", "issue", "refused", "rolled back", "pay", "pay", "cancel"]),
        st.integers(0, 8),
        st.integers(1, 70000),
    ),
    max_size=20,
)


@given(steps=STEPS)
@settings(
    max_examples=int(DEEPER or 15),
    deadline=None,
    derandomize=DEEPER is None,
    database=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_numbers_are_consecutive_and_sums_right_on_sqlite(
    steps: list[tuple[str, int, int]],
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    small_profile: Profile,
    now: datetime,
) -> None:
    file = tmp_path_factory.mktemp("bills") / "clinic.db"
    copy(sqlite_template, file)
    db = Database(f"sqlite:///{file}")
    billing_clinic(db, small_profile)
    with db.transaction() as session:
        contact = int(ensure_contact(session, "+919000001000", None).id)
    issued = 0
    for number, (what, which, paise) in enumerate(steps):
        before = issued
        try:
            with db.transaction() as session:
                if what in ("pay", "cancel"):
                    if what == "pay":
                        payment = NewPayment(paise, "cash")
                        pay(session, 1 + which, payment, "staff:1", f"p{number}", now)
                    else:
                        cancel(session, 1 + which, "Wrong", "staff:1", now)
                else:
                    sac = "9021" if what == "refused" else "9993"
                    lines = [NewLine("Session", 1 + which, paise, sac)]
                    issue(session, wanted(contact, *lines), "staff:1", f"i{number}", now)
                    assert what != "refused"
                    issued += 1
                    if what == "rolled back":
                        raise BillRefused("contact")
        except BillRefused:
            issued = before
    with db.reading() as session:
        bills = session.execute(select(Bill).order_by(Bill.number)).scalars().all()
        assert [bill.number for bill in bills] == list(range(1, issued + 1))
        for bill in bills:
            assert sum(line.amount_paise for line in bill.lines) == bill.total_paise
            came = sum(
                session.execute(select(Payment.paise).where(Payment.bill_id == bill.id)).scalars()
            )
            assert came <= bill.total_paise
            if bill.state != "cancelled":
                assert (bill.state == "paid") == (came == bill.total_paise)
                assert due_paise(session, bill) == bill.total_paise - came
    db.dispose()
