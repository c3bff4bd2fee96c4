"""Rasa's agent, made of our parts."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from pathlib import Path

from rasa.core.agent import Agent, load_agent
from rasa.core.utils import AvailableEndpoints
from rasa.engine.runner.dask import DaskGraphRunner

from assistant.action_endpoint import ActionEndpoint, trust_checked_results
from assistant.graph_in_order import InOrder
from assistant.past_states import work_states_out_once
from assistant.rule_index import look_rules_up
from clinic.logs import logger
from clinic.settings import Settings

log = logger("assistant")

ROOT = Path(__file__).resolve().parent.parent


def endpoints_of(configured: Settings) -> AvailableEndpoints:
    """Rasa's endpoints: those of endpoints.yml, and the pooled action endpoint."""
    trust_checked_results()
    endpoints = AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml"))
    endpoints.action = ActionEndpoint(
        f"http://127.0.0.1:{configured.actions_port}/webhook", enable_selective_domain=True
    )
    return endpoints


async def load(configured: Settings) -> Agent:
    """The agent with its model, or without one where none can be loaded.

    Without a model every message goes to a person, which is safer than a webhook that is down.
    """
    agent = await load_agent(model_path=configured.model_path, endpoints=endpoints_of(configured))
    # Rasa wraps the store in one that falls back to memory when the database fails, and would
    # answer from an empty memory; ours has to be seen failing
    store = agent.tracker_store
    agent.tracker_store = getattr(store, "_tracker_store", store)
    if agent.processor is None:
        log.error("no model could be loaded: every message goes to a person", hint="make train")
    else:
        agent.processor.tracker_store = agent.tracker_store
        hasten(agent)
    _give_back_memory()
    return agent


def hasten(agent: Agent) -> None:
    """Let a loaded agent come to the same answers sooner."""
    processor = agent.processor
    if processor is not None and isinstance(processor.graph_runner, DaskGraphRunner):
        processor.graph_runner = InOrder(processor.graph_runner)
    look_rules_up()
    work_states_out_once()


def _give_back_memory() -> None:
    """Let the system have what loading took and left: a hundred megabytes nobody needs again."""
    gc.collect()
    # glibc keeps what was freed until it is told; elsewhere there is no such call
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
