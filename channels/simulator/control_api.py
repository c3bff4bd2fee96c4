"""`/control/`: how tests act as patients, look at what was sent, and make things go wrong.

POST inbound    a patient acts: `{"from": "+91…" and/or "bsuid", "name", one of patient.ACTS,
                "duplicate": n, "delay": seconds, "reply_to", "forwarded", "referral",
                "timestamp", "wamid"}` → `{"wamid"}`
POST batch      one POST to the clinic: `{"messages": [inbound…], "statuses": [raw…],
                "layout": "changes"|"entries"|"messages", "delay"}`
POST webhook    a body as it is, posted now: `{"body": any JSON | "raw": text | "base64",
                "signature": "good"|"bad"|"missing"|a value, "headers"}` → the clinic's answer
POST verify     Meta's verification GET against the clinic's webhook
POST failures   `mischief.Failure`: how the next Graph requests go wrong
POST statuses   `mischief.StatusOrder`, or `{"action": "release", "reverse"}`,
                `{"action": "send", "wamid", "status", "code"}`, `{"action": "clear"}`
POST clock      `{"shift_seconds"}` added to the simulator's clock, or `{"offset_seconds"}` set
POST contact    flags of a patient: on_whatsapp, marketing_stopped
POST templates  `{"templates": [{name, language, category, components, status}]}`
POST settings   any of `config.ADJUSTABLE`
POST reset      back to the first minute
GET sent        `?to=&after=&wait=`: accepted sends after a number, waiting for the first
GET receipts, refused, state
"""

from __future__ import annotations

import base64
import time
from typing import Any, Dict, List, Type, TypeVar

import requests
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from channels.simulator import webhooks
from channels.simulator.config import ADJUSTABLE
from channels.simulator.dispatcher import Post
from channels.simulator.graph_api import simulator
from channels.simulator.mischief import FAILURES, STATUS_ACTIONS, Failure, StatusOrder
from channels.simulator.patient import OrderError, act_of, identity_of
from channels.simulator.refusal import RefusalError
from channels.simulator.template_book import STATUSES

control = Blueprint("control", __name__, url_prefix="/control")

Made = TypeVar("Made")


@control.errorhandler(OrderError)
def bad_order(error: OrderError) -> ResponseReturnValue:
    return jsonify(error=str(error)), 400


@control.errorhandler(RefusalError)
def refused_template(refusal: RefusalError) -> ResponseReturnValue:
    return jsonify(refusal.envelope()), refusal.http_status


def order() -> Dict[str, Any]:
    """The JSON object of this request.

    Raises:
        OrderError: it has none.
    """
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise OrderError("send a JSON object")
    return body


def _made(of: Type[Made], fields: Dict[str, Any]) -> Made:
    try:
        return of(**fields)
    except TypeError:
        raise OrderError(f"unknown field for {of.__name__}") from None


@control.post("/inbound")
def inbound() -> ResponseReturnValue:
    return jsonify(wamid=simulator().receive(order()))


@control.post("/batch")
def batch() -> ResponseReturnValue:
    sim = simulator()
    wanted = order()
    changes: List[Dict[str, Any]] = []
    wamids: List[str] = []
    for item in wanted.get("messages") or []:
        if not isinstance(item, dict) or act_of(item) == "new_phone":
            raise OrderError("messages are inbound orders; new_phone goes alone")
        change, wamid, _ = sim.prepare(item)
        changes.append(change)
        wamids.append(wamid)
    if not all(isinstance(status, dict) for status in wanted.get("statuses") or []):
        raise OrderError("statuses are objects as in a webhook")
    if wanted.get("statuses"):
        changes.append(webhooks.status_change(sim.config, wanted["statuses"]))
    if not changes:
        raise OrderError("give messages or statuses")
    body = _laid_out(changes, str(wanted.get("layout", "changes")))
    sim.dispatcher.schedule(
        Post(webhooks.serialized(body), [w for w in wamids if w], len(changes)),
        float(wanted.get("delay", 0.0)),
    )
    return jsonify(wamids=wamids)


def _laid_out(changes: List[Dict[str, Any]], layout: str) -> Dict[str, Any]:
    """One body: a change per update, an entry per update, or all messages in one `value`."""
    config = simulator().config
    if layout == "entries":
        body = webhooks.envelope(config, [])
        body["entry"] = [{"id": config.waba_id, "changes": [change]} for change in changes]
        return body
    if layout == "messages":
        merged: Dict[str, Any] = webhooks.value_of(config)
        for change in changes:
            for name in ("contacts", "messages", "statuses", "user_preferences"):
                if name in change["value"]:
                    merged.setdefault(name, []).extend(change["value"][name])
        return webhooks.envelope(config, [{"value": merged, "field": "messages"}])
    if layout != "changes":
        raise OrderError("layout is changes, entries or messages")
    return webhooks.envelope(config, changes)


