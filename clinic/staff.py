"""Accounts of the people who answer patients: adding, changing, checking a password."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import List, Optional

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from clinic.audit import record, tidy
from clinic.crypto import lookup_hash
from clinic.database import Database, now
from clinic.models import Staff
from clinic.models.staff import MANAGER, ROLES

LONGEST_LOGIN = 80
LONGEST_NAME = 80
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
TRIES_BEFORE_LOCK = 8
LOCK = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=5)

# RFC 9106's second recommended choice (64 MiB, three passes) is argon2-cffi's default
hasher = PasswordHasher()
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,79}")
# every password that guessing programs try first is short, or one of these with figures behind
_COMMON = ("password", "qwerty", "welcome", "letmein", "admin", "sandhi", "clinic", "physio")


class StaffError(Exception):
    """An account cannot be made or changed like that; the message is a sentence for people."""


def add(
    session: Session,
    login: str,
    name: str,
    role: str,
    password: str,
    by: str = "cli",
    must_change: bool = False,
) -> Staff:
    """A new account.

    Raises:
        StaffError: if the login, the name, the role or the password will not do.
    """
    login, name = clean_login(login), " ".join(name.split())
    _check_role(role)
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise StaffError(f"Give a name of 1 to {LONGEST_NAME} characters.")
    check_password(password, login, name)
    if find(session, login) is not None:
        raise StaffError("There is an account with this login already.")
    name_hash = lookup_hash(tidy(name))
    if session.execute(select(Staff.id).where(Staff.name_hash == name_hash)).first():
        raise StaffError("There is an account with this name already: names sign the replies.")
    person = Staff(
        login=login,
        name=name,
        name_hash=name_hash,
        role=role,
        password_hash=hasher.hash(password),
        must_change_password=must_change,
    )
    session.add(person)
    session.flush()
    record(session, by, "staff_added", f"staff:{person.id}", {"role": role})
    return person


def clean_login(login: str) -> str:
    """A login as it is stored.

    Raises:
        StaffError: if it cannot be one.
    """
    cleaned = login.strip().lower()
    if not _LOGIN.fullmatch(cleaned):
        raise StaffError("A login has 2 to 80 letters, figures or . _ @ + - (an e-mail will do).")
    return cleaned


def check_password(password: str, login: str, name: str) -> None:
    """Refuse what is guessed first (NIST SP 800-63B: length and a list, no rules).

    Raises:
        StaffError: saying what is wrong with it.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise StaffError(
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; "
            "three or four words that do not belong together are a good one."
        )
    plain = re.sub(r"[^a-z]", "", password.lower())
    known = {re.sub(r"[^a-z]", "", part) for part in (*_COMMON, login, *name.lower().split())}
    if len(set(password)) < 5 or plain in known or plain == "":
        raise StaffError("This password is among the first to be guessed; take another.")


