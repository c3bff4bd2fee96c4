"""The assistant's web process: health pages that tell the truth."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest
from sanic import Sanic

from assistant import server
from channels.whatsapp.input import WhatsAppInput
from clinic.models import Profile as ProfileRow
from clinic.settings import settings

THINKING = {"alive": True, "model": True}


@pytest.fixture(autouse=True)
def own_settings():
    """What a test sets is forgotten after it."""
    yield
    settings.cache_clear()


@pytest.fixture
def house(clinic_db, monkeypatch):
    """The clinic's database as every module finds it."""
    monkeypatch.setattr("assistant.server.database", lambda: clinic_db)
    monkeypatch.setattr("channels.whatsapp.input.database", lambda: clinic_db)
    return clinic_db


@pytest.fixture
def app(house):
    Sanic.test_mode = True
    Sanic._app_registry.clear()
    return server.create()


def thinking(app, **state):
    """Let the app's channel be told this of the thinking process."""
    app.ctx.channels = [SimpleNamespace(thinker=SimpleNamespace(state=lambda: state))]


def test_the_channel_is_the_one_of_credentials_yml(app):
    assert [type(channel) for channel in app.ctx.channels] == [WhatsAppInput]


class TestHealth:
    def test_ready(self, app):
        thinking(app, **THINKING)
        assert server._problem(app) == ""

    def test_before_rasa_has_loaded(self, app):
        # nothing was started
        assert server._problem(app) == "not thinking yet"

    @pytest.mark.parametrize(
        ("state", "problem"),
        [
            ({"alive": False, "model": False}, "not thinking yet"),
            ({"alive": True, "model": False}, "no model"),
        ],
    )
    def test_not_thinking(self, app, state, problem):
        thinking(app, **state)
        assert server._problem(app) == problem

    def test_database_away(self, house, app, monkeypatch):
        thinking(app, **THINKING)

        def away():
            raise RuntimeError("away")

        monkeypatch.setattr(house, "reading", away)
        assert server._problem(app) == "database"

    def test_a_database_without_tables(self, house, app):
        thinking(app, **THINKING)
        with house.transaction() as session:
            ProfileRow.__table__.drop(session.connection())
        assert server._problem(app) == "database"

    def test_a_clinic_that_nobody_set_up(self, house, app):
        thinking(app, **THINKING)
        with house.transaction() as session:
            session.query(ProfileRow).delete()
        assert server._problem(app) == "no clinic profile"

    @pytest.mark.parametrize("away", [True, False])
    def test_redis_where_it_is_configured(self, app, away, redis_url, monkeypatch):
        thinking(app, **THINKING)
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0" if away else redis_url)
        settings.cache_clear()
        assert server._problem(app) == ("redis" if away else "")

    def test_a_redis_that_says_nothing(self, app, monkeypatch):
        thinking(app, **THINKING)
        monkeypatch.setattr("channels.locks.ANSWER_SECONDS", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
            settings.cache_clear()
            assert server._problem(app) == "redis"

    def test_routes(self, app):
        paths = {route.path for route in app.router.routes}
        assert {"health/live", "health/ready", "webhooks/whatsapp/webhook"} <= paths
        # Rasa's own HTTP API stays shut
        assert not any("conversations" in path or "model" in path for path in paths)
