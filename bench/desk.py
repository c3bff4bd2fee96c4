"""Staff at their browsers: they sign in, open pages, and their pages ask whether there is news."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

import requests

from bench.inbox_rows import PASSWORD
from bench.processes import ROOT, BenchError

SCRIPT = ROOT / "inbox" / "static" / "live.js"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_LIVE = re.compile(r'data-live="([^"]+)"')
_VERSION = re.compile(r'data-version="([^"]*)"')


def asks_every_seconds() -> float:
    """How long an open page waits between two questions, as its script says.

    Raises:
        BenchError: the script no longer says it.
    """
    found = re.search(r"const EVERY_MS = (\d+);", SCRIPT.read_text(encoding="utf-8"))
    if found is None:
        raise BenchError("inbox/static/live.js says no EVERY_MS")
    return int(found[1]) / 1000


class Browser:
    """One person's browser, signed in."""

    def __init__(self, url: str, login: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        form = self._session.get(f"{url}/sign-in", timeout=30).text
        token = _TOKEN.search(form)
        given = {"login": login, "password": PASSWORD, "csrf_token": token[1] if token else ""}
        answer = self._session.post(f"{url}/sign-in", data=given, allow_redirects=False, timeout=60)
        if answer.status_code != 302:
            raise BenchError(f"signing in was answered with {answer.status_code}")

    def get(self, path: str) -> Tuple[str, float]:
        """A page, and how many milliseconds the server took for it.

        Raises:
            BenchError: it was not answered with 200.
        """
        began = time.perf_counter()
        answer = self._session.get(f"{self._url}{path}", allow_redirects=False, timeout=60)
        took = (time.perf_counter() - began) * 1000
        if answer.status_code != 200:
            raise BenchError(f"a page was answered with {answer.status_code}")
        return answer.text, took

    def open(self, path: str) -> "OpenPage":
        """Open a page that is live."""
        html, _took = self.get(path)
        live, version = _LIVE.search(html), _VERSION.search(html)
        if live is None or version is None:
            raise BenchError("a page is not live")
        return OpenPage(self, live[1].replace("&amp;", "&"), version[1])


class OpenPage:
    """An open page: asks, waits, asks."""

    def __init__(self, browser: Browser, address: str, version: str) -> None:
        self._browser = browser
        self._address = address
        self._version = version
        self.asked_ms: List[float] = []
        self.problem: Optional[str] = None

    def ask(self) -> bool:
        """Ask once; whether there was news, which are here now."""
        joined = "&" if "?" in self._address else "?"
        text, took = self._browser.get(f"{self._address}{joined}version={self._version}")
        self.asked_ms.append(took)
        news: Dict[str, Any] = json.loads(text)
        is_news = news["version"] != self._version
        self._version = news["version"]
        return is_news

    def stay_open(self, every: float, stopping: threading.Event) -> None:
        """Ask as the script does, until `stopping` is set."""
        try:
            while not stopping.wait(every):
                self.ask()
        except (BenchError, requests.RequestException) as error:
            self.problem = str(error)


def everybody(work: Callable[[int], Any], count: int) -> List[threading.Thread]:
    """So many threads at `work`, begun one after the other within a second."""
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
        time.sleep(1 / count)
    return threads
