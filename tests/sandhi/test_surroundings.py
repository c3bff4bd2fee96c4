"""The demo's environment: made once, its own, and never the real clinic's."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Iterator

import pytest

from clinic.settings import Settings, read_settings
from sandhi.surroundings import demo_environment, var, write_private


@pytest.fixture(autouse=True)
def fresh_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A house without `var/demo`, in an environment that sets nothing of ours."""
    monkeypatch.setenv("SANDHI_VAR", str(tmp_path / "var"))
    for field in Settings.__fields__.values():
        monkeypatch.delenv(field.field_info.extra["env"], raising=False)
    monkeypatch.chdir(tmp_path)
    yield


def as_settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return read_settings()


def test_the_demos_secrets_are_made_once_and_are_private() -> None:
    first = demo_environment()
    assert demo_environment() == first
    assert stat.S_IMODE((var() / "demo" / "env").stat().st_mode) == 0o600


def test_two_demos_have_different_secrets() -> None:
    first = demo_environment()
    (var() / "demo" / "env").unlink()
    second = demo_environment()
    for name in ("SANDHI_SECRET_KEY", "SANDHI_ENCRYPTION_KEYS", "WHATSAPP_APP_SECRET"):
        assert first[name] != second[name]


def test_serving_for_real_refuses_the_demos_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = as_settings(demo_environment(), monkeypatch).missing_for_real_use()
    refused = " ".join(problems)
    for name in (
        "SANDHI_SECRET_KEY",
        "WHATSAPP_ACCESS_TOKEN",
        "WHATSAPP_APP_SECRET",
        "WHATSAPP_VERIFY_TOKEN",
        "INBOX_API_TOKEN",
    ):
        assert f"{name} is a demo value" in refused


def test_the_demo_is_complete_and_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = as_settings(demo_environment(), monkeypatch)
    assert len(chosen.encryption_key_list()) == 1
    assert chosen.database_url == f"sqlite:///{var() / 'demo' / 'sandhi.db'}"
    assert chosen.whatsapp_graph_url == "http://127.0.0.1:8010"
    assert os.environ["SIMULATOR_WEBHOOK_URL"] == (
        "http://127.0.0.1:5005/webhooks/whatsapp/webhook"
    )
    assert os.environ["SIMULATOR_INBOX_URL"] == "http://127.0.0.1:8000"


def test_messages_never_leave_for_the_real_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATSAPP_GRAPH_URL", "https://graph.facebook.com")
    monkeypatch.setenv("CHATWOOT_URL", "https://chatwoot.example")
    environment = demo_environment()
    assert environment["WHATSAPP_GRAPH_URL"] == "http://127.0.0.1:8010"
    assert environment["CHATWOOT_URL"] == ""


def test_what_the_process_environment_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://demo@127.0.0.1/demo")
    monkeypatch.setenv("SIMULATOR_PORT", "18010")
    monkeypatch.setenv("ASSISTANT_PORT", "15005")
    monkeypatch.setenv("INBOX_PORT", "")
    environment = demo_environment()
    assert environment["DATABASE_URL"] == "postgresql://demo@127.0.0.1/demo"
    assert environment["WHATSAPP_GRAPH_URL"] == "http://127.0.0.1:18010"
    assert environment["SIMULATOR_WEBHOOK_URL"].startswith("http://127.0.0.1:15005/")
    assert environment["SIMULATOR_INBOX_URL"] == "http://127.0.0.1:8000"


def test_the_file_for_real_use_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even for what the demo does not care about: its Redis, its ports, its host."""
    (tmp_path / ".env").write_text(
        "DATABASE_URL=postgresql://real@db/real\n"
        "REDIS_URL=redis://real\n"
        "SANDHI_HOST=0.0.0.0\n"
        "SIMULATOR_PORT=9999\n"
        "WHATSAPP_ACCESS_TOKEN=real-token\n"
        "SANDHI_CLINIC=real.yml\n",
        "utf-8",
    )
    chosen = as_settings(demo_environment(), monkeypatch)
    assert chosen.redis_url is None
    assert chosen.host == "127.0.0.1"
    assert chosen.simulator_port == 8010
    assert chosen.clinic_profile == "clinic.yml"
    assert chosen.whatsapp_access_token.startswith("demo-")


def test_a_private_file_is_private_even_if_it_stood_there_open(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "secret"
    write_private(file, "one")
    file.chmod(0o644)
    write_private(file, "two")
    assert file.read_text("utf-8") == "two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
