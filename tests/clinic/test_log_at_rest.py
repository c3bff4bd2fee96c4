"""What lies on the disk: no word, name, number or wamid of anybody, and keys that can change."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import List

import pytest
from sqlalchemy import text as sql

from clinic.contacts import ensure_contact
from clinic.crypto import (
    CannotDecrypt,
    decrypt,
    encrypt,
    lookup_hash,
    new_key,
    new_secret,
    rotate,
)
from clinic.database import Database
from clinic.handoffs import open_handoff
from clinic.inbound import store_dead_letter
from clinic.models import Base, DoneWork, Message, Patient, Tracker
from clinic.settings import SettingsError, settings
from clinic.turns import TurnResult, commit_turn
from tests.message_log import arrives, begun, claimed, menu, messages, planned

PHONE = "+919000012345"
BSUID = "IN.13491208655302741918"
WAMID = "wamid.HBgMOTE5MDAwMDEyMzQ1FQIAEhgUM0E="
SECRETS = [
    PHONE,
    PHONE[1:],
    PHONE[-10:],
    BSUID,
    WAMID,
    WAMID.split(".")[1],
    "Sunitha Kulkarni",
    "घुटना",
    "slipped disc",
    "L4-L5",
    "come at five",
    "clinicians note",
    "quoted headline",
    "Knee or hip",
    "unreadable update",
    "what Rasa saw",
    "what was done",
    "Nikhil",
]


def spellings(secret: str) -> List[bytes]:
    """The secret as a file may hold it: plain, UTF-16, escaped, base64, hexadecimal."""
    plain = secret.encode()
    return [
        plain,
        secret.encode("utf-16-le"),
        secret.encode("unicode_escape"),
        base64.b64encode(plain)[: len(plain) // 3 * 4],
        plain.hex().encode(),
    ]


def live_through_a_day(db: Database) -> None:
    """Every table that keeps somebody's words gets some."""
    contact_id = arrives(
        db,
        "मेरा घुटना, slipped disc L4-L5",
        phone=PHONE,
        bsuid=BSUID,
        profile_name="Sunitha Kulkarni",
        wamid=WAMID,
        reply_to=WAMID + "X",
        content={"referral": {"headline": "quoted headline"}},
    )
    waiting = messages(db, contact_id)[0]
    with db.transaction() as session:
        result = TurnResult(
            waiting.id,
            contact_id,
            [menu("Knee or hip")],
            tracker_events=[{"event": "user", "text": "what Rasa saw"}],
        )
        commit_turn(session, result)
        store_dead_letter(session, "unknown", {"raw": "unreadable update"})
        session.add(Patient(contact_id=contact_id, name="Nikhil", note="clinicians note"))
        session.add(DoneWork(cause="1:x", result={"was": "what was done"}))
        handoff = open_handoff(session, contact_id, "clinical")
        handoff.note = "clinicians note"
    planned(db, contact_id, "come at five")
    begun(db, claimed(db))


def found_in(content: bytes) -> List[str]:
    return [secret for secret in SECRETS if any(form in content for form in spellings(secret))]


def test_the_files_of_sqlite_hold_nobodys_words(sqlite_db: Database) -> None:
    live_through_a_day(sqlite_db)
    database_file = Path(sqlite_db.url.database)
    files = sorted(database_file.parent.glob(f"{database_file.name}*"))
    assert any(file.name.endswith("-wal") and file.stat().st_size for file in files)
    for file in files:
        assert found_in(file.read_bytes()) == [], f"readable in {file.name}"
    with sqlite_db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert found_in(database_file.read_bytes()) == [], "readable after the checkpoint"


def test_a_dump_of_every_table_holds_nobodys_words(db: Database) -> None:
    live_through_a_day(db)
    dump = bytearray()
    with db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for line in connection.execute(sql(f'SELECT * FROM "{table.name}"')):
                for value in line:
                    plain = isinstance(value, (bytes, memoryview))
                    dump += bytes(value) if plain else str(value).encode()
                    dump += b"\n"
    assert len(dump) > 2000
    assert found_in(bytes(dump)) == []


