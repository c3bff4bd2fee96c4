"""When the inbox says that it lives and that it is ready, and how it is started and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import text

from clinic.database import Database
from clinic.models import Base
from clinic.settings import SettingsError, settings
from clinic.texts import Texts
from inbox.app import create_app
from inbox.health import _complete


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    _complete.clear()


def test_live_and_ready(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/health/live").status_code == 200
    # the second time from memory, but the database is asked all the same
    assert [client.get("/health/ready").status_code for _ in range(2)] == [200, 200]


def test_not_ready_before_the_database_is_migrated(app: Flask, db: Database) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("DROP TABLE offers"))
        connection.execute(text("DROP TABLE handoffs"))
        connection.execute(text("CREATE TABLE handoffs (id INTEGER PRIMARY KEY)"))
    answer = app.test_client().get("/health/ready")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "not_migrated")
    message = answer.json["error"]["message"]
    assert "offers" in message and "handoffs.note" in message


def test_not_ready_without_a_database(app: Flask, tmp_path: Path) -> None:
    away = Database(f"sqlite:///{tmp_path / 'gone' / 'clinic.db'}")
    (tmp_path / "gone").rmdir()
    object.__setattr__(app.extensions["sandhi"], "database", away)
    answer = app.test_client().get("/health/ready")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "database")


def test_not_ready_without_the_fixed_text(db: Database) -> None:
    answer = create_app(db, Texts({})).test_client().get("/health/ready")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "no_texts")


@pytest.mark.parametrize("name", ["SANDHI_SECRET_KEY", "INBOX_API_TOKEN"])
def test_a_missing_secret_is_named(
    db: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")
    settings.cache_clear()
    with pytest.raises(SettingsError, match=name):
        create_app(db, Texts({}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.processes
def test_the_real_server_starts_serves_and_stops_at_once(db: Database) -> None:
    Base.metadata.create_all(db.engine)
    port = free_port()
    environment: dict[str, Any] = {
        **os.environ,
        "DATABASE_URL": str(db.url),
        "INBOX_PORT": str(port),
        "LOG_LEVEL": "DEBUG",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "inbox"],
        env=environment,
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with requests.Session() as visitor:
            for _try in range(150):
                try:
                    live = visitor.get(f"http://127.0.0.1:{port}/health/live", timeout=2)
                    break
                except requests.ConnectionError:
                    time.sleep(0.2)
            assert live.status_code == 200
            query = {"phone": "+919000000999"}
            refused = visitor.get(f"http://127.0.0.1:{port}/api/v1/appointments", params=query)
            assert refused.status_code == 401
            with socket.create_connection(("127.0.0.1", port)) as rude:
                rude.sendall(b"GET /?phone=+919000000999 NONSENSE\r\n\r\n")
                assert b"400" in rude.recv(1000)
            began = time.monotonic()
            # the visitor's connection is kept open, as a browser's would be
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
            assert time.monotonic() - began < 15
    finally:
        server.kill()
        log = server.communicate()[1]
    assert "919000000999" not in log
    assert "Traceback" not in log
