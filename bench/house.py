"""Sandhi for the bench: its four real processes on free ports with a database of their own."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from sqlalchemy import func, select

from bench.graph import Graph, graph_at
from bench.processes import ROOT, BenchError, Process, free_ports, wait_until_ready
from bench.wire import PATH
from clinic.crypto import new_key, new_secret
from clinic.database import Database
from clinic.models import Appointment, Contact, Handoff, Message
from clinic.models.message import IN, RECEIVED
from clinic.models.schedule import BOOKED
from sandhi.supervise import programs

READY_SECONDS = 180.0
SETUP_SECONDS = 120.0
NUMBER_ID = "1000001"
# what decides how Sandhi runs must come from here alone, not from who starts the bench
OURS = ("WHATSAPP_", "SANDHI_", "SIMULATOR_", "DATABASE_URL", "REDIS_URL", "INBOX_", "LOG_LEVEL")


def clean_environment() -> Dict[str, str]:
    """This process's environment without any setting of Sandhi's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }


class House:
    """Starts and stops the processes, and looks into their database.

    `folder` holds the database; `delay` is how many seconds the stand-in takes to answer.
    """

    def __init__(self, folder: Path, model: Path, simulator: bool, delay: float = 0.0) -> None:
        self._simulator = simulator
        self._delay = delay
        assistant, actions, inbox, graph, sink = free_ports(5)
        self._ports = {"assistant": assistant, "actions": actions, "inbox": inbox}
        self._sink_port = sink
        self._graph_port = graph
        self.secret = new_secret()
        self.webhook = f"http://127.0.0.1:{assistant}{PATH}"
        self._database_url = f"sqlite:///{folder / 'sandhi.db'}"
        self._env = self._environment(model)
        self._processes: Dict[str, Process] = {}
        self._helpers: List[Process] = []
        self.most_resident: Dict[str, int] = {}

    def _environment(self, model: Path) -> Dict[str, str]:
        return {
            **clean_environment(),
            "DATABASE_URL": self._database_url,
            "REDIS_URL": "",
            "WHATSAPP_GRAPH_URL": f"http://127.0.0.1:{self._graph_port}",
            "WHATSAPP_PHONE_NUMBER_ID": NUMBER_ID,
            "WHATSAPP_ACCESS_TOKEN": new_secret(),
            "WHATSAPP_APP_SECRET": self.secret,
            "WHATSAPP_VERIFY_TOKEN": new_secret(),
            # what WhatsApp allows a raised number: its limit of 80 is not what is measured
            "WHATSAPP_MESSAGES_PER_SECOND": "1000",
            "SANDHI_SECRET_KEY": new_secret(),
            "SANDHI_ENCRYPTION_KEYS": new_key(),
            "SANDHI_CLINIC": str(ROOT / "clinic.yml"),
            "SANDHI_HOST": "127.0.0.1",
            "SANDHI_MODEL": str(model),
            "INBOX_API_TOKEN": new_secret(),
            "LOG_LEVEL": "INFO",
            "ASSISTANT_PORT": str(self._ports["assistant"]),
            "ACTIONS_PORT": str(self._ports["actions"]),
            "INBOX_PORT": str(self._ports["inbox"]),
            "SIMULATOR_PORT": str(self._graph_port),
            "SIMULATOR_WEBHOOK_URL": self.webhook,
            "SIMULATOR_NUMBER_RATE": "0",
            "SIMULATOR_PAIR_SECONDS": "0",
        }

    @property
    def place(self) -> Dict[str, str]:
        """Where the messages end up, for `graph.graph_at` in any process."""
        kind = "simulator" if self._simulator else "stand-in"
        return {
            "kind": kind,
            "url": f"http://127.0.0.1:{self._graph_port}",
            "webhook": self.webhook,
            "sink": f"http://127.0.0.1:{self._sink_port}/sink",
        }

    def graph(self) -> Graph:
        """The recorder of what Sandhi sends."""
        return graph_at(self.place)

    def start(self) -> Dict[str, float]:
        """Set the database up, start everything, and return once it is ready.

        Returns:
            Seconds: `database` (profile and demo written), `ready` (all four, from their start),
            and each server's own.

        Raises:
            BenchError: something did not start.
        """
        self._start_graph()
        began = time.monotonic()
        for command in ("init", "demo"):
            line = [sys.executable, "-m", "sandhi", command]
            Process(f"sandhi-{command}", line, self._env).finish(SETUP_SECONDS)
        took = {"database": time.monotonic() - began}
        for name, command in programs(demo=False):
            self._processes[name] = Process(name, shlex.split(command), self._env)
        urls = {name: f"http://127.0.0.1:{port}/health/ready" for name, port in self._ports.items()}
        ready = wait_until_ready(urls, list(self._processes.values()), READY_SECONDS)
        self.note_resident()
        return {**took, "ready": max(ready.values()), **ready}

    def _start_graph(self) -> None:
        recorder = [sys.executable, "-m", "bench.stand_in"]
        if not self._simulator:
            line = [*recorder, str(self._graph_port), "--delay", str(self._delay)]
            self._helpers.append(Process("stand-in", line, self._env))
            urls = {"stand-in": f"http://127.0.0.1:{self._graph_port}/arrivals"}
        else:
            line = [sys.executable, "-m", "channels.simulator"]
            self._helpers.append(Process("simulator", line, self._env))
            sink = [*recorder, str(self._sink_port)]
            self._helpers.append(Process("sink", sink, self._env))
            urls = {
                "simulator": f"http://127.0.0.1:{self._graph_port}/control/state",
                "sink": f"http://127.0.0.1:{self._sink_port}/arrivals",
            }
        wait_until_ready(urls, self._helpers, 30.0)

    def stop(self) -> None:
        """End what was started."""
        for process in (*self._processes.values(), *self._helpers):
            process.stop()
        self._processes.clear()
        self._helpers.clear()

    def check(self) -> None:
        """Raises BenchError where a process has died."""
        for process in (*self._processes.values(), *self._helpers):
            process.check()

    def note_resident(self) -> None:
        """Remember each process's resident memory where it is more than before, in bytes."""
        for name, process in self._processes.items():
            known = self.most_resident.get(name, 0)
            self.most_resident[name] = max(known, process.resident_bytes())

    def last_contact(self) -> int:
        """The highest id of a contact, 0 where there is none."""
        return int(self._rows(select(func.max(Contact.id)))[0][0] or 0)

    def intents_after(self, contact_id: int) -> List[Optional[str]]:
        """The intent of each message of the contacts that came after `contact_id`, in order."""
        query = (
            select(Message.intent)
            .where(Message.direction == IN, Message.contact_id > contact_id)
            .order_by(Message.id)
        )
        return [row[0] for row in self._rows(query)]

    def handoffs(self) -> Dict[str, int]:
        """How many conversations went to a person, by reason."""
        query = select(Handoff.reason, func.count()).group_by(Handoff.reason)
        return {str(reason): int(count) for reason, count in self._rows(query)}

    def booked(self) -> int:
        """Visits that are booked, a hold not being one."""
        query = select(func.count()).where(Appointment.status == BOOKED)
        return int(self._rows(query)[0][0])

    def handled(self) -> int:
        """Messages whose turn is committed."""
        query = select(func.count()).where(Message.direction == IN, Message.state != RECEIVED)
        return int(self._rows(query)[0][0])

    def _rows(self, query: Any) -> List[Any]:
        db = Database(self._database_url)
        try:
            with db.reading() as session:
                return list(session.execute(query).all())
        except Exception as error:
            raise BenchError(
                f"the bench's database cannot be read: {type(error).__name__}"
            ) from error
        finally:
            db.dispose()
