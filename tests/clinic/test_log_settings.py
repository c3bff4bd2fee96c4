"""A wrong setting is named, in a sentence that says what to do."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Dict, Iterator

import pytest

from clinic.crypto import new_key, new_secret
from clinic.settings import Settings, SettingsError, is_loopback, read_settings, settings

GOOD: Dict[str, str] = {
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_ACCESS_TOKEN": "EAAG-token",
    "WHATSAPP_APP_SECRET": "0123456789abcdef",
    "WHATSAPP_VERIFY_TOKEN": "anything-long",
    "SANDHI_SECRET_KEY": "x" * 43,
    "SANDHI_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
    "INBOX_API_TOKEN": "another-long-one",
}


@pytest.fixture(autouse=True)
def nothing_else_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment of these tests alone, and no `.env`."""
    for field in Settings.__fields__.values():
        for name in list(os.environ):
            if name.lower() in field.field_info.extra["env_names"]:
                monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ASSISTANT_PORT", "abc", "integer"),
        ("ACTIONS_PORT", "0", "greater"),
        ("INBOX_PORT", "65536", "less"),
        ("SIMULATOR_PORT", "-1", "greater"),
        ("LOG_LEVEL", "LOUD", "DEBUG"),
        ("WHATSAPP_GRAPH_URL", "http://graph.facebook.com", "https"),
        ("WHATSAPP_GRAPH_URL", "http://localhost.evil.example", "https"),
        ("WHATSAPP_GRAPH_URL", "http://127.0.0.1.evil.example", "https"),
        ("WHATSAPP_GRAPH_URL", "ftp://127.0.0.1", "https"),
        ("WHATSAPP_GRAPH_URL", "graph.facebook.com", "https"),
        ("WHATSAPP_GRAPH_URL", "http://[bad", "IPv6"),
        ("WHATSAPP_GRAPH_URL", "", "https"),
        ("CHATWOOT_URL", "http://chatwoot.example", "https"),
        ("CHATWOOT_ACCOUNT_ID", "three", "integer"),
        ("INBOX_TRUSTED_PROXIES", "10.0.0.0/8, proxy.example", "networks"),
        ("INBOX_IDLE_MINUTES", "0", "greater"),
        ("SANDHI_THINKERS", "0", "greater"),
        ("SANDHI_THINKERS", "many", "integer"),
    ],
)
def test_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    sentence = str(refused.value)
    assert sentence.startswith(f"{name} is wrong: ")
    assert says in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8010/", "http://localhost:8010", "http://[::1]:1", "https://x.example"],
)
def test_plain_http_is_for_this_machine_only(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("WHATSAPP_GRAPH_URL", url)
    assert read_settings().whatsapp_graph_url == url.rstrip("/")


def test_the_defaults_are_those_of_the_design() -> None:
    chosen = read_settings()
    ports = (
        chosen.assistant_port,
        chosen.actions_port,
        chosen.inbox_port,
        chosen.simulator_port,
    )
    assert ports == (5005, 5055, 8000, 8010)
    assert (chosen.host, chosen.clinic_profile) == ("127.0.0.1", "clinic.yml")
    assert chosen.whatsapp_graph_url == "https://graph.facebook.com"
    assert chosen.is_sqlite
    assert chosen.redis_url is None


def test_the_file_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("INBOX_PORT=9001\nACTIONS_PORT=9002\nREDIS_URL=\n", "utf-8")
    monkeypatch.setenv("ACTIONS_PORT", "9003")
    chosen = read_settings()
    assert (chosen.inbox_port, chosen.actions_port, chosen.redis_url) == (9001, 9003, None)


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings().inbox_port == 8000
    monkeypatch.setenv("INBOX_PORT", "9001")
    assert settings().inbox_port == 8000
    settings.cache_clear()
    assert settings().inbox_port == 9001


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("", "not set"),
        (" , ", "not set"),
        ("short", "key 1"),
        (f"{base64.urlsafe_b64encode(b'k' * 32).decode()},zzzz", "key 2"),
        (base64.urlsafe_b64encode(b"k" * 31).decode(), "key 1"),
        ("schlüssel" * 5, "key 1"),
    ],
)
def test_a_wrong_encryption_key_is_counted_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, keys: str, says: str
) -> None:
    monkeypatch.setenv("SANDHI_ENCRYPTION_KEYS", keys)
    with pytest.raises(SettingsError) as refused:
        read_settings().encryption_key_list()
    sentence = str(refused.value)
    assert "SANDHI_ENCRYPTION_KEYS" in sentence
    assert says in sentence
    assert "sandhi keys" in sentence
    assert not keys.strip(" ,") or keys not in sentence


def test_keys_are_listed_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = new_key(), new_key()
    monkeypatch.setenv("SANDHI_ENCRYPTION_KEYS", f" {one} ,{two},")
    assert read_settings().encryption_key_list() == [one, two]


def test_a_complete_setup_has_nothing_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert read_settings().missing_for_real_use() == []


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("value", ["", "demo", "ChangeMe", "demo-abcdefghijklmnop"])
def test_serving_refuses_what_is_missing_or_a_demos(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for each, good in GOOD.items():
        monkeypatch.setenv(each, good)
    monkeypatch.setenv(name, value)
    problems = read_settings().missing_for_real_use()
    assert problems
    assert all(name in problem for problem in problems)
    assert len(value) < 5 or all(value not in problem for problem in problems)


def test_a_short_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GOOD, "SANDHI_SECRET_KEY": "fifteen-letters"}.items():
        monkeypatch.setenv(name, value)
    [problem] = read_settings().missing_for_real_use()
    assert "SANDHI_SECRET_KEY is shorter" in problem


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_what_this_machine_is(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours


def test_fresh_secrets_are_good_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDHI_ENCRYPTION_KEYS", new_key())
    assert len(read_settings().encryption_key_list()) == 1
    assert len(new_secret()) >= 43
    assert new_secret() != new_secret()


def test_a_chatwoot_connector_that_lacks_something_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**GOOD, "CHATWOOT_ACCOUNT_ID": "", "CHATWOOT_INBOX_ID": ""}.items():
        monkeypatch.setenv(name, value)
    assert read_settings().missing_for_real_use() == []
    monkeypatch.setenv("CHATWOOT_URL", "https://chatwoot.example/")
    monkeypatch.setenv("CHATWOOT_INBOX_ID", "7")
    problems = " ".join(read_settings().missing_for_real_use())
    for name in ("CHATWOOT_ACCOUNT_ID", "CHATWOOT_TOKEN", "CHATWOOT_WEBHOOK_SECRET"):
        assert name in problems
    assert "CHATWOOT_INBOX_ID" not in problems


@pytest.mark.parametrize(("processors", "processes"), [(1, 1), (2, 2), (16, 2), (None, 1)])
def test_as_many_processes_think_as_there_are_processors_two_at_most(
    monkeypatch: pytest.MonkeyPatch, processors: int, processes: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert read_settings().thinking_processes == processes
    monkeypatch.setenv("SANDHI_THINKERS", "")
    assert read_settings().thinking_processes == processes
    monkeypatch.setenv("SANDHI_THINKERS", "5")
    assert read_settings().thinking_processes == 5
