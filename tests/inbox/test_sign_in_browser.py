"""Signing in with two steps in a real browser, and the account and manager's pages under axe."""

from __future__ import annotations

import threading
from typing import Any, Callable, Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from clinic.audit import record
from clinic.database import Database, now
from tests.inbox.conftest import PASSWORD, account
from tests.inbox.test_pages_browser import CHROMIUM, FLAGS, SIZES
from tests.inbox.test_pages_browser import pytestmark as pytestmark

Make = Callable[..., int]


@pytest.fixture(scope="module")
def browser_here() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(app: Flask, browser_here: Browser) -> Iterator[Callable[..., Page]]:
    """`visit("phone")`: a fresh browser of that size before the inbox; scripts must not fail."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    faults: list[str] = []
    contexts = []

    def make(size: str = "desk", dark: bool = False) -> Page:
        width, height = SIZES[size]
        context = browser_here.new_context(
            base_url=f"http://127.0.0.1:{server.server_port}",
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        # what the content security policy kept out
        page.on(
            "console",
            lambda said: faults.append(said.text) if "Content Security" in said.text else None,
        )
        return page

    yield make
    for context in contexts:
        context.close()
    server.shutdown()
    thread.join()
    assert faults == []


def sign_in(page: Page, login: str) -> None:
    page.goto("/")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def looks_right(page: Page, size: str) -> None:
    found: Any = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= SIZES[size][0], f"{page.url} is {width} pixels wide"


def test_two_steps_from_setting_up_to_signing_in(app: Flask, visit: Callable[..., Page]) -> None:
    login = account(app)
    page = visit()
    sign_in(page, login)
    page.locator("#me-menu summary").click()
    page.get_by_role("link", name="Your account").click()
    page.locator("#password-begin").fill(PASSWORD)
    page.get_by_role("button", name="Set up").click()
    picture = page.get_by_role("img", name="QR code for the authenticator app")
    assert picture.is_visible()
    box = picture.bounding_box()
    assert box is not None and box["width"] > 150
    looks_right(page, "desk")
    authenticator = pyotp.TOTP(page.locator("#totp-key").inner_text().replace(" ", ""))
    page.get_by_role("textbox", name="Code").fill(authenticator.at(now()))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_text("Two-step sign-in is on").wait_for()
    page.locator("#me-menu summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_label("Login").wait_for()

    sign_in(page, login)
    page.get_by_role("heading", name="One more step").wait_for()
    looks_right(page, "desk")
    page.get_by_role("textbox", name="Code").fill("000000")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("That code is not right").wait_for()
    page.get_by_role("textbox", name="Code").fill(authenticator.at(now()))
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Waiting for a person").wait_for()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_the_pages_are_accessible_and_fit(
    app: Flask, db: Database, visit: Callable[..., Page], patient: Make, size: str, dark: bool
) -> None:
    account(app, "Somebody With Quite A Long Name " * 2, "front_desk")
    with db.transaction() as session:
        for number in range(3):
            record(session, "api", "booked", f"contact:{number}", {"why": "x" * 60})
    page = visit(size, dark)
    page.goto("/sign-in")
    looks_right(page, size)
    sign_in(page, account(app, "Mira", "manager"))
    page.get_by_role("heading", name="Waiting for a person").wait_for()
    for path in ("/account", "/staff", "/audit", "/audit?what=claimed"):
        page.goto(path)
        looks_right(page, size)
