"""A Graph API that takes every message at once and writes down when: `python -m bench.stand_in`.

One asyncio process with as little work per request as can be, so that its cost is not counted as
Sandhi's. Times are `time.monotonic_ns()`, which all processes of a machine share.

`GET /arrivals?after=N&wait=SECONDS` gives the messages after the N-th as
`{"items": [{"at", "to", "ref", "digest", "choices"}], "last", "ticks"}`, waiting for the first.
The privacy notice, which follows everybody's first answer, is taken and not written down.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple
from urllib.parse import parse_qs, urlsplit

from clinic.texts import Texts
from safety.language import LANGUAGES

LONGEST_WAIT = 30.0
REF = "biz_opaque_callback_data"


class Book:
    """What arrived, and who waits for more."""

    def __init__(self) -> None:
        self.items: List[Dict[str, Any]] = []
        self.taken = 0
        self.ticks = 0
        self.waiting: Set["asyncio.Future[None]"] = set()

    def take(self, body: Dict[str, Any]) -> Dict[str, Any]:
        """Write a request down; Meta's answer to it."""
        if "status" in body:
            self.ticks += 1
            return {"success": True}
        self.taken += 1
        if not is_notice(body):
            self._note(arrival(body, time.monotonic_ns()))
        to = body.get("to")
        return {
            "messaging_product": "whatsapp",
            "contacts": [{"input": to, "wa_id": str(to).lstrip("+")}],
            "messages": [{"id": f"wamid.bench{self.taken}"}],
        }

    def _note(self, item: Dict[str, Any]) -> None:
        self.items.append(item)
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_result(None)
        self.waiting.clear()

    async def after(self, number: int, seconds: float) -> Dict[str, Any]:
        """The arrivals after the `number`-th, waiting for the first one."""
        if len(self.items) <= number and seconds > 0:
            waiter: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
            self.waiting.add(waiter)
            await asyncio.wait({waiter}, timeout=min(seconds, LONGEST_WAIT))
            self.waiting.discard(waiter)
        return {"items": self.items[number:], "last": len(self.items), "ticks": self.ticks}


def is_notice(body: Dict[str, Any]) -> bool:
    """Whether a message is the privacy notice and not an answer."""
    said = (body.get("interactive") or {}).get("body", {}).get("text", "")
    return bool(said) and said.startswith(_notices())


@lru_cache(maxsize=1)
def _notices() -> Tuple[str, ...]:
    """How the notice begins, in every language."""
    texts = Texts.load(Path(__file__).resolve().parents[1] / "domain" / "consent.yml")
    facts = {"grievance": "", "notice_version": ""}
    said = [texts.say("utter_notice", language, **facts) for language in LANGUAGES]
    return tuple(text.split("\n")[0] for text in said)


def arrival(body: Dict[str, Any], at: int) -> Dict[str, Any]:
    """What is kept of a message; equal digests are equal bubbles."""
    kind = str(body.get("type"))
    shown = json.dumps(body.get(kind), sort_keys=True).encode()
    return {
        "at": at,
        "to": body.get("to"),
        "ref": body.get(REF),
        "digest": hashlib.sha256(shown).hexdigest()[:16],
        "choices": choices_of(body),
    }


def choices_of(body: Dict[str, Any]) -> List[Dict[str, str]]:
    """The buttons or rows of a message, as `wire.tap_part` takes them."""
    action = (body.get("interactive") or {}).get("action") or {}
    found = [{**button["reply"], "kind": "button_reply"} for button in action.get("buttons") or []]
    for section in action.get("sections") or []:
        found += [{**row, "kind": "list_reply"} for row in section["rows"]]
    return found


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests come one after the other."""

    def __init__(self, book: Book, delay: float) -> None:
        self._book = book
        self._delay = delay
        self._buffer = b""
        self._tasks: Set["asyncio.Task[None]"] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = _content_length(head)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._request(head.split(b"\r\n", 1)[0].decode("latin-1"), rest[:length])

    def _request(self, line: str, body: bytes) -> None:
        method, target, _ = line.split(" ", 2)
        if method == "POST":
            answer = self._book.take(json.loads(body))
            asyncio.get_running_loop().call_later(self._delay, self._answer, answer)
            return
        task = asyncio.get_running_loop().create_task(self._look(target))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, target: str) -> None:
        asked = parse_qs(urlsplit(target).query)
        after = int(asked.get("after", ["0"])[0])
        self._answer(await self._book.after(after, float(asked.get("wait", ["0"])[0])))

    def _answer(self, content: Dict[str, Any]) -> None:
        if self._transport.is_closing():
            return
        body = json.dumps(content).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\n\r\n"
        )
        self._transport.write(head.encode("ascii") + body)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def serve(port: int, delay: float) -> None:
    """Serve on loopback until killed; `delay` is how many seconds each POST's answer takes."""
    book = Book()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(book, delay), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the port and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    asked = parser.parse_args()
    asyncio.run(serve(asked.port, asked.delay))


if __name__ == "__main__":
    main()
