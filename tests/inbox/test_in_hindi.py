"""Every page in Hindi. The catalogue's Hindi is marked, so that what is left unmarked was never
given to it: words written into a template, or a sentence that another room of the house made."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, Dict, Iterator, List, Optional

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from clinic.course_plans import MOST_SESSIONS
from clinic.database import Database
from clinic.staff import add
from inbox import language
from tests.inbox.busy_house import MOMENT, PATIENTS, Busy, furnish
from tests.inbox.conftest import PASSWORD, press, sign_in
from tests.inbox.phrases import filled_elsewhere

MARKS = "⟦", "⟧"
# what is a name, here and in Hindi
NAMES = {"Sandhi", "Asha", "Binu", "Chandra", "WhatsApp", "CSV", "PDF", "Ctrl", "Enter"}
# and codes
NAMES |= {"SAC", "TP"}
NAMES |= {word for name in PATIENTS for word in re.findall(r"[A-Za-z]+", name)}
SPOKEN = ("aria-label", "title", "placeholder", "alt", "content", "data-lost", "data-new")
SPOKEN += ("data-urgent", "data-on", "data-off", "data-left", "data-over", "data-gap")
SPOKEN += ("data-ask", "data-label")
VOID = {"input", "img", "meta", "link", "br", "path", "circle", "source"}


class Words(HTMLParser):
    """The texts of a page that are the interface's own.

    Left out is what somebody wrote (`dir="auto"`), a code or a key, and what says that it is
    English (`lang="en"`).
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: List[str] = []
        self._open: List[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: List[Any]) -> None:
        own = dict(attrs)
        others = own.get("dir") == "auto" or own.get("lang") == "en"
        others = others or tag in ("code", "kbd", "script", "textarea", "datalist")
        hidden = others or any(self._open)
        if not hidden or own.get("dir") == "auto":
            self.found += [own[name] for name in SPOKEN if own.get(name)]
        if tag not in VOID:
            self._open.append(others)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open) and data.strip():
            self.found.append(data.strip())


