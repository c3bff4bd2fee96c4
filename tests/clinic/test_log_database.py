"""Engines, sessions, times, the writers' queue, and migrations."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterator, List
from zoneinfo import ZoneInfo

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, inspect, literal, select, text
from sqlalchemy.exc import IntegrityError, StatementError

import clinic.database
import clinic.migrate
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.database import now as this_moment
from clinic.migrate import is_current, migrate
from clinic.models import Base, Contact, Message
from clinic.settings import SettingsError, settings
from tests.message_log import arrives, contact, messages

ROOT = Path(__file__).resolve().parents[2]


# times


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "UTC", "America/St_Johns"])
def test_a_moment_comes_back_as_the_same_moment_in_utc(db: Database, zone: str) -> None:
    asha = arrives(db)
    moment = datetime(2026, 11, 23, 8, 30, 15, 123456, tzinfo=ZoneInfo(zone))
    with db.transaction() as session:
        session.get(Contact, asha).opted_out_at = moment
    stored = contact(db, asha).opted_out_at
    assert stored == moment
    assert stored.tzinfo is timezone.utc
    with db.reading() as session:
        assert session.query(Contact).filter(Contact.opted_out_at == moment).count() == 1
        later = moment + timedelta(microseconds=1)
        assert session.query(Contact).filter(Contact.opted_out_at >= later).count() == 0


def test_a_moment_without_a_zone_is_refused(db: Database) -> None:
    asha = arrives(db)
    with pytest.raises(StatementError, match="zone"), db.transaction() as session:
        session.get(Contact, asha).opted_out_at = datetime(2026, 11, 23)
    assert contact(db, asha).opted_out_at is None


def test_now_is_aware_and_utc() -> None:
    assert this_moment().tzinfo is timezone.utc


# transactions


def test_an_exception_leaves_nothing(db: Database) -> None:
    with pytest.raises(RuntimeError), db.transaction() as session:
        ensure_contact(session, "+919000000077", None)
        session.flush()
        raise RuntimeError("the power went")
    with db.reading() as session:
        assert session.execute(select(func.count(Contact.id))).scalar_one() == 0
    arrives(db)
    assert len(messages(db)) == 1, "the failed writer kept the queue"


def test_reading_writes_nothing(db: Database) -> None:
    asha = arrives(db)
    with db.reading() as session:
        session.get(Contact, asha).profile_name = "Nobody"
    assert contact(db, asha).profile_name is None


def test_an_error_of_the_database_does_not_quote_the_row(db: Database) -> None:
    with pytest.raises(IntegrityError) as refused, db.transaction() as session:
        session.add(
            Message(
                contact_id=1,
                direction="up",
                kind="text",
                author="patient",
                text="slipped disc",
                intent="back_pain",
                state="received",
            )
        )
    assert "slipped" not in str(refused.value)
    assert "parameters hidden" in str(refused.value)


def test_a_transaction_inside_a_transaction_says_so_instead_of_waiting_for_ever(
    sqlite_db: Database,
) -> None:
    with (
        sqlite_db.transaction(),
        pytest.raises(RuntimeError, match="inside"),
        sqlite_db.transaction(),
    ):
        pass


def test_sqlite_keeps_what_was_acknowledged_through_a_power_cut(sqlite_db: Database) -> None:
    with sqlite_db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


# the writers' queue

WRITER = """
import sys, time
from clinic.database import database
from clinic.contacts import ensure_contact
name, rows = sys.argv[1], int(sys.argv[2])
base = {"one": 10, "two": 20}[name]
db = database()
print("ready", flush=True)
sys.stdin.readline()
for number in range(rows):
    began = time.monotonic()
    with db.transaction() as session:
        ensure_contact(session, f"+91900{base}{number:05}", None)
    print(f"{time.monotonic():.6f} {time.monotonic() - began:.6f}", flush=True)
