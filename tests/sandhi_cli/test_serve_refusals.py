"""What `make serve` refuses before anything is started or written."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Callable, Dict

import pytest

from tests.house import free_port

Refused = Callable[..., str]

SECRETS = (
    "WHATSAPP_PHONE_NUMBER_ID",
    "WHATSAPP_ACCESS_TOKEN",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_VERIFY_TOKEN",
    "SANDHI_SECRET_KEY",
    "INBOX_API_TOKEN",
)


@pytest.fixture
def unwritten(tmp_path: Path) -> Callable[[], bool]:
    return lambda: not (tmp_path / "clinic.db").exists() and not (tmp_path / "var").exists()


def test_without_settings_it_names_every_one(
    refused: Refused, unwritten: Callable[[], bool]
) -> None:
    wanted = [*SECRETS, "SANDHI_ENCRYPTION_KEYS"]
    said = refused("up", **dict.fromkeys(wanted, ""))
    for name in wanted:
        assert f"{name} is not set" in said
    assert len(said.strip().splitlines()) == len(wanted)
    assert unwritten()


@pytest.mark.parametrize("value", ["changeme", "demo-abcdefghijklmnopqrstuvwxyz", "SECRET"])
def test_demo_secrets_are_refused(
    refused: Refused, unwritten: Callable[[], bool], value: str
) -> None:
    said = refused("up", **dict.fromkeys(SECRETS, value))
    for name in SECRETS:
        assert f"{name} is a demo value" in said
    assert unwritten()


@pytest.mark.parametrize(
    "url", ["http://graph.facebook.com", "http://10.0.0.7:8010", "ftp://127.0.0.1", "graph"]
)
def test_messages_leave_the_machine_over_https_only(
    refused: Refused, unwritten: Callable[[], bool], url: str
) -> None:
    assert "WHATSAPP_GRAPH_URL is wrong" in refused("up", WHATSAPP_GRAPH_URL=url)
    assert unwritten()


def test_a_busy_port_is_refused_in_one_sentence(
    refused: Refused, unwritten: Callable[[], bool]
) -> None:
    ports = {name: str(free_port()) for name in ("ASSISTANT_PORT", "ACTIONS_PORT")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports["INBOX_PORT"] = str(taken.getsockname()[1])
        said = refused("up", **ports)
    assert said.strip() == (
        f"Port {ports['INBOX_PORT']} is in use: stop what has it, or set INBOX_PORT to another."
    )
    assert unwritten()


def test_one_port_for_two_servers_is_refused(refused: Refused) -> None:
    port = str(free_port())
    changes: Dict[str, str] = {"ASSISTANT_PORT": port, "ACTIONS_PORT": port}
    said = refused("up", INBOX_PORT=str(free_port()), **changes)
    assert f"ASSISTANT_PORT and ACTIONS_PORT are both {port}" in said


def test_a_host_that_is_no_address_of_this_machine_is_refused(refused: Refused) -> None:
    assert "SANDHI_HOST" in refused("up", SANDHI_HOST="192.0.2.1")
