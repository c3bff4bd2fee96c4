"""An inbox over a temporary clinic with invented patients."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Callable, Dict, Iterator, Optional

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from clinic.bubbles import Choice, Choices, Text
from clinic.contacts import ensure_contact
from clinic.crypto import new_key, new_secret
from clinic.database import Database, now
from clinic.handoffs import open_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Handoff
from clinic.outbox import plan
from clinic.settings import settings
from clinic.staff import add, find
from clinic.texts import Texts
from inbox.app import create_app
from inbox.files import FilesUnavailable
from inbox.house import KEY
from inbox.limits import limiter

TOKEN = "an-inbox-token-of-these-tests"
HANDED_BACK = {
    "en": "The assistant answers again.",
    "hi": "अब सहायक फिर से जवाब देगा।",
    "hinglish": "Ab assistant phir se jawab dega.",
}
_numbers = count(1)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fresh keys and a token, as `.env` would give them."""
    monkeypatch.setenv("SANDHI_ENCRYPTION_KEYS", new_key())
    monkeypatch.setenv("SANDHI_SECRET_KEY", new_secret())
    monkeypatch.setenv("INBOX_API_TOKEN", TOKEN)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 as weak as it goes: it is meant to be slow, and these tests sign in often."""
    monkeypatch.setattr(
        "clinic.staff.hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )
    monkeypatch.setattr("clinic.staff._unknown", [])


@pytest.fixture
def db(sqlite_db: Database) -> Database:
    """An empty database with every table."""
    return sqlite_db


@pytest.fixture
def texts() -> Texts:
    """The one fixed text that the inbox sends, in three languages."""
    variations: list[dict[str, Any]] = [{"text": HANDED_BACK["en"]}]
    for language in ("hi", "hinglish"):
        condition = [{"type": "slot", "name": "language", "value": language}]
        variations.append({"condition": condition, "text": HANDED_BACK[language]})
    return Texts({"utter_handed_back": variations})


class FilesOfTests:
    """WhatsApp's files as these tests have them: by id; `away` as if it did not answer."""

    def __init__(self) -> None:
        self.there: Dict[str, bytes] = {}
        self.away = False

    def fetch(self, media_id: str, most_bytes: int) -> bytes:
        if self.away:
            raise FilesUnavailable("away")
        if media_id not in self.there:
            raise FilesUnavailable("gone")
        return self.there[media_id]

    def upload(self, content: bytes, mime_type: str, filename: str) -> str:
        if self.away:
            raise FilesUnavailable("away")
        media_id = f"up{len(self.there) + 1}"
        self.there[media_id] = content
        return media_id


@pytest.fixture
def files() -> FilesOfTests:
    return FilesOfTests()


@pytest.fixture
def app(db: Database, texts: Texts, files: FilesOfTests) -> Iterator[Flask]:
    """The inbox, its sign-in limits not yet touched."""
    application = create_app(db, texts, files)
    # what one test changes, its next look has to show
    application.extensions[KEY].pulse.keep_seconds = 0
    limiter.reset()
    yield application
    limiter.reset()


@pytest.fixture
def api(app: Flask) -> FlaskClient:
    """A client that carries the token."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return client


@pytest.fixture
def patient(db: Database) -> Callable[..., int]:
    """`patient("My knee hurts")`: the contact id of somebody new who just wrote that."""

    def make(
        text: str = "Hello",
        name: Optional[str] = "Ravi Invented",
        ago: timedelta = timedelta(minutes=5),
        **more: Any,
    ) -> int:
        number = next(_numbers)
        fields = {"kind": "text", "text": text, "sent_at": now() - ago, **more}
        arrival = Arrival(f"wamid.in{number}", phone=phone_of(number), profile_name=name, **fields)
        with db.transaction() as session:
            contact_id = store_arrival(session, arrival)
        assert contact_id is not None
        return contact_id

    return make


def phone_of(number: int) -> str:
    """An invented phone number."""
    return f"+91900000{number:04}"


@pytest.fixture
def handoff(db: Database, patient: Callable[..., int]) -> Callable[..., int]:
    """`handoff("request")`: the id of a new open handoff, of a new patient unless one is given."""

    def make(
        reason: str = "request",
        contact_id: Optional[int] = None,
        opened_at: Optional[datetime] = None,
        **more: Any,
    ) -> int:
        contact = contact_id if contact_id is not None else patient()
        with db.transaction() as session:
            made = open_handoff(session, contact, reason, **more)
            if opened_at is not None:
                made.opened_at = opened_at
            return int(made.id)

    return make


@pytest.fixture
def contact_of(db: Database) -> Callable[[int], int]:
    """`contact_of(handoff_id)`: whose handoff it is."""

    def find(handoff_id: int) -> int:
        with db.reading() as session:
            return int(session.get(Handoff, handoff_id).contact_id)

    return find


@pytest.fixture
def bot_says(db: Database) -> Callable[..., int]:
    """`bot_says(contact, "Which day?", "Mon", "Tue")`: a planned message, with its choices."""

    def say(contact_id: int, text: str, *titles: str) -> int:
        bubble: Any = Text(text=text)
        if titles:
            choices = [Choice(title=title, payload=f"/pick{n}") for n, title in enumerate(titles)]
            bubble = Choices(text=text, choices=choices)
        with db.transaction() as session:
            message_id = plan(session, contact_id, bubble, cause=f"turn:{next(_numbers)}:1")
        assert message_id is not None
        return message_id

    return say


@pytest.fixture
def silent_contact(db: Database) -> int:
    """The id of somebody who never wrote."""
    with db.transaction() as session:
        return int(ensure_contact(session, phone_of(next(_numbers)), None).id)


def token_in(html: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html)
    assert found, "the page has no form"
    return found[1]


PASSWORD = "three invented words"


def account(app: Flask, name: str = "Asha", role: str = "physiotherapist") -> str:
    """The login of somebody of that name and role, who has an account from now on."""
    login = f"{''.join(filter(str.isalnum, name.lower()))}@clinic.example"
    with app.extensions["sandhi"].database.transaction() as session:
        if find(session, login) is None:
            add(session, login, name, role, PASSWORD)
    return login


def sign_in(
    client: FlaskClient,
    name: str = "Asha",
    role: str = "physiotherapist",
    password: str = PASSWORD,
    **more: Any,
) -> Any:
    """Sign in as somebody of that name, with an account made for them if there is none."""
    login = account(client.application, name, role)
    csrf = token_in(client.get("/sign-in").text)
    data = {"csrf_token": csrf, "login": login, "password": password}
    return client.post("/sign-in", data=data, **more)


@pytest.fixture
def asha(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert sign_in(client).status_code == 302
    return client


@pytest.fixture
def front(app: Flask) -> FlaskClient:
    """Somebody of the front desk, signed in."""
    client = app.test_client()
    assert sign_in(client, "Frontdesk Farah", "front_desk").status_code == 302
    return client


@pytest.fixture
def manager(app: Flask) -> FlaskClient:
    """A manager, signed in."""
    client = app.test_client()
    assert sign_in(client, "Manager Mira", "manager").status_code == 302
    return client


def press(client: FlaskClient, page: str, action: str, **fields: Any) -> Any:
    """Send a form of `page` to `action`, as a browser would."""
    csrf = token_in(client.get(page).text)
    return client.post(action, data={"csrf_token": csrf, **fields})
