"""`/api/v1/openapi.json`: the API as OpenAPI 3.0, its schemas taken from the models.

It holds nothing secret and is served without a token, so that tools can read it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, List, Type

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel
from pydantic.schema import model_process_schema

from inbox.api import shapes
from inbox.api.base import LARGEST_ID, PREFIX

api = Blueprint("api_openapi", __name__, url_prefix=PREFIX)

REFS = "#/components/schemas/"
Schema = Dict[str, Any]
LISTED: Dict[str, Type[BaseModel]] = {
    "Handoff": shapes.HandoffItem,
    "Message": shapes.MessageItem,
    "Appointment": shapes.AppointmentItem,
}
OTHERS: Dict[str, Type[BaseModel]] = {
    "Button": shapes.ButtonItem,
    "Media": shapes.MediaItem,
    "Location": shapes.LocationItem,
    "Claim": shapes.ClaimBody,
    "Resolve": shapes.ResolveBody,
    "Reply": shapes.ReplyBody,
    "NewAppointment": shapes.AppointmentBody,
}
NAMES: Dict[Any, str] = {model: name for name, model in {**LISTED, **OTHERS}.items()}
ERRORS = {
    "400": "The body is not JSON.",
    "401": "No bearer token, or a wrong one.",
    "403": "The token lacks the scope that this needs; `error.message` names it.",
    "404": "There is no such thing.",
    "405": "This address does not take that method.",
    "409": "It conflicts with what has happened meanwhile; `error.code` says how.",
    "413": "The body is too large.",
    "422": "A value is missing, unknown or wrong; `error.message` names it.",
    "503": "The database cannot be reached, or the clinic's profile is not loaded.",
}


@api.get("/openapi.json")
def describe() -> Response:
    """The description of this API."""
    return jsonify(document())


@lru_cache(maxsize=1)
def document() -> Schema:
    """The whole OpenAPI document."""
    schemas = {name: _schema(model) for name, model in {**LISTED, **OTHERS}.items()}
    schemas.update({f"{name}List": _list_of(name) for name in LISTED})
    schemas["Error"] = _error_schema()
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Sandhi inbox",
            "version": "1",
            "description": (
                "Handoffs, conversations and appointments. Lists are read page by page: pass "
                "`next` as `cursor` until it is null. Times carry an offset; phones are E.164. "
                "Tokens have scopes: `sandhi token add`. Webhooks tell of `handoff.opened` and "
                "`handoff.resolved`: `sandhi webhook add`, docs/api.md."
            ),
        },
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _paths() -> Schema:
    handoff, contact = _path_id("handoff_id"), _path_id("contact_id")
    return {
        "/handoffs": {
            "get": _list_operation("listHandoffs", "Handoff", shapes.HandoffQuery, HANDOFFS_TEXT)
        },
        "/handoffs/{handoff_id}/claim": {
            "parameters": [handoff],
            "post": _post("claimHandoff", "Claim", "Handoff", "200", CLAIM_TEXT),
        },
        "/handoffs/{handoff_id}/resolve": {
            "parameters": [handoff],
            "post": _post("resolveHandoff", "Resolve", "Handoff", "200", RESOLVE_TEXT),
        },
        "/conversations/{contact_id}/messages": {
            "parameters": [contact],
            "get": _list_operation("listMessages", "Message", shapes.PageQuery, MESSAGES_TEXT),
            "post": _post("reply", "Reply", "Message", "201", REPLY_TEXT, keyed=True),
        },
        "/appointments": {
            "get": _list_operation(
                "listAppointments", "Appointment", shapes.AppointmentQuery, APPOINTMENTS_TEXT
            ),
            "post": _post("book", "NewAppointment", "Appointment", "201", BOOK_TEXT, keyed=True),
        },
    }


HANDOFFS_TEXT = (
    "Urgent handoffs first, then by `opened_at`. `status=open` is what nobody has claimed; "
    "without `status` everything that is not resolved is listed."
)
CLAIM_TEXT = "Claim for one person. 409 `taken` or `resolved`; claiming one's own again is fine."
RESOLVE_TEXT = (
    "End a handoff. With `hand_back` the bot answers again and, inside the 24-hour window, the "
    "patient is told so. Without it the outcome is noted and a person keeps the conversation."
)
MESSAGES_TEXT = (
    "The transcript from its oldest message to its newest; keep the last `next` you were given "
    "to read on from there later. A token without the scope `clinical:read` gets clinical messages "
    "with their `kind` as `hidden`, a fixed `text` and no media."
)
REPLY_TEXT = (
    "Answer as staff. Free text goes only within 24 hours of the patient's last message (409 "
    "`window_closed`). With `staff`, an unclaimed handoff of this contact is claimed by the reply "
    "and one claimed by another refuses it (409 `taken`); without, it goes in the name of whoever "
    "has claimed it. The same Idempotency-Key gives the same message."
)
APPOINTMENTS_TEXT = (
    "By start, soonest first; a slot that is only held is left out. `from` and `to` are a day "
    "(in the clinic's zone) or a time with an offset."
)
BOOK_TEXT = "Book at once. 409 `slot_taken`; 422 for a time or code that cannot be booked."


def _list_operation(name: str, item: str, query: Type[BaseModel], text: str) -> Schema:
    return {
        "operationId": name,
        "description": text,
        "parameters": _query_parameters(query),
        "responses": _responses("200", f"{item}List", ["401", "403", "404", "405", "422", "503"]),
    }


def _post(name: str, body: str, item: str, status: str, text: str, keyed: bool = False) -> Schema:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Sent again after a lost answer, it makes sure that nothing happens twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
    }
    return {
        "operationId": name,
        "description": text,
        "parameters": [key] if keyed else [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": REFS + body}}},
        },
        "responses": _responses(status, item, list(ERRORS)),
    }


def _responses(good: str, schema: str, errors: List[str]) -> Schema:
    responses = {good: _response("As asked.", schema)}
    responses.update({status: _response(ERRORS[status], "Error") for status in errors})
    return responses


def _response(text: str, schema: str) -> Schema:
    content = {"application/json": {"schema": {"$ref": REFS + schema}}}
    return {"description": text, "content": content}


def _path_id(name: str) -> Schema:
    schema = {"type": "integer", "format": "int64", "minimum": 0, "maximum": LARGEST_ID}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(model: Type[BaseModel]) -> List[Schema]:
    properties = _schema(model)["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "description": schema.pop("description", ""),
            "schema": {key: value for key, value in schema.items() if key != "nullable"},
        }
        for name, schema in properties.items()
    ]


def _schema(model: Type[BaseModel]) -> Schema:
    """The model's JSON schema in OpenAPI's dialect: no titles, `nullable` where None may stand."""
    schema, _definitions, _nested = model_process_schema(
        model, model_name_map=NAMES, ref_prefix=REFS
    )
    for field in model.__fields__.values():
        properties = schema["properties"]
        properties[field.alias].pop("title", None)
        if field.allow_none:
            properties[field.alias] = _nullable(properties[field.alias])
    schema.pop("title", None)
    if not issubclass(model, shapes.Asked):
        # what we give has every property, though some may be null
        schema["required"] = [field.alias for field in model.__fields__.values()]
    return dict(schema)


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"allOf": [schema], "nullable": True}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None], "nullable": True}
    return {**schema, "nullable": True}


def _list_of(name: str) -> Schema:
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": REFS + name}},
            "next": {"type": "string", "nullable": True},
        },
    }


def _error_schema() -> Schema:
    inner = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    }
    return {"type": "object", "required": ["error"], "properties": {"error": inner}}
