"""What an answer of the Graph API means.

Sending has no idempotency key at Meta, so every outcome of `send` is one of three:

- `Accepted`: a 2xx with a wamid.
- `Refused`: certainly not sent, so a retry is safe if the verdict says so. That is: nothing left
  this machine (no connection, bad certificate); any status with Graph's own error envelope,
  which the API writes instead of accepting; a 3xx or 4xx from whatever stands before the API,
  429 included.
- `Unknown`: it may have been sent, so it must not be sent again blindly. That is: a time-out or
  a broken connection after the request left; a 2xx that is neither; a 5xx without Graph's
  envelope (500, 502, 503, 504 of a gateway say nothing of what the server behind it did).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from channels.whatsapp.errors import Verdict, classify
from channels.whatsapp.exchange import Failure, Reply
from channels.whatsapp.values import identifier, mapping, string, whole

_LONG_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{5,}[0-9]")


@dataclass(frozen=True)
class Accepted:
    """Meta took the message (it is not delivered yet)."""

    wamid: str


@dataclass(frozen=True)
class Refused:
    """The message was not sent. `title` is Meta's, with long numbers blotted out."""

    verdict: Verdict
    code: int | None = None
    http_status: int | None = None
    title: str | None = None


@dataclass(frozen=True)
class Unknown:
    """The message may have been sent; wait for a status with its `client_ref`."""

    why: str


SendResult = Accepted | Refused | Unknown


class GraphError(Exception):
    """A request other than sending failed; `verdict` says what to do."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(
            f"Graph request failed: {refused.verdict.value}, "
            f"code {refused.code}, HTTP {refused.http_status}"
        )
        self.verdict = refused.verdict
        self.code = refused.code
        self.http_status = refused.http_status
        self.title = refused.title


class MediaTooLargeError(Exception):
    """The patient's file has more bytes than the caller allows."""


def is_ok(reply: Reply) -> bool:
    """Whether the status is a 2xx."""
    return 200 <= reply.status < 300


def json_of(reply: Reply) -> dict[str, Any]:
    """The JSON object a reply holds; empty if it holds anything else."""
    try:
        return mapping(json.loads(reply.content))
    except (ValueError, RecursionError):
        return {}


def object_of(answer: Reply | Failure) -> dict[str, Any]:
    """The JSON object of a successful answer to anything but a message.

    Raises:
        GraphError: if the request failed, was refused or was answered unreadably.
    """
    if isinstance(answer, Failure) or not is_ok(answer):
        raise GraphError(refusal(answer))
    found = json_of(answer)
    if _error_code(found) is not None:
        raise GraphError(refusal(answer))
    if not found:
        raise GraphError(Refused(Verdict.RETRY, None, answer.status, "unreadable answer"))
    return found


def _error_code(found: dict[str, Any]) -> int | None:
    """The code in Graph's error envelope; gateways have envelopes too, but without a code."""
    return whole(mapping(found.get("error")).get("code"))


def send_result(answer: Reply | Failure) -> SendResult:
    """What became of a message, by the rules at the top of this file."""
    if isinstance(answer, Failure):
        return Unknown(answer.why) if answer.sent else refusal(answer)
    found = json_of(answer)
    if is_ok(answer):
        messages = found.get("messages")
        first = mapping(messages[0]) if isinstance(messages, list) and messages else {}
        wamid = identifier(first.get("id"))
        if wamid:
            return Accepted(wamid)
    if _error_code(found) is not None or 300 <= answer.status < 500:
        return refusal(answer)
    return Unknown(f"http_{answer.status}")


def refusal(answer: Reply | Failure) -> Refused:
    """Why an answer that is not a success is none."""
    if isinstance(answer, Failure):
        verdict = Verdict.ALERT if answer.why == "certificate" else Verdict.RETRY
        return Refused(verdict, title=answer.why)
    found = json_of(answer)
    code = _error_code(found)
    title = string(mapping(found.get("error")).get("message"))
    if title:
        title = _LONG_NUMBER.sub("…", title)[:200]
    return Refused(classify(answer.status, code), code, answer.status, title)