def test_the_search_for_words_finds_them_where_they_are() -> None:
    for secret in SECRETS:
        assert secret in found_in(b"xx" + secret.encode() + b"yy")
        assert secret in found_in(base64.b64encode(secret.encode()))


def test_the_house_reads_what_it_wrote(db: Database) -> None:
    live_through_a_day(db)
    first = messages(db)[0]
    assert first.text == "मेरा घुटना, slipped disc L4-L5"
    assert (first.wamid, first.reply_to) == (WAMID, WAMID + "X")
    with db.reading() as session:
        assert session.get(Tracker, str(first.contact_id)).events[0]["text"] == "what Rasa saw"


def test_the_same_words_are_stored_differently_every_time(db: Database) -> None:
    assert encrypt(b"hello") != encrypt(b"hello")


@pytest.fixture
def keys_become(monkeypatch: pytest.MonkeyPatch) -> object:
    """`keys_become("new,old")`: what SANDHI_ENCRYPTION_KEYS says from now on."""

    def change(keys: str) -> None:
        monkeypatch.setenv("SANDHI_ENCRYPTION_KEYS", keys)
        settings.cache_clear()

    return change


def test_after_a_rotation_old_rows_are_read_and_new_ones_need_the_new_key(
    db: Database, keys_become: object
) -> None:
    old, new = settings().encryption_keys, new_key()
    contact_id = arrives(db, "before")
    keys_become(f"{new},{old}")
    arrives(db, "after")
    stored = encrypt(b"x")
    assert [m.text for m in messages(db, contact_id)] == ["before", "after"]

    keys_become(new)
    assert decrypt(stored) == b"x"
    with pytest.raises(CannotDecrypt, match="SANDHI_ENCRYPTION_KEYS"):
        messages(db, contact_id)


def test_rotating_a_value_lets_the_old_key_go(keys_become: object) -> None:
    old, new = settings().encryption_keys, new_key()
    stored = encrypt("घुटना".encode())
    keys_become(f"{new},{old}")
    rotated = rotate(stored)
    keys_become(new)
    assert decrypt(rotated).decode() == "घुटना"
    with pytest.raises(CannotDecrypt):
        rotate(stored)


def test_a_wrong_key_says_so_and_quotes_nothing(db: Database, keys_become: object) -> None:
    arrives(db, "slipped disc")
    keys_become(new_key())
    with pytest.raises(CannotDecrypt) as refused:
        messages(db)
    told = f"{refused.value!r}"
    assert "SANDHI_ENCRYPTION_KEYS" in told
    assert "slipped" not in told
    assert refused.value.__cause__ is None


def test_a_changed_value_is_noticed() -> None:
    stored = bytearray(encrypt(b"hello"))
    stored[20] ^= 1
    with pytest.raises(CannotDecrypt):
        decrypt(bytes(stored))


def test_another_secret_key_finds_nobody_and_says_so(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrives(db, phone=PHONE, wamid=WAMID)
    before = lookup_hash(PHONE)
    monkeypatch.setenv("SANDHI_SECRET_KEY", new_secret())
    settings.cache_clear()
    assert lookup_hash(PHONE) != before
    with pytest.raises(CannotDecrypt, match="SANDHI_SECRET_KEY"):
        messages(db)


@pytest.mark.parametrize("missing", ["SANDHI_SECRET_KEY", "SANDHI_ENCRYPTION_KEYS"])
def test_without_a_key_nothing_is_stored_in_the_clear(
    db: Database, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setenv(missing, "")
    settings.cache_clear()
    with pytest.raises(Exception, match=missing), db.transaction() as session:
        ensure_contact(session, PHONE, None)
    with pytest.raises(SettingsError, match=missing):
        encrypt(b"x")
        lookup_hash("x")


def test_a_wamid_is_found_again_and_is_unique(db: Database) -> None:
    arrives(db, wamid=WAMID)
    arrives(db, wamid=WAMID)
    with db.reading() as session:
        assert session.query(Message).filter(Message.wamid == WAMID).one().wamid == WAMID
        assert session.query(Message).filter(Message.wamid == WAMID + "x").first() is None
