"""Commands, their help, their exit codes, and what they say when they cannot."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Callable, Dict

import pytest
import typer

from sandhi.cli import app
from tests.house import ROOT
from tests.sandhi_cli.conftest import Tool

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
Refused = Callable[..., str]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(sandhi: Tool, command: str) -> None:
    done = sandhi(command, "--help")
    assert done.returncode == 0
    assert f"sandhi {command}" in done.stdout
    described = [line for line in done.stdout.splitlines() if line.strip() and "Usage" not in line]
    assert described[0].strip("│ ").strip().endswith((".", ")")) or command == "welcome"


def test_the_tool_itself_lists_its_commands(sandhi: Tool) -> None:
    done = sandhi("--help")
    assert done.returncode == 0
    for command in set(COMMANDS) - {"welcome"}:
        assert re.search(rf"\b{command}\b", done.stdout), command


@pytest.mark.parametrize("arguments", [["nonsense"], ["up", "--nonsense"], ["worker", "extra"]])
def test_what_it_does_not_know_ends_with_two(sandhi: Tool, arguments: list[str]) -> None:
    done = sandhi(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_keys_are_fresh_and_fit(sandhi: Tool) -> None:
    first, second = sandhi("keys").stdout, sandhi("keys").stdout
    lines = dict(line.split("=", 1) for line in first.splitlines())
    assert set(lines) == {
        "SANDHI_SECRET_KEY",
        "SANDHI_ENCRYPTION_KEYS",
        "WHATSAPP_VERIFY_TOKEN",
        "INBOX_API_TOKEN",
    }
    assert not set(first.splitlines()) & set(second.splitlines())
    assert sandhi("init", **lines).returncode == 0


def test_init_and_demo_may_be_repeated(sandhi: Tool, tmp_path: Path) -> None:
    counts = []
    for _ in range(2):
        for command in ("init", "demo"):
            done = sandhi(command)
            assert done.returncode == 0, done.stderr
        with sqlite3.connect(tmp_path / "clinic.db") as connection:
            tables = ("contacts", "appointments", "services", "clinicians", "closures")
            counts.append(
                [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables]
            )
    assert counts[0] == counts[1]
    assert all(counts[0])


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"SANDHI_ENCRYPTION_KEYS": ""}, "SANDHI_ENCRYPTION_KEYS"),
        ({"SANDHI_ENCRYPTION_KEYS": "too-short"}, "SANDHI_ENCRYPTION_KEYS: key 1"),
        ({"DATABASE_URL": "mysql://nobody:hidden-password@nowhere/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://nobody:hidden-password@127.0.0.1:1/x"}, "DATABASE_URL"),
        ({"ASSISTANT_PORT": "99999"}, "ASSISTANT_PORT"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"WHATSAPP_GRAPH_URL": "http://graph.example.org"}, "WHATSAPP_GRAPH_URL"),
        ({"SANDHI_CLINIC": "/nowhere/clinic.yml"}, "SANDHI_CLINIC"),
    ],
)
def test_init_names_the_setting_that_is_wrong(
    refused: Refused, changes: Dict[str, str], named: str
) -> None:
    said = refused("init", **changes)
    assert named in said
    assert "hidden-password" not in said
    assert len(said.strip().splitlines()) == 1, said


def test_a_database_of_a_newer_version_is_refused(refused: Refused, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "clinic.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    assert "made by another version" in refused("init")
    with sqlite3.connect(tmp_path / "clinic.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [
            ("alembic_version",)
        ]


def test_a_place_that_cannot_be_written_is_named(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    said = refused("up", "--demo", SANDHI_VAR=str(tmp_path / "taken"))
    assert str(tmp_path / "taken") in said and "Not a directory" in said


def test_messages_that_are_not_there_are_refused_before_training(
    refused: Refused, tmp_path: Path
) -> None:
    assert "none.csv is not a file" in refused("safety", str(tmp_path / "none.csv"))


def test_a_faulty_profile_is_refused_naming_the_line(refused: Refused, tmp_path: Path) -> None:
    lines = (ROOT / "clinic.yml").read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines) if re.match(r"\s+(- )?minutes:", line))
    lines[number] = re.sub(r"minutes:.*", "minutes: soon", lines[number])
    faulty = tmp_path / "faulty.yml"
    faulty.write_text("\n".join(lines), encoding="utf-8")
    said = refused("init", SANDHI_CLINIC=str(faulty))
    assert "faulty.yml" in said
    assert str(number + 1) in said
    assert "minutes" in said


def test_a_profile_that_is_no_yaml_is_refused_naming_the_line(
    refused: Refused, tmp_path: Path
) -> None:
    faulty = tmp_path / "faulty.yml"
    faulty.write_text("name: x\n  hours: [\n", encoding="utf-8")
    said = refused("init", SANDHI_CLINIC=str(faulty))
    assert re.search(r"faulty\.yml.*\b[23]\b", said), said


def test_keys_that_do_not_open_the_database_are_refused(
    sandhi: Tool, refused: Refused, surroundings: Dict[str, str]
) -> None:
    assert sandhi("init").returncode == 0
    assert sandhi("demo").returncode == 0
    other = dict(line.split("=", 1) for line in sandhi("keys").stdout.splitlines())

    wrong = refused("init", SANDHI_ENCRYPTION_KEYS=other["SANDHI_ENCRYPTION_KEYS"])
    assert "SANDHI_ENCRYPTION_KEYS does not open this database" in wrong
    assert other["SANDHI_ENCRYPTION_KEYS"] not in wrong
    assert "SANDHI_SECRET_KEY" in refused("init", SANDHI_SECRET_KEY=other["SANDHI_SECRET_KEY"])

    both = f"{other['SANDHI_ENCRYPTION_KEYS']},{surroundings['SANDHI_ENCRYPTION_KEYS']}"
    assert sandhi("init", SANDHI_ENCRYPTION_KEYS=both).returncode == 0


def test_a_full_disk_is_said_and_nothing_is_half_done(
    refused: Refused, sandhi: Tool, tmp_path: Path
) -> None:
    import resource

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32 * 1024, usual[1]))
    try:
        said = refused("init")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "disk" in said
    assert sandhi("init").returncode == 0


@pytest.mark.parametrize("command", [["demo"], ["worker", "--once"]])
def test_a_database_that_was_never_set_up_is_refused(refused: Refused, command: list[str]) -> None:
    assert "sandhi init" in refused(*command)


@pytest.mark.parametrize(
    "moment, problem",
    [
        ("tomorrow", "--as-of takes a time such as"),
        ("2026-11-24T17:30", "--as-of needs an offset"),
    ],
)
def test_a_moment_that_is_none_is_refused(refused: Refused, moment: str, problem: str) -> None:
    assert problem in refused("worker", "--once", "--as-of", moment)


def test_as_of_goes_with_once(refused: Refused) -> None:
    assert "--once" in refused("worker", "--as-of", "2026-11-24T17:30+05:30")


@pytest.mark.parametrize("moment", ["2026-11-24T17:30+05:30", "2026-11-24T12:00:00Z"])
def test_the_worker_runs_once_as_of_a_moment(sandhi: Tool, moment: str) -> None:
    assert sandhi("init").returncode == 0
    done = sandhi("worker", "--once", "--as-of", moment)
    assert done.returncode == 0, done.stderr
    assert "0 messages taken up" in done.stdout
