"""Where Sandhi's messages end up, as the measurements see it: the stand-in or the simulator."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterable, List, Optional, Protocol

import requests

from bench.stand_in import arrival

LOOK_SECONDS = 10.0


class Graph(Protocol):
    """A recorder of messages; what an arrival holds is written in `stand_in.arrival`."""

    def after(self, number: int, wait: float = 0.0) -> "tuple[List[Dict[str, Any]], int]":
        """The arrivals after the `number`-th, waiting up to `wait` seconds, and the last number."""

    def expect(self, phones: Iterable[str]) -> None:
        """These contacts are about to write."""


class StandIn:
    """The bench's own recorder."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = _session()

    def after(self, number: int, wait: float = 0.0) -> "tuple[List[Dict[str, Any]], int]":
        asked = {"after": str(number), "wait": str(wait)}
        found = self._session.get(f"{self._url}/arrivals", params=asked, timeout=60).json()
        return found["items"], found["last"]

    def expect(self, phones: Iterable[str]) -> None:
        """Nothing to do: it takes messages to anybody."""


class Simulator:
    """The strict simulator: it reports statuses to Sandhi too, and its cost counts."""

    def __init__(self, url: str, webhook: str, sink: str) -> None:
        self._url = url
        self._webhook = webhook
        self._sink = sink
        self._session = _session()

    def after(self, number: int, wait: float = 0.0) -> "tuple[List[Dict[str, Any]], int]":
        asked = {"after": str(number), "wait": str(wait)}
        answer = self._session.get(f"{self._url}/control/sent", params=asked, timeout=60)
        found = answer.json()
        ahead = time.time_ns() - time.monotonic_ns()
        items = [arrival(item["body"], int(item["at"] * 1e9) - ahead) for item in found["items"]]
        return items, found["last"]

    def expect(self, phones: Iterable[str]) -> None:
        """Open each contact's 24 hours, without Sandhi hearing of it."""
        self._settings(webhook_url=self._sink)
        for phone in phones:
            order = {"from": phone, "name": "Bench", "text": "-"}
            self._session.post(
                f"{self._url}/control/inbound", json=order, timeout=60
            ).raise_for_status()
        end = time.monotonic() + 120
        while self._pending() and time.monotonic() < end:
            time.sleep(0.1)
        self._settings(webhook_url=self._webhook)

    def _pending(self) -> int:
        state = self._session.get(f"{self._url}/control/state", timeout=60).json()
        return int(state["pending_webhooks"])

    def _settings(self, **changes: str) -> None:
        answer = self._session.post(f"{self._url}/control/settings", json=changes, timeout=60)
        answer.raise_for_status()


class Watch:
    """Reads a graph's arrivals on, each once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        _, self._seen = graph.after(2**62)

    def next(self, wait: float) -> List[Dict[str, Any]]:
        """What arrived since the last look, waiting up to `wait` seconds for the first."""
        items, self._seen = self._graph.after(self._seen, wait)
        return items

    def answer_to(self, phone: str, seconds: float) -> Optional[Dict[str, Any]]:
        """The next arrival for a contact, or None after `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for item in self.next(min(LOOK_SECONDS, max(0.0, end - time.monotonic()))):
                if item["to"] == phone:
                    return item
        return None


def graph_at(place: Dict[str, str]) -> Graph:
    """The graph a description names: `{"kind", "url"}`, of the simulator `webhook`, `sink` too."""
    if place["kind"] == "simulator":
        return Simulator(place["url"], place["webhook"], place["sink"])
    return StandIn(place["url"])


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session
