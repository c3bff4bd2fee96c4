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

from clinic.canned import save_canned
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.handoffs import open_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Message, Note, Staff
from tests.inbox.at_the_desk import open_clinic
from tests.inbox.conftest import PASSWORD, account
from tests.patients import eventually

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

    def make(size: str = "desk", dark: bool = False, name: str = "Asha") -> Page:
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
        page.get_by_label("Login").fill(account(app, name))
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
    # a browser does not ring for what was there before its first look
    assert eventually(lambda: page.evaluate("localStorage.getItem('bell:seen')") is not None)
    with db.transaction() as session:
        contact = ensure_contact(session, "+919000000777", None, "Newcomer Invented")
        session.flush()
        open_handoff(session, int(contact.id), "red_flag", red_flag="chest_pain")
    page.get_by_text("Newcomer Invented").wait_for(timeout=8000)
    assert page.title().startswith("(1)")
    assert page.locator("body").get_attribute("data-rang") == "urgent"


def test_the_bell_rings_on_every_page_and_only_once(
    db: Database, open_page: Callable[..., Page], handoff: Make
) -> None:
    page = open_page()
    page.goto("/answers")
    # the pages' policy forbids to evaluate strings in them again and again, so it is asked here
    assert eventually(lambda: page.evaluate("localStorage.getItem('bell:seen')") is not None)
    handoff("request")
    page.locator("body[data-rang=new]").wait_for(timeout=12000)
    assert page.title().startswith("(1)")
    page.reload()
    assert eventually(lambda: page.title().startswith("(1)"))
    assert page.locator("body").get_attribute("data-rang") is None


def test_by_keyboard_alone(
    db: Database, open_page: Callable[..., Page], patient: Make, handoff: Make
) -> None:
    first, second = patient("one", "First Invented"), patient("two", "Second Invented")
    for contact_id in (first, second):
        handoff(contact_id=contact_id)
    page = open_page()
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("c")
    page.get_by_role("heading", name="First Invented").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("n")
    page.keyboard.type("She likes mornings: j k e ?")
    page.keyboard.press("Control+Enter")
    page.locator("#transcript .private-note", has_text="She likes mornings: j k e ?").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("r")
    page.keyboard.type("Good morning")
    page.keyboard.press("Control+Enter")
    page.locator("#transcript .staff .said", has_text="Good morning").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("e")
    page.locator("#outcome").select_option("answered")
    page.locator("#hand-back-now").press("Enter")
    page.get_by_text("The assistant answers this patient again").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/day")
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.wait_for_url("**/search")
    with db.reading() as session:
        texts = [row.text for row in session.query(Message).filter_by(direction="out")]
    assert texts == ["Good morning", "The assistant answers again."]


def test_of_two_who_claim_at_once_one_is_told(
    db: Database, open_page: Callable[..., Page], handoff: Make
) -> None:
    made = handoff()
    one, other = open_page(), open_page(name="Binu")
    one.locator(f"#claim-{made}").click()
    one.locator("#hand-back").wait_for()
    answer = other.request.post(
        f"/handoffs/{made}/claim",
        form={"csrf_token": other.locator("[name=csrf_token]").first.input_value()},
    )
    assert answer.status == 409


def test_a_ready_answer_is_put_into_the_box_and_earlier_messages_above(
    db: Database, open_page: Callable[..., Page], patient: Make, bot_says: Make
) -> None:
    open_clinic(db)
    contact_id = patient("the very first words")
    for number in range(105):
        bot_says(contact_id, f"number {number}.")
    with db.transaction() as session:
        save_canned(session, None, "Thanks", {"en": "Thank you, {name}!"}, False, "Asha")
    page = open_page()
    page.goto(f"/conversations/{contact_id}")
    page.get_by_text("Earlier messages").click()
    page.get_by_text("the very first words").wait_for()
    days = page.locator("#transcript .day").all_inner_texts()
    assert days and len(days) == len(set(days)), "a day is said once"
    page.keyboard.press("a")
    page.keyboard.type("thank")
    page.keyboard.press("Enter")
    box = page.locator("#text")
    assert eventually(lambda: box.input_value() == "Thank you, Ravi Invented!")
    page.locator("#file").set_input_files(
        {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 invented"}
    )
    page.get_by_text("plan.pdf").wait_for()
    page.locator("#send").click()
    page.locator("#transcript .staff", has_text="plan.pdf").wait_for()


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


@pytest.mark.parametrize("kind", ["reply", "note"])
def test_words_outlive_a_session_that_ended_while_they_were_written(
    app: Flask, db: Database, open_page: Callable[..., Page], patient: Make, kind: str
) -> None:
    """Sent too late, they are in the box again once one has signed in again; and go once."""
    contact_id = patient()
    page = open_page()
    page.goto(f"/conversations/{contact_id}")
    if kind == "note":
        page.get_by_role("button", name="Private note", exact=True).click()
    page.locator("textarea:visible").fill("Written for long")
    with db.transaction() as session:
        session.query(Staff).one().session_epoch += 1
    page.locator("textarea:visible").press("Control+Enter")
    page.get_by_text("an unsent draft is kept in this tab").wait_for()
    page.get_by_label("Login").fill(account(app))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/conversations/{contact_id}")
    if kind == "note":
        page.get_by_role("button", name="Private note", exact=True).click()
    box = page.locator("textarea:visible")
    assert box.input_value() == "Written for long"
    box.press("Control+Enter")
    page.locator("#transcript").get_by_text("Written for long").wait_for()
    assert box.input_value() == ""
    with db.reading() as session:
        sent = session.query(Message).filter_by(direction="out").count()
        assert (sent, session.query(Note).count()) == ((1, 0) if kind == "reply" else (0, 1))


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
    open_clinic(db)
    page = open_page(size, dark)
    closed = patient(name="Somebody else")
    with db.transaction() as session:
        session.get(Contact, closed).last_inbound_at = None
        save_canned(session, None, "Thanks", {"en": "Thank you!"}, True, "Asha")
    talk = f"/conversations/{contact_id}"
    paths = ("/", "/?view=mine", talk, f"/conversations/{closed}", "/answers/1", "/search")
    for path in (*paths, "/day?date=2026-11-24", f"{talk}/book"):
        page.goto(path)
        look(page, path, SIZES[size][0])
    page.goto(talk)
    page.locator("#mode-note").click()
    page.locator("#hand-back").click()
    page.locator("#me-menu > summary").click()
    look(page, "with everything open", SIZES[size][0])


def look(page: Page, what: str, widest: int) -> None:
    found: Any = Axe().run(page)
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= widest, f"{what} is {width} pixels wide"