def generate_password() -> str:
    """A password that can be read out: sixteen letters and figures without look-alikes."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(4))


def find(session: Session, login: str) -> Optional[Staff]:
    """The account with this login, active or not."""
    return session.execute(
        select(Staff).where(Staff.login == login.strip().lower())
    ).scalar_one_or_none()


def everyone(session: Session) -> List[Staff]:
    """Every account, in the order in which they were made."""
    return list(session.execute(select(Staff).order_by(Staff.id)).scalars())


def set_role(session: Session, person: Staff, role: str, by: str) -> None:
    """Give another role; open sessions have it at once.

    Raises:
        StaffError: if there is no such role, or nobody would be left to manage.
    """
    _check_role(role)
    if person.role == MANAGER and role != MANAGER:
        _keep_a_manager(session, person)
    person.role = role
    record(session, by, "staff_changed", f"staff:{person.id}", {"role": role})


def set_active(session: Session, person: Staff, active: bool, by: str) -> None:
    """Shut an account (its sessions end now) or open it again.

    Raises:
        StaffError: if nobody would be left to manage.
    """
    if not active:
        _keep_a_manager(session, person)
        person.session_epoch += 1
    person.active = active
    what = "staff_enabled" if active else "staff_disabled"
    record(session, by, what, f"staff:{person.id}")


def reset(session: Session, person: Staff, password: str, by: str) -> None:
    """A new password to be changed at once, two-step sign-in off, locks off, signed out everywhere.

    Raises:
        StaffError: if the password will not do.
    """
    _set_password(person, password)
    person.must_change_password = True
    person.totp_secret = person.totp_pending = None
    record(session, by, "staff_reset", f"staff:{person.id}")


def change_password(session: Session, person: Staff, password: str) -> None:
    """The person's own new password; every other session of theirs ends.

    Raises:
        StaffError: if it will not do.
    """
    _set_password(person, password)
    person.must_change_password = False
    record(session, f"staff:{person.id}", "password_changed", f"staff:{person.id}")


def sign_out_everywhere(session: Session, person: Staff) -> None:
    """End every session of the person."""
    person.session_epoch += 1
    record(session, f"staff:{person.id}", "signed_out_everywhere", f"staff:{person.id}")


def check_sign_in(database: Database, login: str, password: str) -> Optional[Staff]:
    """The person who signs in so, or None.

    Takes the time of one hash whether there is such an account or not, with no transaction open
    meanwhile, and counts failures; after `TRIES_BEFORE_LOCK` in a row the account refuses
    everything for `LOCK`.
    """
    with database.reading() as session:
        known = find(session, login)
    fits = _matches(known.password_hash if known is not None else _nobodys_hash(), password)
    with database.transaction() as session:
        person = session.get(Staff, known.id) if known is not None else None
        if person is None or known is None or not person.active:
            record(session, "nobody", "sign_in_failed", "staff", {"why": "unknown"})
            return None
        if person.locked_until is not None and person.locked_until > now():
            record(session, "nobody", "sign_in_failed", f"staff:{person.id}", {"why": "locked"})
            return None
        # changed while we were hashing: what was checked is no longer what stands
        if not fits or person.password_hash != known.password_hash:
            count_failure(session, person, "password")
            return None
        return person


def verify(database: Database, staff_id: int, password: str) -> bool:
    """Whether this is the person's password: asked again before what matters; failures count."""
    with database.reading() as session:
        person = session.get(Staff, staff_id)
    if person is None:
        return False
    locked = person.locked_until is not None and person.locked_until > now()
    fits = _matches(person.password_hash, password)
    if not fits:
        with database.transaction() as session:
            standing = session.get(Staff, staff_id)
            if standing is not None:
                count_failure(session, standing, "password")
    return fits and not locked


def count_failure(session: Session, person: Staff, why: str) -> None:
    """One more wrong password or code in a row; at the limit the account locks for a while."""
    session.execute(
        update(Staff)
        .where(Staff.id == person.id)
        .values(failed_tries=Staff.failed_tries + 1)
        .execution_options(synchronize_session=False)
    )
    session.refresh(person)
    if person.failed_tries >= TRIES_BEFORE_LOCK:
        person.locked_until = now() + LOCK
        person.failed_tries = 0
    record(session, "nobody", "sign_in_failed", f"staff:{person.id}", {"why": why})


def signed_in(session: Session, person: Staff) -> None:
    """Forget the failures; note when."""
    person.failed_tries, person.locked_until, person.last_seen_at = 0, None, now()
    record(session, f"staff:{person.id}", "signed_in", f"staff:{person.id}")


def _set_password(person: Staff, password: str) -> None:
    check_password(password, person.login, person.name)
    person.password_hash = hasher.hash(password)
    person.session_epoch += 1
    person.failed_tries, person.locked_until = 0, None


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise StaffError(f"A role is one of {', '.join(ROLES)}.")


def _keep_a_manager(session: Session, person: Staff) -> None:
    others = select(Staff.id).where(
        Staff.role == MANAGER, Staff.active.is_(True), Staff.id != person.id
    )
    if person.role == MANAGER and session.execute(others.limit(1)).first() is None:
        raise StaffError("This is the only manager: make somebody else one first.")


def _matches(stored: str, password: str) -> bool:
    try:
        return bool(hasher.verify(stored, password[:LONGEST_PASSWORD]))
    except (VerificationError, InvalidHashError):
        return False


_unknown: List[str] = []


def _nobodys_hash() -> str:
    """A hash that no password fits, made with the present parameters."""
    if not _unknown:
        _unknown.append(hasher.hash(secrets.token_urlsafe(32)))
    return _unknown[0]
