"""The load, from a process of its own: `python -m bench.load PLAN.json RESULT.json`.

A plan is one of
`{"kind": "open", "url", "secret", "messages": [[second, phone, text], ...]}`: each webhook at its
own second, whether those before it were answered or not;
`{"kind": "webhook", "url", "secret", "graph", "phones", "texts", "seconds"}`: each contact writes
again once the answer to its last message is at the Graph;
`{"kind": "rest", "url", "phones", "texts", "seconds"}`: the same over Rasa's REST channel.
Times in the results are monotonic nanoseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, List, Set, Tuple

from bench.connections import Pool
from bench.graph import Watch, graph_at
from bench.wire import http_post, signed_post, text_part, webhook_body

OPEN_AHEAD = 16
PATIENCE_SECONDS = 60.0
Turn = Callable[[str, str], Awaitable[bool]]


async def open_loop(plan: Dict[str, Any]) -> Dict[str, Any]:
    """Send each message at its time; what each cost."""
    pool = Pool(plan["url"])
    await pool.warm(OPEN_AHEAD)
    requests = [
        (second, signed_post(plan["url"], webhook_body(phone, text_part(text)), plan["secret"]))
        for second, phone, text in plan["messages"]
    ]
    gc.freeze()
    gc.disable()
    sent: List[Tuple[int, float, float, int]] = []

    async def send(due: float, request: bytes) -> None:
        began = time.monotonic_ns()
        try:
            status = await asyncio.wait_for(pool.ask(request), PATIENCE_SECONDS)
        except (OSError, asyncio.TimeoutError):
            status = 0
        took = (time.monotonic_ns() - began) / 1e6
        sent.append((began, began / 1e6 - due * 1e3, took, status))

    start = time.monotonic() + 0.2
    tasks: Set["asyncio.Task[None]"] = set()
    for second, request in requests:
        due = start + second
        if due > time.monotonic():
            await asyncio.sleep(due - time.monotonic())
        tasks.add(asyncio.create_task(send(due, request)))
    await asyncio.wait(tasks)
    pool.close()
    columns: List[List[Any]] = [list(column) for column in zip(*sent, strict=True)]
    names = ("at", "late_ms", "ms", "status")
    return {**dict(zip(names, columns, strict=True)), "connections": pool.opened}


async def closed_loop(plan: Dict[str, Any]) -> Dict[str, Any]:
    """Let every contact write, hear, and write again; when each answer came."""
    pool = Pool(plan["url"])
    texts: List[str] = plan["texts"]
    answers: List[Tuple[int, float]] = []
    unanswered = 0
    start = time.monotonic()
    end = start + plan["seconds"]

    async def contact(position: int, phone: str, turn: Turn) -> None:
        nonlocal unanswered
        # one after the other in the first second
        await asyncio.sleep(position / len(plan["phones"]))
        number = position
        while time.monotonic() < end:
            began = time.monotonic_ns()
            if not await turn(phone, texts[number % len(texts)]):
                unanswered += 1
                return
            answers.append((time.monotonic_ns(), (time.monotonic_ns() - began) / 1e6))
            number += 1

    async with _turns(plan, pool) as turn:
        await asyncio.gather(*(contact(i, p, turn) for i, p in enumerate(plan["phones"])))
    pool.close()
    return {
        "start": int(start * 1e9),
        "end": int(end * 1e9),
        "at": [at for at, _ in answers],
        "ms": [ms for _, ms in answers],
        "unanswered": unanswered,
    }


@contextlib.asynccontextmanager
async def _turns(plan: Dict[str, Any], pool: Pool) -> Any:
    """How a contact writes and hears: over REST, or by webhook and Graph."""
    if plan["kind"] == "rest":

        async def over_rest(phone: str, text: str) -> bool:
            body = json.dumps({"sender": phone, "message": text}).encode()
            return await _within(pool.ask(http_post(plan["url"], body))) == 200

        yield over_rest
        return
    heard: Dict[str, "asyncio.Future[bool]"] = {}
    loop = asyncio.get_running_loop()
    stopping = threading.Event()
    watch = Watch(graph_at(plan["graph"]))

    def hear(phones: List[str]) -> None:
        for phone in phones:
            waiting = heard.get(phone)
            if waiting is not None and not waiting.done():
                waiting.set_result(True)

    def listen() -> None:
        while not stopping.is_set():
            items = watch.next(0.5)
            if items:
                loop.call_soon_threadsafe(hear, [item["to"] for item in items])

    async def by_webhook(phone: str, text: str) -> bool:
        heard[phone] = loop.create_future()
        body = webhook_body(phone, text_part(text))
        status = await _within(pool.ask(signed_post(plan["url"], body, plan["secret"])))
        return status == 200 and bool(await _within(heard[phone]))

    thread = threading.Thread(target=listen, name="listen", daemon=True)
    thread.start()
    try:
        yield by_webhook
    finally:
        stopping.set()
        await asyncio.to_thread(thread.join)


async def _within(waiting: Awaitable[Any]) -> Any:
    """What is waited for, or 0 where it takes too long or breaks."""
    try:
        return await asyncio.wait_for(waiting, PATIENCE_SECONDS)
    except (OSError, asyncio.TimeoutError):
        return 0


def main() -> None:
    """Carry out the plan."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    work = open_loop if plan["kind"] == "open" else closed_loop
    result = asyncio.run(work(plan))
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
