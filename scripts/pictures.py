"""Takes the README's pictures: the chat page and the inbox, over the real processes."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from assistant.training import model_path  # noqa: E402
from clinic.demo_staff import demo_password  # noqa: E402
from tests.house import House  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP = {"width": 1280, "height": 860}


def play(house: House) -> None:
    """A little of an ordinary evening."""
    kavita = house.patient("+919000000103", "Kavita Joshi")
    kavita.writes("chest mein dard hai aur saans phool rahi hai")
    rohan = house.patient("+919000000102", "Rohan Kulkarni")
    rohan.writes("can I speak to someone at the reception?")
    asha = house.patient("+919000000101", "Asha Verma")
    asha.writes("kal shaam ko slot milega?")
    asha.taps("Ghutna")
    asha.writes("parking kahan hai?")
    imran = house.patient("+919000000104", "Imran Sheikh")
    imran.writes("hi, where are you located?")
    imran.writes("my knee is swollen since the last session")


def take_chat(browser: Browser, house: House) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(house.url("simulator", "/"))
    page.get_by_text("Asha Verma").first.click()
    _take(page, "chat")


def take_inbox(browser: Browser, house: House) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(house.url("inbox", "/"))
    page.locator("input[name=login]").fill("physio")
    secret = house.environment["SANDHI_SECRET_KEY"]
    page.locator("input[type=password]").fill(demo_password(secret, "physio"))
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    _take(page, "inbox")
    page.get_by_text("Imran Sheikh").first.click()
    page.wait_for_load_state("networkidle")
    _take(page, "conversation")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)
    page.screenshot(path=PICTURES / f"{name}.png")


def main() -> int:
    """Take every picture."""
    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None:
        print("Pictures need Chromium: run scripts/browser.", file=sys.stderr)  # noqa: T201
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), model_path(), SIMULATOR_DISPLAY_NAME="Tarang Physiotherapy")
        try:
            house.open()
            play(house)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
                take_chat(browser, house)
                take_inbox(browser, house)
                browser.close()
        finally:
            house.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
