"""Meta's side of the wire: messages, media, templates, as `graph.facebook.com` answers them."""

from __future__ import annotations

import hmac
import socket
from typing import Any, Dict, Optional, cast

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from channels.simulator import rules
from channels.simulator.mischief import Failure
from channels.simulator.refusal import RefusalError, broken
from channels.simulator.simulator import Simulator

graph = Blueprint("graph", __name__)


class VersionConverter(BaseConverter):
    """`v23.0` and its like."""

    regex = r"v\d+\.\d+"


class ObjectIdConverter(BaseConverter):
    """Ids of Graph objects are decimal numbers."""

    regex = r"[0-9]{1,30}"


def simulator() -> Simulator:
    """The simulator behind this request."""
    return cast(Simulator, current_app.extensions["simulator"])


@graph.errorhandler(RefusalError)
def refuse(refusal: RefusalError) -> ResponseReturnValue:
    sim = simulator()
    body = request.get_json(silent=True) if request.is_json else None
    sim.refused.add(refusal, body, sim.clock.now())
    return jsonify(refusal.envelope()), refusal.http_status


def _authorised() -> Simulator:
    sim = simulator()
    expected = f"Bearer {sim.config.access_token}".encode()
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
        raise broken(rules.TOKEN)
    return sim


def _own(object_id: str, expected: str) -> None:
    if object_id != expected:
        raise broken(rules.OBJECT_ID, object_id)


@graph.post("/<version:version>/<object_id:number>/messages")
def messages(version: str, number: str) -> ResponseReturnValue:
    sim = _authorised()
    _own(number, sim.config.phone_number_id)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise broken(rules.JSON_OBJECT)
    failure = sim.mischief.next_failure(_facts(body))
    if failure is not None:
        return _fail(sim, failure, body)
    return jsonify(_answer(sim, body))


def _answer(sim: Simulator, body: Dict[str, Any]) -> Dict[str, Any]:
    return sim.mark_read(body) if "status" in body else sim.send(body)


def _facts(body: Dict[str, Any]) -> Dict[str, str]:
    """What failures may be matched against; `to` is compared as `+` and digits, or as a BSUID."""
    to = str(body.get("to") or "")
    digits = "".join(filter(str.isdigit, to))
    return {
        "endpoint": "messages",
        "to": "+" + digits if digits else str(body.get("recipient") or ""),
        "type": "read" if "status" in body else str(body.get("type", "text")),
    }


def _fail(sim: Simulator, failure: Failure, body: Optional[Dict[str, Any]]) -> ResponseReturnValue:
    """Carry out an injected failure; with `accepted` the message goes out all the same."""
    answer: Any = None
    if body is not None and (failure.accepted or failure.kind == "timeout_after_accept"):
        answer = _answer(sim, body)
    if failure.kind == "timeout_after_accept":
        sim.closing.wait(failure.seconds)
        return jsonify(answer)
    if failure.kind == "drop_connection":
        _drop_connection()
        return Response(status=500)
    if failure.kind == "http_500":
        refusal = RefusalError(1, "Injected failure.", "injected", http_status=500)
    elif failure.kind == "http_429":
        refusal = RefusalError(80007, "Injected failure.", "injected", http_status=429)
    else:
        refusal = RefusalError(failure.code, "Injected failure.", "injected")
    if failure.kind == "slow":
        sim.closing.wait(failure.seconds)
        return jsonify(answer if answer is not None else _answer(sim, body or {}))
    raise refusal


def _drop_connection() -> None:
    """Close the socket without an answer, under gunicorn and under Werkzeug's server."""
    connection = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if connection is None:
        raise ConnectionAbortedError("this server gives no socket to drop")
    connection.shutdown(socket.SHUT_RDWR)


@graph.post("/<version:version>/<object_id:number>/media")
def upload(version: str, number: str) -> ResponseReturnValue:
    sim = _authorised()
    _own(number, sim.config.phone_number_id)
    failure = sim.mischief.next_failure({"endpoint": "media"})
    if failure is not None and failure.kind != "slow":
        return _fail(sim, failure, None)
    if failure is not None:
        sim.closing.wait(failure.seconds)
    if request.form.get("messaging_product") != "whatsapp":
        raise broken(rules.PRODUCT)
    file = request.files.get("file")
    if file is None:
        raise broken(rules.MISSING, "file")
    mime = (request.form.get("type") or file.mimetype or "").split(";")[0].strip().lower()
    stored = sim.media.upload(file.read(), mime, file.filename)
    return jsonify(id=stored.id)


@graph.get("/<version:version>/<object_id:object_id>")
def look_up(version: str, object_id: str) -> ResponseReturnValue:
    """The number itself, or a media id."""
    sim = _authorised()
    if object_id == sim.config.phone_number_id:
        return jsonify(
            verified_name=sim.config.display_name,
            display_phone_number="+" + sim.config.display_phone_number,
            quality_rating="GREEN",
            id=object_id,
        )
    stored = sim.media.get(object_id)
    if stored is None:
        raise broken(rules.OBJECT_ID, object_id)
    key = sim.media.new_url_key(object_id)
    return jsonify(
        messaging_product="whatsapp",
        url=f"{request.host_url}media-download/{key}",
        mime_type=stored.mime,
        sha256=stored.sha256_hex,
        file_size=len(stored.data),
        id=stored.id,
    )


@graph.get("/media-download/<key>")
def download(key: str) -> ResponseReturnValue:
    """The address a media id resolves to; Meta wants the token here too."""
    sim = _authorised()
    stored = sim.media.by_url_key(key)
    if stored is None:
        return Response(status=404)
    return Response(stored.data, content_type=stored.mime)


@graph.get("/<version:version>/<object_id:account>/message_templates")
def list_templates(version: str, account: str) -> ResponseReturnValue:
    sim = _authorised()
    _own(account, sim.config.waba_id)
    found = sim.templates.listed(
        name=request.args.get("name"),
        language=request.args.get("language"),
        status=request.args.get("status"),
        category=request.args.get("category"),
    )
    limit = request.args.get("limit", default=25, type=int)
    start = request.args.get("after", default=0, type=int)
    page = found[start : start + max(1, limit)]
    paging: Dict[str, Any] = {"cursors": {"before": str(start), "after": str(start + len(page))}}
    if start + len(page) < len(found):
        paging["next"] = f"{request.base_url}?limit={limit}&after={start + len(page)}"
    return jsonify(data=[template.as_json() for template in page], paging=paging)


@graph.post("/<version:version>/<object_id:account>/message_templates")
def create_template(version: str, account: str) -> ResponseReturnValue:
    sim = _authorised()
    _own(account, sim.config.waba_id)
    template = sim.templates.create(
        request.get_json(silent=True),
        sim.config.new_template_status,
        sim.config.template_review_seconds,
    )
    return jsonify(id=template.id, status=template.status, category=template.category)


@graph.post("/<version:version>/<object_id:template>")
def edit_template(version: str, template: str) -> ResponseReturnValue:
    """A template's new words, or its new category, for review."""
    sim = _authorised()
    sim.templates.edit(
        template,
        request.get_json(silent=True),
        sim.config.new_template_status,
        sim.config.template_review_seconds,
    )
    return jsonify(success=True)
