"""`sandhi templates` against the simulator, and `sandhi worker --once --dry-run`."""

from __future__ import annotations

import threading
from typing import Any, Dict, Iterator

import pytest
from werkzeug.serving import make_server

from channels.simulator import SimulatorConfig, create_app
from tests.sandhi_cli.conftest import Tool

# fourteen messages in three languages
ALL = 42


@pytest.fixture
def simulated(surroundings: Dict[str, str]) -> Iterator[Any]:
    """The simulator on a port of its own, and `surroundings` that lead to it."""
    config = SimulatorConfig(
        phone_number_id=surroundings["WHATSAPP_PHONE_NUMBER_ID"],
        access_token=surroundings["WHATSAPP_ACCESS_TOKEN"],
        webhook_url="http://127.0.0.1:9/nowhere",
    )
    app = create_app(config)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    surroundings["WHATSAPP_GRAPH_URL"] = f"http://127.0.0.1:{server.server_port}"
    surroundings["WHATSAPP_BUSINESS_ACCOUNT_ID"] = config.waba_id
    yield app.extensions["simulator"]
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def graph(simulated: Any) -> Any:
    """What can be set on it."""
    return simulated.config


def test_validating_needs_no_network(sandhi: Tool) -> None:
    done = sandhi("templates", "validate")
    assert (done.returncode, done.stdout.strip()) == (0, f"{ALL} templates are in order.")


def test_submitting_brings_every_template_to_approval_and_may_be_repeated(
    sandhi: Tool, graph: Any
) -> None:
    assert sandhi("init").returncode == 0
    assert "not submitted" in sandhi("templates", "status").stdout
    for _ in range(2):
        done = sandhi("templates", "submit")
        assert done.returncode == 0, done.stderr
        rows = [line for line in done.stdout.splitlines() if "APPROVED" in line]
        assert len(rows) == ALL
        assert all("UTILITY" in row and "yes" in row for row in rows)


def test_what_waits_for_review_may_not_go(sandhi: Tool, graph: Any) -> None:
    graph.new_template_status = "PENDING"
    assert sandhi("init").returncode == 0
    done = sandhi("templates", "submit")
    assert done.stdout.count("no: not approved") == ALL


def test_a_changed_file_is_submitted_as_an_edit(
    sandhi: Tool, graph: Any, simulated: Any, refused: Any
) -> None:
    assert sandhi("init").returncode == 0
    assert sandhi("templates", "submit").returncode == 0
    # WhatsApp has other words than the file: as if the file had been edited since
    book = simulated.templates
    known = book.find("visit_reminder", "en")
    known.components[0]["text"] = known.components[0]["text"].replace("Will you", "Do you")
    shown = sandhi("templates", "status").stdout
    assert shown.count("its file was changed") == 1 and shown.count("yes") == ALL - 1
    graph.template_review_seconds = 60.0
    assert sandhi("templates", "submit").stdout.count("no: not approved") == 1
    assert "PENDING" in sandhi("templates", "status").stdout
    simulated.clock.offset += 61
    assert sandhi("templates", "status").stdout.count("yes") == ALL
    # a second edit within a day is more than WhatsApp takes
    known.components[0]["text"] = known.components[0]["text"].replace("Will you", "Do you")
    assert "one edit of an approved template in 24 hours" in refused("templates", "submit")
    simulated.clock.offset += 24 * 3600
    graph.template_review_seconds = 0.0
    assert sandhi("templates", "submit").stdout.count("yes") == ALL


def test_what_is_in_review_waits_with_its_edit(
    sandhi: Tool, graph: Any, simulated: Any, refused: Any
) -> None:
    graph.new_template_status = "PENDING"
    assert sandhi("init").returncode == 0
    assert sandhi("templates", "submit").returncode == 0
    known = simulated.templates.find("visit_reminder", "hi")
    known.components[0]["text"] += " ?"
    said = refused("templates", "submit")
    assert "visit_reminder (hi) was changed, but is PENDING: submit again" in said


def test_without_an_account_it_says_what_is_missing(refused: Any, sandhi: Tool) -> None:
    sandhi("init")
    assert "WHATSAPP_BUSINESS_ACCOUNT_ID is not set" in refused("templates", "status")


def test_looking_ahead_lists_the_demos_reminders_and_sends_nothing(
    sandhi: Tool, graph: Any
) -> None:
    for command in (["init"], ["demo"], ["templates", "submit"]):
        assert sandhi(*command).returncode == 0
    look = ("worker", "--once", "--dry-run", "--as-of", "2036-01-01T12:00+05:30")
    first, second = sandhi(*look), sandhi(*look)
    assert first.returncode == 0, first.stderr
    assert "Nothing was sent." in first.stdout
    assert "too late" in first.stdout
    assert ":hour:1" in first.stdout
    assert first.stdout == second.stdout


def test_looking_ahead_goes_with_once(refused: Any) -> None:
    assert "--dry-run goes with --once" in refused("worker", "--dry-run")
