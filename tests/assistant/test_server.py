"""The assistant's server: its agent, and health pages that tell the truth."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rasa.core.tracker_store import FailSafeTrackerStore
from sanic import Sanic

from assistant import server
from assistant.action_endpoint import ActionEndpoint
from assistant.tracker_store import ClinicTrackerStore
from assistant.words import ClinicWords
from clinic.models import Profile as ProfileRow
from clinic.settings import Settings


@pytest.fixture
def house(clinic_db, monkeypatch):
    """The clinic's database as every module finds it."""
    for module in ("assistant.server", "assistant.words", "assistant.tracker_store"):
        monkeypatch.setattr(f"{module}.database", lambda: clinic_db)
    monkeypatch.setattr("channels.whatsapp.input.database", lambda: clinic_db)
    return clinic_db


def configured(model: str) -> Settings:
    return Settings(_env_file=None, model_path=model, actions_port=5099)


@pytest.fixture
def app(house, small_model):
    Sanic.test_mode = True
    Sanic._app_registry.clear()
    # each test puts in its agent; nothing of Rasa's is started
    return server.create(configured(small_model))


class TestLoad:
    async def test_the_agent_is_made_of_our_parts(self, house, small_model):
        agent = await server.load(configured(small_model))
        assert agent.is_ready()
        processor = agent.processor
        # no fallback to memory: a database that fails has to be seen failing
        assert isinstance(processor.tracker_store, ClinicTrackerStore)
        assert processor.tracker_store is agent.tracker_store
        assert processor.tracker_store.domain is agent.domain
        assert not isinstance(agent.tracker_store, FailSafeTrackerStore)
        assert isinstance(processor.nlg, ClinicWords)
        assert isinstance(processor.action_endpoint, ActionEndpoint)
        assert processor.action_endpoint.url == "http://127.0.0.1:5099/webhook"

    async def test_without_a_model_there_is_an_agent_that_is_not_ready(self, house, tmp_path):
        agent = await server.load(configured(str(tmp_path)))
        assert not agent.is_ready()
        assert await agent.handle_message(SimpleNamespace(sender_id="7")) is None


class TestHealth:
    READY = SimpleNamespace(is_ready=lambda: True)

    def test_ready(self, house, app):
        app.ctx.agent = self.READY
        assert server._problem(app) == ""

    @pytest.mark.parametrize("agent", [None, SimpleNamespace(is_ready=lambda: False)])
    def test_no_model(self, house, app, agent):
        app.ctx.agent = agent
        assert server._problem(app) == "no model"

    def test_database_away(self, house, app, monkeypatch):
        app.ctx.agent = self.READY

        def away():
            raise RuntimeError("away")

        monkeypatch.setattr(house, "reading", away)
        assert server._problem(app) == "database"

    def test_a_database_without_tables(self, house, app):
        app.ctx.agent = self.READY
        with house.transaction() as session:
            ProfileRow.__table__.drop(session.connection())
        assert server._problem(app) == "database"

    def test_a_clinic_that_nobody_set_up(self, house, app):
        app.ctx.agent = self.READY
        with house.transaction() as session:
            session.query(ProfileRow).delete()
        assert server._problem(app) == "no clinic profile"

    def test_turns_that_ended(self, house, app):
        app.ctx.agent = self.READY
        app.ctx.channels = [SimpleNamespace(turns=SimpleNamespace(state=lambda: {"alive": False}))]
        assert server._problem(app) == "turns"
        app.ctx.channels = [SimpleNamespace(turns=SimpleNamespace(state=lambda: {"alive": True}))]
        assert server._problem(app) == ""

    def test_routes(self, house, app):
        paths = {route.path for route in app.router.routes}
        assert {"health/live", "health/ready", "webhooks/whatsapp/webhook"} <= paths
        # Rasa's own HTTP API stays shut
        assert not any("conversations" in path or "model" in path for path in paths)
