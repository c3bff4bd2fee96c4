"""Every page with something on it: nothing for axe to complain, it fits, and the keyboard gets
everywhere."""

from __future__ import annotations

import threading
from typing import Any, Iterator, List, Tuple

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from clinic.database import Database
from tests.inbox.busy_house import MOMENT, Busy, furnish
from tests.inbox.conftest import PASSWORD, account
from tests.inbox.test_pages_browser import CHROMIUM, FLAGS
from tests.inbox.test_pages_browser import pytestmark as pytestmark

# width, height, colours, language of the browser
LOOKS = {
    "desk": (1280, 800, "light", "en-IN"),
    "tablet": (768, 1024, "dark", "en-IN"),
    "phone": (360, 740, "dark", "hi-IN"),
}
# what can be worked and seen, but not come to by Tab
WORKED = "a, button, input, select, textarea, summary"
OUT_OF_REACH = """(worked) => [...document.querySelectorAll(worked)]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled)
  .filter((one) => one.type !== "hidden" && one.tabIndex < 0 || one.matches("a:not([href])"))
  .map((one) => one.outerHTML.slice(0, 120))"""
# what reacts to a press and is nothing that a keyboard can press
ONLY_BY_MOUSE = """() => [...document.querySelectorAll("[onclick], [role=button]:not(button)")]
  .map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def busy(app: Flask, db: Database) -> Iterator[Tuple[Busy, str, str]]:
    """The busy house, its address, and a manager's login."""
    with time_machine.travel(MOMENT):
        login = account(app, "Asha", "manager")
        house = furnish(db)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield house, f"http://127.0.0.1:{server.server_port}", login
        server.shutdown()
        thread.join()


def faults_of(page: Page, width: int) -> List[str]:
    found: Any = Axe().run(page)
    faults = [found.generate_report()] if found.violations_count else []
    faults += [f"out of the keyboard's reach: {one}" for one in page.evaluate(OUT_OF_REACH, WORKED)]
    faults += [f"only by mouse: {one}" for one in page.evaluate(ONLY_BY_MOUSE)]
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
        faults.append(f"{wide} pixels wide")
    return faults


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_page_is_accessible(window: Browser, busy: Tuple[Busy, str, str], look: str) -> None:
    house, address, login = busy
    width, height, colours, locale = LOOKS[look]
    context = window.new_context(
        base_url=address,
        viewport={"width": width, "height": height},
        color_scheme=colours,  # type: ignore[arg-type]
        locale=locale,
    )
    faults = {}
    page = context.new_page()
    page.goto("/sign-in")
    faults["/sign-in"] = faults_of(page, width)
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#queue").wait_for()
    for path in house.paths():
        page.goto(path)
        for folded in page.locator("main details:not([open]) > summary").all():
            if folded.is_visible():
                folded.click()
        faults[path] = faults_of(page, width)
    page.goto("/")
    page.keyboard.press("?")
    faults["the keys"] = faults_of(page, width)
    context.close()
    assert {path: found for path, found in faults.items() if found} == {}


def test_the_keyboard_alone_comes_to_the_menu_and_skips_to_the_content(
    window: Browser, busy: Tuple[Busy, str, str]
) -> None:
    _house, address, login = busy
    page = window.new_page(base_url=address)
    page.goto("/sign-in")
    for _field in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "login":
            break
    page.keyboard.type(login)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#queue").wait_for()
    page.keyboard.press("Tab")
    assert "skip" in page.evaluate("document.activeElement.className")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    seen = []
    page.goto("/")
    for _stop in range(14):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.closest('[id]')?.id"))
    for place in ("place-queue", "place-day", "place-answers", "place-search", "bell", "me-menu"):
        assert place in seen, seen
    page.close()


@pytest.mark.parametrize("look", ["desk", "phone"])
def test_the_day_begins_at_the_present(
    window: Browser, busy: Tuple[Busy, str, str], look: str
) -> None:
    _house, address, login = busy
    width, height, _colours, _locale = LOOKS[look]
    context = window.new_context(base_url=address, viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto("/sign-in")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#queue").wait_for()
    page.goto("/day")
    frame, head, row = (
        page.locator(what).first.bounding_box()
        for what in (".sheet-frame", ".sheet thead th", "#now")
    )
    assert frame and head and row
    assert page.evaluate("scrollY") == 0, "the title stays in sight"
    assert head["y"] + head["height"] <= row["y"] < frame["y"] + frame["height"] / 2
    assert page.locator(".sheet #visit-1").bounding_box()["y"] < head["y"], "earlier stays above"
    # by keyboard: to the present, and on to the first free slot or visit after it
    page.locator("#to-now").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "Book 12:00 pm with Neha Kulkarni"
    page.emulate_media(media="print")
    assert page.locator(".sheet-frame").evaluate("one => one.scrollHeight <= one.clientHeight")
    context.close()