@control.post("/webhook")
def webhook() -> ResponseReturnValue:
    sim = simulator()
    wanted = order()
    if wanted.get("base64") is not None:
        raw = base64.b64decode(str(wanted["base64"]))
    elif wanted.get("raw") is not None:
        raw = str(wanted["raw"]).encode()
    else:
        raw = webhooks.serialized(wanted.get("body"))
    headers = {"Content-Type": "application/json", **(wanted.get("headers") or {})}
    signed = str(wanted.get("signature", "good"))
    if signed == "good":
        headers["X-Hub-Signature-256"] = webhooks.signature(raw, sim.config.app_secret)
    elif signed == "bad":
        headers["X-Hub-Signature-256"] = webhooks.signature(raw, sim.config.app_secret + "x")
    elif signed != "missing":
        headers["X-Hub-Signature-256"] = signed
    return _asked("POST", data=raw, headers=headers)


@control.post("/verify")
def verify() -> ResponseReturnValue:
    sim = simulator()
    parameters = {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": sim.config.verify_token,
    }
    return _asked("GET", params={**parameters, **(request.get_json(silent=True) or {})})


def _asked(method: str, **call: Any) -> ResponseReturnValue:
    """The clinic's answer to a request made now; no retries."""
    config = simulator().config
    started = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.request(
                method, config.webhook_url, timeout=config.webhook_timeout, **call
            )
        except requests.RequestException as error:
            return jsonify(error=type(error).__name__), 502
    return jsonify(
        status=answer.status_code,
        body=answer.text[:10_000],
        seconds=round(time.monotonic() - started, 4),
    )


@control.post("/failures")
def failures() -> ResponseReturnValue:
    sim = simulator()
    failure = _made(Failure, order())
    if failure.kind not in FAILURES:
        raise OrderError("kind is one of " + ", ".join(FAILURES))
    sim.mischief.add_failure(failure)
    return jsonify(sim.mischief.as_json())


@control.post("/statuses")
def statuses() -> ResponseReturnValue:
    sim = simulator()
    wanted = order()
    action = wanted.get("action")
    if action == "release":
        return jsonify(released=sim.release(bool(wanted.get("reverse"))))
    if action == "clear":
        sim.mischief.orders.clear()
        return jsonify(sim.mischief.as_json())
    if action == "send":
        known = sim.send_status(
            str(wanted.get("wamid")),
            str(wanted.get("status")),
            wanted.get("code"),
            str(wanted.get("details", "")),
        )
        return jsonify(sent=known), 200 if known else 404
    if action not in STATUS_ACTIONS:
        raise OrderError("action is release, clear, send, " + ", ".join(STATUS_ACTIONS))
    sim.mischief.add_order(_made(StatusOrder, wanted))
    return jsonify(sim.mischief.as_json())


@control.post("/clock")
def clock() -> ResponseReturnValue:
    sim = simulator()
    wanted = order()
    if "offset_seconds" in wanted:
        sim.clock.offset = float(wanted["offset_seconds"])
    sim.clock.offset += float(wanted.get("shift_seconds", 0.0))
    return jsonify(now=sim.clock.now(), offset_seconds=sim.clock.offset)


@control.post("/contact")
def contact() -> ResponseReturnValue:
    """`{"from"|"bsuid", "name", "on_whatsapp": bool, "marketing_stopped": bool}`"""
    sim = simulator()
    wanted = order()
    phone, bsuid = identity_of(wanted)
    with sim.store.lock:
        found = sim.store.contact(phone, bsuid, wanted.get("name"))
        found.on_whatsapp = bool(wanted.get("on_whatsapp", found.on_whatsapp))
        found.marketing_stopped = bool(wanted.get("marketing_stopped", found.marketing_stopped))
        return jsonify(key=found.key, name=found.name, on_whatsapp=found.on_whatsapp)


@control.post("/templates")
def templates() -> ResponseReturnValue:
    """`{"templates": [{name, language, category, components, status?}]}`, replacing old ones."""
    sim = simulator()
    stored: List[Dict[str, Any]] = []
    for item in order().get("templates") or []:
        status = str(item.get("status", "APPROVED")) if isinstance(item, dict) else ""
        if status not in STATUSES:
            raise OrderError("status is one of " + ", ".join(STATUSES))
        stored.append(sim.templates.put(item, status).as_json())
    return jsonify(templates=stored)


@control.post("/settings")
def settings() -> ResponseReturnValue:
    sim = simulator()
    wanted = order()
    for name, value in wanted.items():
        if name not in ADJUSTABLE:
            raise OrderError("settings are " + ", ".join(ADJUSTABLE))
        setattr(sim.config, name, tuple(value) if name == "retry_delays" else value)
    return jsonify({name: getattr(sim.config, name) for name in ADJUSTABLE})


@control.post("/reset")
def reset() -> ResponseReturnValue:
    simulator().reset()
    return jsonify(reset=True)
