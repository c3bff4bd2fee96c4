"""The audit log on both databases: it takes codes only, and lets go of nothing before its time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from clinic import audit, staff
from clinic.audit import Wanted, record
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.handoffs import open_handoff
from clinic.migrate import migrate
from clinic.models import AuditEntry
from clinic.models.audit import KEPT_DAYS


def note(db: Database, **more: object) -> None:
    with db.transaction() as session:
        record(session, "cli", "reply", "contact:7", more or None)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET who = 'somebody'", "DELETE FROM audit", "DELETE FROM audit WHERE id > 0"],
)
def test_an_entry_can_be_neither_changed_nor_deleted(db: Database, statement: str) -> None:
    note(db)
    with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
        session.execute(text(statement))
    with db.reading() as session:
        assert session.execute(select(AuditEntry.who)).scalars().all() == ["cli"]


def test_on_postgresql_it_cannot_be_truncated_either(postgres_db: Database) -> None:
    note(postgres_db)
    with pytest.raises(DBAPIError, match="append-only"), postgres_db.transaction() as session:
        session.execute(text("TRUNCATE audit"))


def test_what_is_older_than_a_year_may_be_purged(db: Database) -> None:
    note(db)
    with db.transaction() as session:
        old = now() - timedelta(days=KEPT_DAYS + 1)
        session.add(AuditEntry(at=old, who="cli", what="reply", subject="contact:1"))
    with db.transaction() as session:
        session.execute(text("DELETE FROM audit WHERE subject = 'contact:1'"))
    with db.reading() as session:
        assert [e.subject for e in audit.find(session, Wanted(10))] == ["contact:7"]


def test_the_migration_brings_the_guard_along(sqlite_db: Database, tmp_path: object) -> None:
    fresh = Database(f"sqlite:///{tmp_path}/fresh.db")
    migrate(fresh)
    note(fresh)
    with pytest.raises(DBAPIError, match="append-only"), fresh.transaction() as session:
        session.execute(text("DELETE FROM audit"))
    fresh.dispose()


def test_words_are_withheld_and_codes_kept(db: Database) -> None:
    note(db, outcome="called", count=3, text="my knee hurts", ok=True)
    with db.reading() as session:
        detail = audit.find(session, Wanted(1))[0].detail
    assert detail == '{"count":3,"ok":true,"outcome":"called","text":"withheld"}'


@pytest.mark.parametrize("subject", ["Meena Joshi", "contact:+91 90000", "", "x" * 90])
def test_a_subject_is_a_code(db: Database, subject: str) -> None:
    with pytest.raises(ValueError, match="codes"), db.transaction() as session:
        record(session, "cli", "reply", subject)


def test_a_name_is_kept_as_its_accounts_number(db: Database) -> None:
    with db.transaction() as session:
        person = staff.add(session, "asha", "Asha Verma", "manager", "three invented words")
        number = person.id
    with db.transaction() as session:
        record(session, "asha  verma", "claim", "handoff:1")
        record(session, "Somebody Else", "claim", "handoff:1")
    with db.reading() as session:
        stranger, known = [entry.who for entry in audit.find(session, Wanted(2))]
    assert known == f"staff:{number}"
    assert stranger.startswith("named:") and "Else" not in stranger


def test_whose_record_it_concerns_is_found_out(db: Database) -> None:
    with db.transaction() as session:
        contact = ensure_contact(session, "+919000000801", None)
        session.flush()
        made = open_handoff(session, int(contact.id), "request")
        record(session, "cli", "claim", f"handoff:{made.id}")
        record(session, "cli", "book", "calendar", {"contact": int(contact.id)})
        number = int(contact.id)
    with db.reading() as session:
        assert len(audit.find(session, Wanted(10, contact_id=number))) == 2


def test_searching_by_person_act_and_time_page_by_page(db: Database) -> None:
    with db.transaction() as session:
        for number in range(5):
            record(session, f"staff:{number % 2}", "reply", f"contact:{number}")
        record(session, "staff:1", "claim", "contact:1")
    with db.reading() as session:
        mine = audit.find(session, Wanted(10, who="staff:1", what="reply"))
        assert [entry.contact_id for entry in mine] == [3, 1]
        first = audit.find(session, Wanted(4))
        rest = audit.find(session, Wanted(4, before=int(first[-1].id)))
        assert len(first) + len(rest) == 6
        hour = timedelta(hours=1)
        assert audit.find(session, Wanted(10, until=now() - hour)) == []
        assert len(audit.find(session, Wanted(10, since=now() - hour))) == 6


def test_the_address_is_kept_as_a_keyed_hash_of_the_thread_that_serves_it(db: Database) -> None:
    audit.serving("203.0.113.9")
    try:
        note(db)
    finally:
        audit.serving(None)
    note(db)
    with db.reading() as session:
        later, first = audit.find(session, Wanted(2))
    assert later.address_hash is None
    assert first.address_hash is not None and "203" not in first.address_hash[:3]