"""


def test_two_processes_write_beside_each_other_without_a_lock_error(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", str(sqlite_db.url))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name, "200"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for name in ("one", "two")
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdin is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            writer.stdin.write("go\n")
            writer.stdin.flush()
        told = [writer.communicate(timeout=120) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
    assert [writer.returncode for writer in writers] == [0, 0], [errors for _, errors in told]
    done = [[tuple(map(float, line.split())) for line in out.splitlines()] for out, _ in told]
    with sqlite_db.reading() as session:
        assert session.execute(select(func.count(Contact.id))).scalar_one() == 400
    # fair: neither had to wait until the other had done most of its work
    first_end = min(rows[-1][0] for rows in done)
    assert all(len([at for at, _ in rows if at <= first_end]) >= 40 for rows in done)
    assert max(waited for rows in done for _, waited in rows) < 10


def test_threads_write_beside_each_other(db: Database) -> None:
    problems: List[BaseException] = []

    def write(number: int) -> None:
        try:
            for turn in range(10):
                arrives(db, phone=f"+9190001{number:02}{turn:03}")
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(messages(db)) == 80


def test_a_reader_does_not_wait_for_a_writer(sqlite_db: Database) -> None:
    asha = arrives(sqlite_db)
    with sqlite_db.transaction() as session:
        session.get(Contact, asha).language = "hi"
        session.flush()
        began = time.monotonic()
        assert contact(sqlite_db, asha).language == "en"
        assert time.monotonic() - began < 5


# where the database is


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "",
        "postgres://sandhi:hunter2@db/sandhi",
        "mysql://sandhi:hunter2@db/sandhi",
        "postgresql://sandhi:hunter2@db:port/sandhi",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_database_that_cannot_be_is_refused_by_name_and_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Database(url)
    assert "DATABASE_URL" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_database_of_this_process_is_the_one_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'new' / 'folder' / 'x.db'}")
    settings.cache_clear()
    clinic.database.database.cache_clear()
    try:
        mine = clinic.database.database()
        assert mine is clinic.database.database()
        migrate(mine)
        assert (tmp_path / "new" / "folder" / "x.db").exists()
        mine.dispose()
    finally:
        clinic.database.database.cache_clear()


# migrations


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    yield database
    database.dispose()


@pytest.fixture
def empty_postgres(postgres_url: str) -> Iterator[Database]:
    """A database of its own on the server of this test run, with no table."""
    name = f"empty_{time.monotonic_ns()}"
    server = create_engine(postgres_url, future=True, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    database = Database(server.url.set(database=name).render_as_string(hide_password=False))
    yield database
    database.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"empty_{request.param}")


def test_migrated_from_nothing_the_schema_is_that_of_the_models(empty: Database) -> None:
    assert not is_current(empty)
    migrate(empty)
    assert is_current(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        made = {
            index["name"]
            for table in Base.metadata.tables
            for index in inspect(connection).get_indexes(table)
        }
        written = dict(
            connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
                if empty.is_sqlite
                else text("SELECT indexname, indexdef FROM pg_indexes")
            ).all()
        )
        checks = {
            (table, check["name"])
            for table in Base.metadata.tables
            for check in inspect(connection).get_check_constraints(table)
        }
    indexes = [index for table in Base.metadata.sorted_tables for index in table.indexes]
    assert made >= {index.name for index in indexes}
    assert ("messages", "ck_messages_state") in checks
    # alembic does not compare the conditions of partial indexes
    for index in indexes:
        condition = index.dialect_options["sqlite"]["where"]
        if condition is not None:
            for word in str(condition).replace("'", " ").split():
                assert word in written[index.name], f"{index.name} lacks {word}"


def test_a_migrated_database_works_and_migrating_again_changes_nothing(empty: Database) -> None:
    migrate(empty)
    asha = arrives(empty, "hello")
    migrate(empty)
    assert [message.text for message in messages(empty, asha)] == ["hello"]


def test_processes_that_migrate_at_once_do_not_trip_over_each_other(empty: Database) -> None:
    problems: List[BaseException] = []
    gate = threading.Barrier(4)

    def run() -> None:
        try:
            gate.wait(10)
            subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "import sys; from clinic.database import Database;"
                    "from clinic.migrate import migrate; migrate(Database(sys.argv[1]))",
                    empty.url.render_as_string(hide_password=False),
                ],
                check=True,
                capture_output=True,
                cwd=ROOT,
            )
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, [getattr(problem, "stderr", problem) for problem in problems]
    assert is_current(empty)


def test_a_migration_that_fails_leaves_nothing_half_made(
    empty: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "migrations"
    shutil.copytree(clinic.migrate.HERE, broken, ignore=shutil.ignore_patterns("__pycache__"))
    first = broken / "versions" / "0001_the_first_schema.py"
    whole = first.read_text("utf-8")
    cut = whole.index("def downgrade")
    first.write_text(
        whole[:cut].rstrip() + "\n    raise RuntimeError('the power went')\n\n\n" + whole[cut:],
        "utf-8",
    )
    with monkeypatch.context() as patched:
        patched.setattr(clinic.migrate, "HERE", broken)
        with pytest.raises(RuntimeError, match="power"):
            migrate(empty)
    with empty.engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    migrate(empty)
    assert is_current(empty)


async def test_sqlite_is_asked_where_it_is_thought_and_postgresql_aside(db: Database) -> None:
    """Beside a thinking thread each statement to SQLite would wait for the interpreter."""

    def read(name: str) -> tuple[str, int]:
        with db.reading() as session:
            return session.execute(select(literal(name))).scalar_one(), threading.get_ident()

    found, thread = await db.aside(read, "asked")
    assert found == "asked"
    assert (thread == threading.get_ident()) == db.is_sqlite
