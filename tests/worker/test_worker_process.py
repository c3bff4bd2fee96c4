"""A real `sandhi worker` against a Graph server that takes its time; killed, ended, restarted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from sqlalchemy import update

from clinic.database import Database
from clinic.database import now as this_moment
from clinic.delivery import Status, apply_status
from clinic.models import Message
from clinic.recovery import recover
from tests.house import ROOT
from tests.message_log import RAVI, arrives, contact, handoffs, planned, row

pytestmark = pytest.mark.processes

PATIENCE = 60.0


class Graph(ThreadingHTTPServer):
    """Meta's `/messages`, answering when `go` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.go = threading.Event()
        self.bodies: List[Dict[str, Any]] = []

    @property
    def references(self) -> List[int]:
        """Which of our messages have come, in order."""
        return [int(body["biz_opaque_callback_data"]) for body in self.bodies]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        graph = self.server
        assert isinstance(graph, Graph)
        graph.bodies.append(body)
        graph.go.wait(PATIENCE)
        answer = json.dumps(
            {
                "messaging_product": "whatsapp",
                "messages": [{"id": f"wamid.{body['biz_opaque_callback_data']}"}],
            }
        ).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            pass  # who asked is dead

    def log_message(self, *_values: Any) -> None:
        pass


@pytest.fixture
def graph() -> Iterator[Graph]:
    server = Graph()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.go.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def start_worker(
    sqlite_db: Database, graph: Graph, tmp_path: Path
) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """`start_worker()`: a worker process on this database; its log is `worker.log`."""
    started: List["subprocess.Popen[bytes]"] = []

    def start(*options: str) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{sqlite_db.url.database}",
            "WHATSAPP_GRAPH_URL": f"http://127.0.0.1:{graph.server_address[1]}",
            "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
            "WHATSAPP_ACCESS_TOKEN": "EAAG-a-token",
            "LOG_LEVEL": "DEBUG",
        }
        with (tmp_path / "worker.log").open("ab") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "sandhi", "worker", *options],
                    cwd=ROOT,
                    env=environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(timeout=20)


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s in vain: {what}"
        time.sleep(0.02)


def states(db: Database, *ids: int) -> List[str]:
    return [row(db, message_id).state for message_id in ids]


def let_leases_end(db: Database) -> None:
    """As if the time of a lease had passed since the worker died."""
    with db.transaction() as session:
        session.execute(
            update(Message)
            .where(Message.lease_until.is_not(None))
            .values(lease_until=this_moment() - timedelta(seconds=1))
        )


def test_killed_in_the_middle_of_sending_nothing_goes_twice_and_all_is_told(
    sqlite_db: Database,
    graph: Graph,
    start_worker: Callable[..., "subprocess.Popen[bytes]"],
    tmp_path: Path,
) -> None:
    db = sqlite_db
    asha, ravi = arrives(db, "मेरा घुटना"), arrives(db, "hello", phone=RAVI)
    first, second = planned(db, asha, "secret answer"), planned(db, asha, "then this")
    of_ravi = planned(db, ravi, "to Ravi")

    worker = start_worker()
    until(lambda: len(graph.bodies) == 2, "both contacts' first messages reach Graph")
    assert states(db, first, second, of_ravi) == ["sending", "planned", "sending"]
    worker.send_signal(signal.SIGKILL)
    worker.wait(timeout=20)
    graph.go.set()

    let_leases_end(db)
    start_worker()
    until(lambda: states(db, first, of_ravi) == ["unknown"] * 2, "the rows become unknown")
    until(lambda: states(db, second) == ["sent"], "the next message goes")
    time.sleep(0.5)
    assert sorted(graph.references) == sorted([first, of_ravi, second]), "something went twice"
    assert row(db, first).detail == "worker died"

    # a status reconciles one of them; of the other staff are told
    with db.transaction() as session:
        assert apply_status(
            session, Status(f"wamid.{first}", "delivered", this_moment(), str(first))
        )
    assert (row(db, first).state, row(db, first).wamid) == ("delivered", f"wamid.{first}")
    let_leases_end(db)
    with db.transaction() as session:
        recover(session)
    assert handoffs(db, asha) == []
    assert [handoff.reason for handoff in handoffs(db, ravi)] == ["failure"]

    log = (tmp_path / "worker.log").read_text("utf-8")
    for words in ("secret answer", "घुटना", "9000000001", "EAAG-a-token", "wamid."):
        assert words not in log, f"the worker's log at DEBUG says {words}"


def test_told_to_end_it_finishes_what_is_on_its_way(
    sqlite_db: Database, graph: Graph, start_worker: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    db = sqlite_db
    asha = arrives(db)
    first, second = planned(db, asha), planned(db, asha)
    worker = start_worker()
    until(lambda: len(graph.bodies) == 1, "the first message reaches Graph")

    worker.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=1)
    graph.go.set()
    assert worker.wait(timeout=20) == 0
    assert states(db, first, second) == ["sent", "planned"]
    assert graph.references == [first]


def test_killed_between_claim_and_sending_everything_still_goes_once(
    sqlite_db: Database, graph: Graph, start_worker: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    from tests.message_log import claimed

    db = sqlite_db
    first = planned(db, arrives(db))
    assert claimed(db, "a worker that died") == [first]
    let_leases_end(db)
    graph.go.set()
    start_worker()
    until(lambda: states(db, first) == ["sent"], "the message goes")
    assert graph.references == [first]


def test_two_workers_beside_each_other_send_everything_once(
    sqlite_db: Database, graph: Graph, start_worker: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    db = sqlite_db
    graph.go.set()
    contacts = [arrives(db, phone=f"+9190000080{number:02}") for number in range(6)]
    ids = [planned(db, contact_id) for _ in range(5) for contact_id in contacts]
    for _ in range(2):
        start_worker()
    until(lambda: set(states(db, *ids)) == {"sent"}, "everything is sent")
    assert sorted(graph.references) == sorted(ids)
    for contact_id in contacts:
        phone = contact(db, contact_id).phone
        mine = [
            int(body["biz_opaque_callback_data"]) for body in graph.bodies if body["to"] == phone
        ]
        assert mine == sorted(mine), "a contact's messages went out of order"


def test_once_sends_what_is_due_and_ends(
    sqlite_db: Database,
    graph: Graph,
    start_worker: Callable[..., "subprocess.Popen[bytes]"],
    tmp_path: Path,
) -> None:
    db = sqlite_db
    asha = arrives(db)
    ids = [planned(db, asha) for _ in range(3)]
    later = planned(db, asha, due_at=this_moment() + timedelta(days=1))
    graph.go.set()
    assert start_worker("--once").wait(timeout=PATIENCE) == 0
    assert graph.references == ids
    assert states(db, later) == ["planned"]
    assert "3 messages taken up." in (tmp_path / "worker.log").read_text("utf-8")
