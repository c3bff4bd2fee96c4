"""The pages in a real browser: live without reloading, drafts kept, nothing for axe to complain."""

from __future__ import annotations

import os
import shutil
import threading
from typing import Any, Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.handoffs import open_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Message
from tests.inbox.conftest import PASSWORD, account

Make = Callable[..., int]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-dev-shm-usage",
]
SIZES = {"desk": (1200, 800), "phone": (360, 740)}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"),
        reason="no Chromium here: install the system's package `chromium`",
    ),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The inbox on a loopback port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def open_page(app: Flask, chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """`open_page("desk")`: a signed-in page of that size; scripts must not fail on it."""
    faults: list[str] = []
    contexts = []

    def make(size: str = "desk", dark: bool = False) -> Page:
        width, height = SIZES[size]
        context = chromium.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto("/")
        page.get_by_label("Login").fill(account(app))
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Waiting for a person").wait_for()
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []


def writes(db: Database, contact_id: int, text: str) -> None:
    with db.transaction() as session:
        phone = session.get(Contact, contact_id).phone
        store_arrival(session, Arrival(f"wamid.{text}", "text", phone=phone, text=text))


def test_a_new_handoff_appears_by_itself(
    db: Database, open_page: Callable[..., Page], patient: Make
) -> None:
    page = open_page()
    assert page.get_by_text("Nobody is waiting").is_visible()
    with db.transaction() as session:
        contact = ensure_contact(session, "+919000000777", None, "Newcomer Invented")
        session.flush()
        open_handoff(session, int(contact.id), "red_flag", red_flag="chest_pain")
    page.get_by_text("Newcomer Invented").wait_for(timeout=8000)
    assert page.title().startswith("(1)")


def test_a_draft_outlives_news_and_a_reload_and_is_gone_once_sent(
    db: Database, open_page: Callable[..., Page], patient: Make, handoff: Make
) -> None:
    contact_id = patient("First words")
    handoff(contact_id=contact_id)
    page = open_page()
    page.goto(f"/conversations/{contact_id}")
    box = page.get_by_role("textbox", name="Reply to Ravi Invented")
    box.fill("A long draft")
    writes(db, contact_id, "News while writing")
    page.get_by_text("News while writing").wait_for(timeout=8000)
    assert box.input_value() == "A long draft"
    page.reload()
    assert box.input_value() == "A long draft"
    box.press("Control+Enter")
    sent = page.locator("#transcript .staff .said", has_text="A long draft")
    sent.wait_for()
    assert box.input_value() == ""
    with db.transaction() as session:
        session.query(Message).filter_by(direction="out").one().state = "delivered"
    page.locator("#transcript .staff", has_text="Delivered").wait_for(timeout=8000)
    assert sent.count() == 1


def test_when_the_window_closes_the_box_does_and_keeps_the_draft(
    db: Database, open_page: Callable[..., Page], patient: Make
) -> None:
    contact_id = patient()
    page = open_page()
    page.goto(f"/conversations/{contact_id}")
    box = page.get_by_role("textbox")
    box.fill("Half a sentence")
    with db.transaction() as session:
        session.get(Contact, contact_id).last_inbound_at = None
        # the page looks again when something changed, or the minute did
        session.add(
            Message(
                contact_id=contact_id,
                direction="out",
                kind="text",
                author="bot",
                text="x",
                state="sent",
                occurred_at=now(),
            )
        )
    page.get_by_text("The 24-hour window is closed").wait_for(timeout=8000)
    assert page.get_by_role("button", name="Send").is_disabled()
    assert not box.is_editable()
    assert box.input_value() == "Half a sentence"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_pages_are_accessible_and_fit(
    db: Database,
    open_page: Callable[..., Page],
    patient: Make,
    handoff: Make,
    bot_says: Make,
    size: str,
    dark: bool,
) -> None:
    contact_id = patient("W" * 300, "A very long name of somebody invented " * 3)
    handoff("red_flag", contact_id=contact_id, red_flag="chest_pain")
    bot_says(contact_id, "Which day?", "Monday", "Tuesday")
    failed = bot_says(contact_id, "Hello?")
    with db.transaction() as session:
        session.get(Message, failed).state = "failed"
    page = open_page(size, dark)
    closed = patient(name="Somebody else")
    with db.transaction() as session:
        session.get(Contact, closed).last_inbound_at = None
    for path in ("/", "/?view=mine", f"/conversations/{contact_id}", f"/conversations/{closed}"):
        page.goto(path)
        found: Any = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= SIZES[size][0], f"{path} is {width} pixels wide"
