"""Accounts on both databases: unique, hashed, sealed at rest, and hard to guess at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
import time_machine
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from clinic import staff, tokens, two_steps
from clinic.database import Database, now
from clinic.models import Staff
from clinic.staff import LOCK, TRIES_BEFORE_LOCK, StaffError

PASSWORD = "three invented words"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 as weak as it goes: it is meant to be slow."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(staff, "hasher", quick)
    monkeypatch.setattr(staff, "_unknown", [])


@pytest.fixture
def asha(db: Database) -> int:
    """Asha's account."""
    with db.transaction() as session:
        return int(staff.add(session, "asha@x.example", "Asha", "manager", PASSWORD).id)


def test_nothing_of_an_account_is_readable_at_rest(db: Database, asha: int) -> None:
    with db.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM staff")).one()
    stored = " ".join(
        bytes(value).decode("latin-1") if isinstance(value, (bytes, memoryview)) else str(value)
        for value in row
    )
    assert "$argon2id$" in stored
    for word in ("asha", "Asha", PASSWORD):
        assert word not in stored


def test_a_login_is_found_in_whatever_capitals(db: Database, asha: int) -> None:
    assert staff.check_sign_in(db, " ASHA@x.example ", PASSWORD) is not None
    assert staff.check_sign_in(db, "asha@x.example", PASSWORD.upper()) is None


@pytest.mark.parametrize(
    ("login", "name"),
    [("asha@x.example", "Other"), ("ASHA@x.example", "Other"), ("other", "asha"),
     ("other", " ASHA ")],
)  # fmt: skip
def test_logins_and_names_are_unique(db: Database, asha: int, login: str, name: str) -> None:
    with pytest.raises(StaffError), db.transaction() as session:
        staff.add(session, login, name, "manager", PASSWORD)


def test_of_two_accounts_made_at_once_with_one_name_one_stands(db: Database) -> None:
    def make(number: int) -> bool:
        try:
            with db.transaction() as session:
                staff.add(session, f"login{number}", "Same Name", "manager", PASSWORD)
        except (StaffError, IntegrityError):
            return False
        return True

    with ThreadPoolExecutor(5) as crowd:
        assert sum(crowd.map(make, range(5))) == 1


def test_the_lock_counts_every_guess_however_many_come_at_once(db: Database, asha: int) -> None:
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda _n: staff.check_sign_in(db, "asha@x.example", "guess"), range(8)))
    assert TRIES_BEFORE_LOCK == 8
    assert staff.check_sign_in(db, "asha@x.example", PASSWORD) is None
    with time_machine.travel(now() + LOCK + timedelta(seconds=1)):
        assert staff.check_sign_in(db, "asha@x.example", PASSWORD) is not None


def test_a_right_password_forgets_the_wrong_ones(db: Database, asha: int) -> None:
    for _round in range(3):
        for _try in range(TRIES_BEFORE_LOCK - 1):
            assert staff.check_sign_in(db, "asha@x.example", "guess") is None
        person = staff.check_sign_in(db, "asha@x.example", PASSWORD)
        assert person is not None
        with db.transaction() as session:
            staff.signed_in(session, session.get(Staff, person.id))


def test_of_two_who_use_one_code_at_once_one_is_let_in(db: Database, asha: int) -> None:
    with db.transaction() as session:
        person = session.get(Staff, asha)
        two_steps.begin(person)
        code = pyotp.TOTP(person.totp_pending).at(now())
        assert two_steps.confirm(session, person, code)

    def use(_number: int) -> bool:
        with db.transaction() as session:
            return two_steps.check_code(session, session.get(Staff, asha), code)

    with ThreadPoolExecutor(5) as crowd:
        assert sum(crowd.map(use, range(5))) == 1


@pytest.mark.parametrize("drift", [-30, 0, 30])
def test_a_clock_may_be_half_a_minute_off(db: Database, asha: int, drift: int) -> None:
    with db.transaction() as session:
        person = session.get(Staff, asha)
        two_steps.begin(person)
        code = pyotp.TOTP(person.totp_pending).at(now() + timedelta(seconds=drift))
        assert two_steps.confirm(session, person, code)


def test_a_made_password_will_do() -> None:
    for _time in range(50):
        staff.check_password(staff.generate_password(), "asha", "Asha")


def test_a_token_is_kept_as_a_hash_and_found_by_itself_alone(db: Database) -> None:
    with db.transaction() as session:
        _token, clear = tokens.add(session, "help desk", ["handoffs:read", "handoffs:read"])
    with db.engine.connect() as connection:
        assert clear not in str(connection.execute(text("SELECT * FROM api_tokens")).all())
    with db.reading() as session:
        found = tokens.find(session, clear)
        assert found is not None and tokens.scopes_of(found) == {"handoffs:read"}
        for other in ("", clear[:-1], clear + "x", clear.upper()):
            assert tokens.find(session, other) is None
