"""`/control/` again: what was sent, refused and delivered, for tests to look at."""

from __future__ import annotations

import time
from typing import Any, Dict

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from channels.simulator.config import ADJUSTABLE
from channels.simulator.graph_api import simulator
from channels.simulator.state import Bubble

looks = Blueprint("looks", __name__, url_prefix="/control")

LONGEST_WAIT = 60.0


def _sent(bubble: Bubble) -> Dict[str, Any]:
    return {
        "seq": bubble.sent_seq,
        "wamid": bubble.wamid,
        "to": bubble.contact.phone,
        "recipient": bubble.contact.bsuid,
        "type": bubble.content.get("type", "text"),
        "at": bubble.at,
        "status": bubble.status,
        "body": bubble.content,
        "shown": bubble.shown,
    }


@looks.get("/sent")
def sent() -> ResponseReturnValue:
    sim = simulator()
    after = request.args.get("after", default=0, type=int)
    wait = min(request.args.get("wait", default=0.0, type=float), LONGEST_WAIT)
    to = request.args.get("to", "").strip()
    if to and not to[:2].isalpha() and not to.startswith("+"):
        # An unescaped + in a query string arrives as a blank.
        to = "+" + to
    until = time.monotonic() + wait
    with sim.store.lock:
        while True:
            contact = sim.store.find(to, to) if to else None
            found = [] if to and contact is None else sim.store.sent_after(after, contact)
            left = until - time.monotonic()
            if found or left <= 0 or sim.closing.is_set():
                break
            sim.store.changed.wait(left)
        return jsonify(items=[_sent(bubble) for bubble in found], last=sim.store.sent_seq)


@looks.get("/receipts")
def receipts() -> ResponseReturnValue:
    sim = simulator()
    with sim.store.lock:
        return jsonify(items=list(sim.receipts))


@looks.get("/refused")
def refused() -> ResponseReturnValue:
    items = simulator().refused.after(request.args.get("after", default=0, type=int))
    return jsonify(items=items)


@looks.get("/state")
def state() -> ResponseReturnValue:
    sim = simulator()
    with sim.store.lock:
        totals: Dict[str, Any] = {
            **sim.store.totals(),
            "sent": sim.store.sent_seq,
            "held_statuses": len(sim.held),
            "contacts_used_last": [
                {"key": c.key, "name": c.name, "phone": c.phone, "bsuid": c.bsuid}
                for c in sim.store.contacts(50)
            ],
        }
    return jsonify(
        **totals,
        now=sim.clock.now(),
        clock_offset=sim.clock.offset,
        pending_webhooks=sim.dispatcher.pending(),
        webhooks=sim.dispatcher.counts,
        last_webhooks=list(sim.dispatcher.last)[-20:],
        media=sim.media.totals(),
        mischief=sim.mischief.as_json(),
        settings={name: getattr(sim.config, name) for name in ADJUSTABLE},
    )
