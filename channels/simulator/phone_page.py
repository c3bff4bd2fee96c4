"""The chat page: a patient's phone in the browser, and the JSON it lives on."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any, Dict, List, Optional

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from channels.simulator import rules
from channels.simulator.control_api import order
from channels.simulator.graph_api import simulator
from channels.simulator.patient import OrderError
from channels.simulator.simulator import Simulator
from channels.simulator.state import Bubble, Contact

phone = Blueprint("phone", __name__)

LONGEST_WAIT = 25.0
# Files a browser may show in place; anything else is offered for saving.
_SHOWN_IN_PLACE = ("image/jpeg", "image/png", "image/webp", "audio/", "video/", "application/pdf")


@phone.errorhandler(OrderError)
def bad_order(error: OrderError) -> ResponseReturnValue:
    return jsonify(error=str(error)), 400


@phone.get("/")
def page() -> ResponseReturnValue:
    config = simulator().config
    return render_template(
        "phone.html", business=config.display_name, inbox_url=_web_address(config.inbox_url)
    )


def _web_address(url: str) -> str:
    return url if re.match(r"https?://", url) else ""


def _contact_json(sim: Simulator, contact: Contact) -> Dict[str, Any]:
    last = next(
        (b for b in reversed(contact.transcript) if b.content.get("type") != "reaction"), None
    )
    return {
        "key": contact.key,
        "phone": contact.phone,
        "bsuid": contact.bsuid,
        "name": contact.name or contact.key,
        "last": _bubble_json(last) if last else None,
        "window_open": sim.in_window(contact, sim.clock.now()),
    }


def _bubble_json(bubble: Bubble) -> Dict[str, Any]:
    return {
        "wamid": bubble.wamid,
        "direction": bubble.direction,
        "at": bubble.at,
        "status": bubble.status,
        "content": bubble.content,
        "shown": bubble.shown,
        "reactions": bubble.reactions,
    }


@phone.get("/phone/contacts")
def contacts() -> ResponseReturnValue:
    sim = simulator()
    with sim.store.lock:
        return jsonify(items=[_contact_json(sim, contact) for contact in sim.store.contacts(60)])


@phone.post("/phone/contacts")
def add_contact() -> ResponseReturnValue:
    """`{"name", "phone"}`; without a phone the patient is known by a BSUID alone."""
    sim = simulator()
    wanted = order()
    name = str(wanted.get("name", "")).strip()[:60]
    if not name:
        raise OrderError("Give the patient a name.")
    number: Optional[str] = None
    bsuid: Optional[str] = None
    if wanted.get("phone"):
        digits = re.sub(r"[\s()+-]", "", str(wanted["phone"]))
        if not re.fullmatch(r"[0-9]{10,15}", digits):
            raise OrderError("Give the number with its country code, for example +91 90000 00105.")
        number = "+91" + digits if len(digits) == 10 else "+" + digits
    else:
        bsuid = f"IN.{secrets.randbelow(10**13):013d}"
    with sim.store.lock:
        return jsonify(_contact_json(sim, sim.store.contact(number, bsuid, name)))


@phone.get("/phone/updates")
def updates() -> ResponseReturnValue:
    """What changed for one patient after a revision; waits for a change up to `wait` seconds."""
    sim = simulator()
    key = request.args.get("contact", "")
    after = request.args.get("after", default=0, type=int)
    until = time.monotonic() + min(request.args.get("wait", 0.0, type=float), LONGEST_WAIT)
    typing_before = request.args.get("typing") == "1"
    store = sim.store
    with store.lock:
        while True:
            contact = store.find(key, key)
            if contact is None:
                return jsonify(error="No such patient."), 404
            reset = 0 < after < store.cleared_at
            after = 0 if reset else after
            fresh = [bubble for bubble in contact.transcript if bubble.revision > after]
            typing_left = contact.typing_until - sim.clock.now()
            left = until - time.monotonic()
            if (
                fresh
                or reset
                or (typing_left > 0) != typing_before
                or left <= 0
                or sim.closing.is_set()
            ):
                break
            store.changed.wait(min(left, typing_left) if typing_left > 0 else left)
        return jsonify(
            revision=store.revision,
            reset=reset,
            typing=typing_left > 0,
            contact=_contact_json(sim, contact),
            bubbles=[_bubble_json(bubble) for bubble in fresh],
            webhook=_webhook_health(sim),
        )


def _webhook_health(sim: Simulator) -> Dict[str, Any]:
    """Whether the clinic's server took the last webhook."""
    last: List[Dict[str, Any]] = list(sim.dispatcher.last)[-1:]
    return {
        "ok": not last or last[0]["status"] == 200,
        "status": last[0]["status"] if last else None,
    }


@phone.post("/phone/say")
def say() -> ResponseReturnValue:
    """An order as for `/control/inbound`, from the page."""
    return jsonify(wamid=simulator().receive(order()))


@phone.post("/phone/upload")
def upload() -> ResponseReturnValue:
    """A file from the patient's phone: multipart with `file` and the order's other fields."""
    sim = simulator()
    file = request.files.get("file")
    if file is None:
        raise OrderError("Choose a file.")
    mime = file.mimetype
    kind = next((k for k in ("image", "audio", "video") if mime in rules.MEDIA_TYPES[k][1]), None)
    data = file.read()
    if len(data) > rules.MEDIA_TYPES[kind or "document"][0]:
        raise OrderError("This file is larger than WhatsApp takes.")
    stored = sim.media.add(data, mime, file.filename, rules.INBOUND_MEDIA_LIVES)
    part: Dict[str, Any] = {"mime_type": mime, "sha256": stored.sha256_base64, "id": stored.id}
    if kind is None:
        part["filename"] = file.filename
    if request.form.get("caption"):
        part["caption"] = request.form["caption"]
    raw = {"type": kind or "document", kind or "document": part}
    who = {name: request.form.get(name) for name in ("from", "bsuid")}
    return jsonify(wamid=sim.receive({**who, "raw": raw}))


@phone.get("/phone/media/<media_id>")
def media(media_id: str) -> ResponseReturnValue:
    """A file of the conversation, for the page (the phone needs no token of the business)."""
    stored = simulator().media.get(media_id)
    if stored is None:
        return Response(status=404)
    response = Response(stored.data, content_type=stored.mime)
    if not stored.mime.startswith(_SHOWN_IN_PLACE):
        response.headers["Content-Disposition"] = "attachment"
    return response
