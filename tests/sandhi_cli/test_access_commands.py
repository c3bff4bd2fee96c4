"""`sandhi staff`, `token` and `webhook`: every account and key is made, listed and ended here."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Callable, Dict, Iterator, List

import pytest
from sqlalchemy import select

from clinic import staff
from clinic.database import Database
from clinic.demo_staff import demo_logins
from clinic.models import AuditEntry
from clinic.settings import settings
from tests.sandhi_cli.conftest import Tool

Refused = Callable[..., str]


@pytest.fixture
def ready(sandhi: Tool) -> Tool:
    """The tool, its database set up."""
    assert sandhi("init").returncode == 0
    return sandhi


@pytest.fixture
def database(
    surroundings: Dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Database]]:
    """The tool's database, with its keys."""
    for name in ("SANDHI_SECRET_KEY", "SANDHI_ENCRYPTION_KEYS"):
        monkeypatch.setenv(name, surroundings[name])
    settings.cache_clear()
    opened: List[Database] = []

    def open_it() -> Database:
        opened.append(Database(surroundings["DATABASE_URL"]))
        return opened[-1]

    yield open_it
    for one in opened:
        one.dispose()
    settings.cache_clear()


def password_in(said: str) -> str:
    found = re.search(r"shown this once: (\S+)", said)
    assert found, said
    return found[1]


def test_an_account_from_its_first_day_to_its_last(
    ready: Tool, refused: Refused, database: Callable[[], Database]
) -> None:
    added = ready(
        "staff", "add", "asha@clinic.example", "--name", "Asha Verma", "--role", "manager"
    )
    assert added.returncode == 0, added.stderr
    first = password_in(added.stdout)
    assert staff.check_sign_in(database(), "asha@clinic.example", first) is not None
    assert "asha@clinic.example" in ready("staff", "list").stdout
    assert "only manager" in refused("staff", "disable", "asha@clinic.example")
    assert "only manager" in refused("staff", "role", "asha@clinic.example", "front_desk")
    ready("staff", "add", "leela", "--name", "Leela", "--role", "manager")
    assert ready("staff", "role", "asha@clinic.example", "physiotherapist").returncode == 0
    second = password_in(ready("staff", "reset", "asha@clinic.example").stdout)
    assert staff.check_sign_in(database(), "asha@clinic.example", first) is None
    assert staff.check_sign_in(database(), "asha@clinic.example", second) is not None
    assert ready("staff", "disable", "asha@clinic.example").returncode == 0
    assert staff.check_sign_in(database(), "asha@clinic.example", second) is None
    assert ready("staff", "enable", "asha@clinic.example").returncode == 0
    assert staff.check_sign_in(database(), "asha@clinic.example", second) is not None
    with database().reading() as session:
        acts = set(session.execute(select(AuditEntry.what)).scalars())
    assert acts >= {"staff_added", "staff_changed", "staff_reset", "staff_disabled"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "x", "--name", "A", "--role", "manager"], "login"),
        (["add", "asha", "--name", "A", "--role", "boss"], "role"),
        (["add", "asha", "--name", " ", "--role", "manager"], "name"),
        (["role", "nobody", "manager"], "no account"),
        (["reset", "nobody"], "no account"),
    ],
)
def test_what_will_not_do_is_said_in_a_sentence(
    ready: Tool, refused: Refused, arguments: List[str], says: str
) -> None:
    assert says in refused("staff", *arguments)


def test_two_people_of_one_name_or_login_are_refused(ready: Tool, refused: Refused) -> None:
    ready("staff", "add", "asha", "--name", "Asha", "--role", "manager")
    assert "name" in refused("staff", "add", "asha2", "--name", "ASHA", "--role", "manager")
    assert "login" in refused("staff", "add", "Asha", "--name", "Other", "--role", "manager")


def test_the_demo_has_somebody_of_each_role(
    ready: Tool, surroundings: Dict[str, str], database: Callable[[], Database]
) -> None:
    for _time in range(2):
        assert ready("demo").returncode == 0
    opened = database()
    for login, role, password in demo_logins(surroundings["SANDHI_SECRET_KEY"]):
        person = staff.check_sign_in(opened, login, password)
        assert person is not None and person.role == role


def test_a_token_is_shown_once_and_can_be_revoked(ready: Tool, refused: Refused) -> None:
    made = ready("token", "add", "our help desk", "--scope", "handoffs:read")
    clear = password_in(made.stdout)
    listed = ready("token", "list").stdout
    assert "our help desk" in listed and "handoffs:read" in listed and clear not in listed
    assert ready("token", "revoke", "1").returncode == 0
    assert "revoked" in ready("token", "list").stdout
    assert "no such token" in refused("token", "revoke", "1")
    assert "Scopes are" in refused("token", "add", "x", "--scope", "everything")


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "ftp://example.com", "https://", "https://a:b@example.com/"]
)
def test_a_webhook_goes_over_https_or_stays_here(ready: Tool, refused: Refused, url: str) -> None:
    assert refused("webhook", "add", url)


def test_a_webhook_is_tried_out_and_removed(ready: Tool, refused: Refused) -> None:
    heard: List[Any] = []

    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.headers["X-Sandhi-Event"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        made = ready("webhook", "add", f"http://127.0.0.1:{server.server_port}/hear?key=1")
        assert password_in(made.stdout)
        assert "Taken: 204" in ready("webhook", "test", "1").stdout
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert heard == ["test"]
    assert "not taken" in refused("webhook", "test", "1")
    assert "handoff.opened" in ready("webhook", "list").stdout
    assert ready("webhook", "remove", "1").returncode == 0
    assert "no such webhook" in refused("webhook", "remove", "1")
