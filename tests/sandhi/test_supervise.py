"""What the supervisor is told to run, and what stands in its way."""

from __future__ import annotations

import configparser
import shlex
import socket
import sys
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from supervisor.datatypes import RestartUnconditionally
from supervisor.options import ServerOptions

from channels.whatsapp.graph import TIMEOUT
from clinic.settings import Settings
from sandhi import supervise
from sandhi.surroundings import logs


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The house in a folder whose name is awkward."""
    root = tmp_path / "my clinic"
    monkeypatch.setattr(supervise, "ROOT", root)
    monkeypatch.setenv("SANDHI_VAR", str(root / "var"))


def parsed(demo: bool) -> Any:
    """The configuration as supervisor itself reads it."""
    options = ServerOptions()
    options.realize(args=["-c", str(supervise.write_config(demo))])
    return options


@pytest.mark.parametrize("demo", [False, True])
def test_supervisor_reads_what_we_wrote(demo: bool) -> None:
    groups = parsed(demo).process_group_configs
    found: Dict[str, Any] = {group.name: group.process_configs[0] for group in groups}
    wanted = {"actions", "assistant", "worker", "inbox", "welcome"}
    assert set(found) == (wanted | {"simulator"} if demo else wanted)
    for name, program in found.items():
        command = shlex.split(program.command)
        assert command[0] == sys.executable
        assert program.directory == str(supervise.ROOT)
        if name == "welcome":
            assert program.autorestart is False
            assert ("--demo" in command) is demo
            continue
        assert program.autorestart is RestartUnconditionally
        assert program.stdout_logfile == str(logs() / f"{name}.log")
        assert program.stopasgroup
        assert program.killasgroup
        # asked to end before it is shot, and not while a letter waits for WhatsApp's answer
        assert program.stopsignal == 15
        assert program.stopwaitsecs >= sum(TIMEOUT) + 10


def test_an_interpreter_in_an_awkward_folder_is_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/my clinic/bin/python")
    for group in parsed(False).process_group_configs:
        assert shlex.split(group.process_configs[0].command)[0] == sys.executable


def test_the_configuration_holds_no_secret_and_is_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SANDHI_SECRET_KEY", "very-secret-indeed")
    file = supervise.write_config(False)
    assert "very-secret" not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0
    sections = configparser.RawConfigParser(strict=True)
    sections.read_string(file.read_text("utf-8"))
    assert "environment" not in {key for name in sections for key in sections[name]}


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def free() -> Any:
    """`free(2)`: so many ports that nobody has."""

    def ports(count: int) -> list[int]:
        probes = [socket.socket() for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        found = [probe.getsockname()[1] for probe in probes]
        for probe in probes:
            probe.close()
        return found

    return ports


def with_ports(*ports: int, **more: Any) -> Settings:
    names = ("assistant_port", "actions_port", "inbox_port", "simulator_port")
    return Settings(_env_file=None, **dict(zip(names, ports, strict=False)), **more)


def test_free_ports_are_no_problem(free: Any) -> None:
    assert supervise.busy_ports(with_ports(*free(4)), demo=True) == []


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_a_taken_port_is_named_with_its_variable(taken: int, free: Any, position: int) -> None:
    ports = free(4)
    ports[position] = taken
    [problem] = supervise.busy_ports(with_ports(*ports), demo=True)
    name = ("ASSISTANT_PORT", "ACTIONS_PORT", "INBOX_PORT", "SIMULATOR_PORT")[position]
    assert f"Port {taken} is in use" in problem
    assert name in problem


def test_the_simulators_port_is_the_demos_matter_only(taken: int, free: Any) -> None:
    ports = [*free(3), taken]
    assert supervise.busy_ports(with_ports(*ports), demo=False) == []


def test_a_host_that_is_none_is_named(free: Any) -> None:
    [problem] = supervise.busy_ports(with_ports(*free(4), host="no.such.host.invalid"), demo=False)
    assert "SANDHI_HOST" in problem
