"""The action server reads what it will say before it takes its first request."""

from __future__ import annotations

from typing import Any

import pytest
from sanic import Sanic

from actions import __main__ as server
from actions import talk


def test_the_texts_are_read_before_it_serves(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    read_by_then = []

    def serve(_app: Sanic, **_settings: Any) -> None:
        read_by_then.append(talk.texts.cache_info().currsize)

    monkeypatch.setattr(Sanic, "run", serve)
    monkeypatch.setattr(server, "configure_logs", lambda _level: None)
    monkeypatch.setattr(Sanic, "_app_registry", {})
    talk.texts.cache_clear()
    server.main()
    assert read_by_then == [1]
