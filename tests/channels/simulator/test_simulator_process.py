"""The real process: starts quickly, serves, stops at once; and the page in a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests

ASHA = "+919000000101"
ROOT = Path(__file__).parents[3]
TOKEN = {"Authorization": "Bearer simulator-access-token"}
MESSAGES = "/v23.0/106540352242922/messages"


class Running:
    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WHATSAPP_", "SIMULATOR_"))
        }
        environment.update(SIMULATOR_PORT=str(port), SIMULATOR_WEBHOOK_URL="http://127.0.0.1:1/x")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "channels.simulator"], cwd=ROOT, env=environment
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                requests.get(self.url + "/health/ready", timeout=2).raise_for_status()
                return
            except requests.RequestException:
                time.sleep(0.05)
        self.stop()
        raise AssertionError("the simulator did not start in 20 s")

    def stop(self) -> float:
        """Seconds from TERM to the end."""
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(10)
        return time.monotonic() - started

    def send(self, kind: str, content: Any, **more: Any) -> requests.Response:
        body = {"messaging_product": "whatsapp", "to": ASHA, "type": kind, kind: content, **more}
        return requests.post(self.url + MESSAGES, json=body, headers=TOKEN, timeout=5)

    def inbound(self, **order: Any) -> str:
        answer = requests.post(
            self.url + "/control/inbound", json={"from": ASHA, **order}, timeout=5
        )
        return str(answer.json()["wamid"])


@pytest.fixture
def running() -> Iterator[Running]:
    process = Running()
    yield process
    process.stop()


@pytest.mark.processes
def test_stops_at_once_with_a_long_poll_open(running: Running) -> None:
    running.inbound(text="hi")
    assert running.send("text", {"body": "hi"}).status_code == 200
    with socket.create_connection(("127.0.0.1", int(running.url.rsplit(":", 1)[1]))) as waiting:
        waiting.sendall(b"GET /control/sent?after=9&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        assert running.stop() < 2
    with pytest.raises(requests.ConnectionError):
        requests.get(running.url + "/health/live", timeout=2)


@pytest.mark.processes
def test_a_dropped_connection_under_the_real_server(running: Running) -> None:
    running.inbound(text="hi")
    order = {"kind": "drop_connection", "accepted": True}
    requests.post(running.url + "/control/failures", json=order, timeout=5).raise_for_status()
    with pytest.raises(requests.ConnectionError):
        running.send("text", {"body": "hi"})
    sent = requests.get(running.url + "/control/sent", timeout=5).json()["items"]
    assert len(sent) == 1


BUTTONS = {
    "type": "button",
    "body": {"text": "कल शाम *5:30* ठीक है?"},
    "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "हाँ"}}]},
}
LIST = {
    "type": "list",
    "body": {"text": "What brings you?"},
    "action": {
        "button": "Choose",
        "sections": [{"rows": [{"id": "knee", "title": "Knee", "description": "घुटना"}]}],
    },
}


@pytest.fixture
def small_screen(running: Running) -> Iterator[Any]:
    """A Chromium page at phone width, which fails the test on any script error."""
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's chromium"
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as engine:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        browser = engine.chromium.launch(executable_path=chromium, args=flags)
        opened = browser.new_page(viewport={"width": 360, "height": 740})
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.on(
            "console", lambda said: problems.append(said.text) if said.type == "error" else None
        )
        yield opened
        browser.close()
        assert problems == []


@pytest.mark.browser
@pytest.mark.processes
def test_a_patient_chats_on_a_small_screen(running: Running, small_screen: Any) -> None:
    page = small_screen
    page.goto(running.url + "/#%2B919000000101")
    page.get_by_role("textbox", name="Message").fill("kal shaam slot milega?")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".row.in", has_text="kal shaam").wait_for()

    assert running.send("interactive", BUTTONS).status_code == 200
    page.get_by_role("button", name="हाँ").click()
    page.locator(".row.in", has_text="हाँ").wait_for()
    assert page.locator(".row.out b").inner_text() == "5:30"

    assert running.send("interactive", LIST).status_code == 200
    page.get_by_role("button", name="Choose", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Knee").click()
    page.locator(".row.in", has_text="Knee").wait_for()

    page.locator(".row.out", has_text="What brings you?").hover()
    page.get_by_role("button", name="React", exact=True).last.click()
    page.get_by_role("button", name="React with 🙏").click()
    page.locator(".row.out .reaction", has_text="🙏").wait_for()

    page.get_by_role("button", name="Attach").click()
    page.get_by_role("button", name="Sample voice note").click()
    page.get_by_role("button", name="Play").wait_for()
    place = {"latitude": 18.5, "longitude": 73.8, "name": "<b>Clinic</b>"}
    assert running.send("location", place).status_code == 200
    page.get_by_text("<b>Clinic</b>").wait_for()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360, "the page must not scroll sideways"
    page.locator(".row.out .tick-read").first.wait_for()


@pytest.mark.browser
@pytest.mark.processes
def test_page_has_no_accessibility_faults(running: Running, small_screen: Any) -> None:
    page = small_screen
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    running.inbound(text="hi")
    running.send("interactive", LIST)
    page.add_init_script("Object.defineProperty(window, 'trustedTypes', {value: undefined})")
    for width, colours in ((360, "light"), (1360, "light"), (360, "dark"), (1360, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=colours)
        page.goto(running.url + "/#%2B919000000101")
        page.locator(".row.out").wait_for()
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