def english_in(html: str) -> List[str]:
    """What on the page has a word in Latin letters and did not come from the catalogue."""
    left = []
    for text in Words(html).found:
        bare = text
        while (again := re.sub(r"⟦[^⟦⟧]*⟧", "", bare)) != bare:
            bare = again
        words = set(re.findall(r"(?<![\w@.])[A-Za-z]{2,}(?![\w@]|\.\w)", bare)) - NAMES
        if words and not re.fullmatch(r"width=device-width.*|light dark", text):
            left.append(text)
    return left


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything of the catalogue between two marks."""
    begin, end = MARKS
    catalogue: Dict[str, str] = {
        english: f"{begin}{said}{end}" for english, said in language.hindi().items()
    }
    patterns = [(pattern, f"{begin}{said}{end}") for pattern, said in language.filled()]
    monkeypatch.setattr(language, "hindi", lambda: catalogue)
    monkeypatch.setattr(language, "filled", lambda: patterns)


@pytest.fixture
def busy(app: Flask, db: Database) -> Iterator[Busy]:
    with time_machine.travel(MOMENT):
        with db.transaction() as session:
            for name, role in (("Asha", "manager"), ("Binu", "physiotherapist")):
                add(session, f"{name.lower()}@clinic.example", name, role, PASSWORD)
        yield furnish(db)


@pytest.fixture
def hindi_client(app: Flask, busy: Busy, marked: None) -> FlaskClient:
    client = app.test_client()
    assert sign_in(client, "Asha", "manager").status_code == 302
    press(client, "/account", "/language", language="hi", back="/")
    return client


def test_no_page_has_english_of_its_own(hindi_client: FlaskClient, busy: Busy) -> None:
    left = {}
    for path in busy.paths():
        answer = hindi_client.get(path)
        assert answer.status_code == (404 if path == "/nowhere" else 200), path
        assert MARKS[0] in answer.text, "the page is not in Hindi at all"
        if found := english_in(answer.text):
            left[path] = found
    assert left == {}, left


def test_what_is_refused_is_said_in_hindi(
    app: Flask, hindi_client: FlaskClient, busy: Busy
) -> None:
    talk = f"/conversations/{busy.contacts['flag']}"
    plan = {"patient": "A", "clinician": "neha", "service": "session"}
    tries: List[Any] = [
        (f"{talk}/reply", {"text": ""}),
        (f"{talk}/hand-back", {"handoff": busy.handoffs["flag"], "outcome": ""}),
        (f"{talk}/snooze", {"handoff": busy.handoffs["flag"], "until": "reply"}),
        (f"{talk}/template", {}),
        (f"{talk}/notes", {"note": " "}),
        (f"{talk}/book", {"slot": "nonsense", "name": "A"}),
        (f"{talk}/plans", {**plan, "sessions": str(MOST_SESSIONS + 1)}),
        (f"{talk}/plans", {**plan, "sessions": "4", "expect": "We guarantee a full recovery"}),
        (f"{talk}/plans", {**plan, "sessions": "x"}),
        (f"{talk}/plans", {**plan, "sessions": "4", "rupees": "many"}),
        (f"{talk}/plans", {**plan, "sessions": "4", "expires_on": "2020-01-01"}),
        (f"{talk}/bills", {"patient": "A", "description": "Belt", "rupees": "5", "sac": "9021"}),
        (f"{talk}/bills", {"patient": "A", "description": "Session", "rupees": "x", "sac": "9993"}),
        (f"{talk}/bills", {"patient": "A"}),
        (f"/bills/{busy.bills[0]}/pay", {"rupees": "1", "how": "upi"}),
        (f"/bills/{busy.bills[0]}/pay", {"rupees": "many", "how": "upi"}),
        (f"/bills/{busy.bills[3]}/send", {}),
        (f"/bills/{busy.bills[0]}/cancel", {"reason": ""}),
        ("/answers", {"title": ""}),
        ("/staff", {"login": "x", "name": "New", "role": "manager"}),
        ("/staff", {"login": "asha@clinic.example", "name": "New", "role": "manager"}),
        ("/staff/1/role", {"role": "front_desk"}),
        ("/account/password", {"password": PASSWORD, "new": "short", "again": "short"}),
        ("/account/password", {"password": "wrong", "new": "a", "again": "b"}),
        ("/account/two-step/confirm", {"code": "1"}),
        (f"/visits/{busy.visit}/cancel", {"version": "1", "reason": ""}),
        (f"/visits/{busy.visit}/mark", {"status": "no_show"}),
    ]
    left = {}
    for address, fields in tries:
        answer = press(hindi_client, "/account", address, **fields)
        # what only goes back to a page says it there
        shown = answer if answer.status_code != 302 else hindi_client.get(answer.location)
        assert answer.status_code >= 400 or "flash" in shown.text, (address, fields)
        if found := english_in(shown.text):
            left[f"{address} {fields}"] = found
    assert left == {}


@pytest.mark.parametrize("path", ["/staff", "/audit"])
def test_who_may_not_is_told_so_in_hindi(app: Flask, busy: Busy, marked: None, path: str) -> None:
    client = app.test_client()
    sign_in(client, "Chandra", "front_desk")
    press(client, "/account", "/language", language="hi", back="/")
    answer = client.get(path)
    assert answer.status_code == 403 and english_in(answer.text) == []


def test_signing_in_is_in_the_browsers_language(app: Flask, busy: Busy, marked: None) -> None:
    client = app.test_client()
    wish = {"Accept-Language": "hi-IN,hi;q=0.9"}
    page = client.get("/sign-in", headers=wish)
    assert MARKS[0] in page.text and english_in(page.text) == []
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    for login, password in (("", ""), ("asha@clinic.example", "wrong")):
        data = {"csrf_token": token[1], "login": login, "password": password}
        refused = client.post("/sign-in", data=data, headers=wish)
        assert refused.status_code in (400, 401) and english_in(refused.text) == []
    stale = client.post("/sign-in", data={"login": "x"}, headers=wish)
    assert stale.status_code == 400 and english_in(stale.text) == []


def test_the_browser_is_told_what_was_refused_in_hindi(
    app: Flask, busy: Busy, marked: None
) -> None:
    answer = app.test_client().get("/live/queue", headers={"Accept-Language": "hi"})
    assert answer.json["error"]["message"].startswith(MARKS[0])
    api = app.test_client().get("/api/v1/handoffs", headers={"Accept-Language": "hi"})
    assert MARKS[0] not in api.text


def test_every_sentence_made_elsewhere_is_in_the_catalogue() -> None:
    known = language.hindi()
    missing = [
        sentence
        for sentence in filled_elsewhere()
        if sentence not in known
        and not any(pattern.fullmatch(sentence) for pattern, _words in language.filled())
    ]
    assert missing == [], "add them to inbox/hindi/filled.yml"


def test_the_test_would_see_english() -> None:
    page = '<p>⟦हिन्दी {x}⟧ Save it</p><p dir="auto">Hello there</p><b aria-label="Close it"></b>'
    assert english_in(page) == ["⟦हिन्दी {x}⟧ Save it", "Close it"]


def said_in_hindi(sentence: str, app: Flask) -> Optional[str]:
    with app.test_request_context(headers={"Accept-Language": "hi"}):
        return language.said(sentence)


def test_a_gap_is_translated_where_it_is_a_phrase(app: Flask) -> None:
    shown = said_in_hindi("'expect' has 400 characters; at most 350 fit.", app)
    assert shown is not None and language.hindi()["expect"] in shown and "400" in shown
