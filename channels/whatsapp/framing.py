"""Requests whose length nobody can rely on are refused before anything is read of them.

Sanic 21.12 takes `Content-Length: -5` for a body that never ends and reads it without a pause,
which stops the whole server: one such line, from anybody, and no webhook is answered any more.
Source of the rule: RFC 9112, section 6.3 (an invalid length or both framings: 400).
"""

from __future__ import annotations

import re
from typing import Any

from sanic.exceptions import InvalidUsage
from sanic.request import Request

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


class SoundlyFramed(Request):  # type: ignore[misc]
    """A request that says how long it is, in the one way that can be believed.

    Raises:
        InvalidUsage: when made of headers that do not; the peer is answered 400.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        lengths = self.headers.getall("content-length", [])
        codings = self.headers.getall("transfer-encoding", [])
        sound = all(_LENGTH.fullmatch(length.strip()) for length in lengths)
        if not sound or len({*lengths}) > 1 or codings not in ([], ["chunked"]):
            raise InvalidUsage("Bad Request")
        if lengths and codings:
            raise InvalidUsage("Bad Request")
