"""What every API view shares: the token, the body, the query, the cursor, the times."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from datetime import datetime, timedelta, timezone
from functools import wraps
from typing import Any, Callable, Dict, Optional, Tuple, Type, TypeVar
from zoneinfo import ZoneInfo

from flask import Blueprint, g, request
from pydantic import BaseModel, ValidationError

from clinic import tokens
from clinic.audit import serving
from clinic.database import now
from clinic.models import ApiToken
from inbox.access.rules import SCOPE_NEEDED, Viewer, may
from inbox.access.viewer import viewer
from inbox.errors import Refusal
from inbox.house import house

PREFIX = "/api/v1"
# beyond this neither database has ids
LARGEST_ID = 2**63 - 1
ID = f"<int(max={LARGEST_ID}):{{}}>"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LARGEST_MICROS = 253_370_764_800 * 1_000_000  # the year 9999

Model = TypeVar("Model", bound=BaseModel)
View = TypeVar("View", bound=Callable[..., Any])


def api_blueprint(name: str) -> Blueprint:
    """A part of the API; every view of it needs a bearer token."""
    blueprint = Blueprint(f"api_{name}", __name__, url_prefix=PREFIX)
    blueprint.before_request(require_token)
    return blueprint


def require_token() -> None:
    """Refuse whoever carries no token; who does is the viewer of this request.

    Raises:
        Refusal: 401 `unauthorized`.
    """
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    found = _bearer(given.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        raise Refusal(401, "unauthorized", "Send the header 'Authorization: Bearer <token>'.")
    g.viewer = found
    serving(request.remote_addr, program=found.who)


def may_do(act: str) -> Callable[[View], View]:
    """A view for tokens whose scopes allow `act` (403 `scope` for others)."""
    scope = SCOPE_NEEDED[act]

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not may(viewer(), act):
                raise Refusal(403, "scope", f"This token lacks the scope {scope}.")
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]

    return guard


def _bearer(given: str) -> Optional[Viewer]:
    """The program that has this token: the one of INBOX_API_TOKEN may everything."""
    expected = house().api_token
    if expected and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode()):
        return Viewer(who="api", scopes=frozenset(tokens.SCOPES))
    if not given.isascii():
        return None
    with house().database.reading() as session:
        token = tokens.find(session, given)
    if token is None:
        return None
    if token.last_used_at is None or now() - token.last_used_at > tokens.USED_EVERY:
        with house().database.transaction() as session:
            standing = session.get(ApiToken, token.id)
            if standing is not None:
                standing.last_used_at = now()
    return Viewer(who=f"token:{token.id}", scopes=tokens.scopes_of(token))


def read_body(model: Type[Model]) -> Model:
    """The JSON body as `model`, whatever content type it came with.

    Raises:
        Refusal: 400 `bad_json`, or 422 `invalid` with a sentence per fault.
    """
    try:
        body = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise Refusal(400, "bad_json", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "bad_json", "The body must be a JSON object.")
    return _checked(model, body)


def read_query(model: Type[Model]) -> Model:
    """The query string as `model`; each name once.

    Raises:
        Refusal: 422 `invalid`.
    """
    values: Dict[str, Any] = {}
    for name, given in request.args.lists():
        if len(given) > 1:
            raise Refusal(422, "invalid", f"{name[:40]}: give it once.")
        values[name] = given[0]
    return _checked(model, values)


def read_key() -> Optional[str]:
    """The Idempotency-Key header, if one was sent.

    Raises:
        Refusal: 422 `invalid` if it is not 1 to 200 printable ASCII characters.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (0 < len(key) <= 200 and key.isascii() and key.isprintable()):
        raise Refusal(422, "invalid", "Idempotency-Key: 1 to 200 printable ASCII characters.")
    return key


def _checked(model: Type[Model], values: Dict[str, Any]) -> Model:
    try:
        return model.parse_obj(values)
    except ValidationError as error:
        # a name comes from the caller and is cut; a value is never repeated
        faults = [
            f"{'.'.join(str(part) for part in fault['loc'])[:40]}: {fault['msg']}"
            for fault in error.errors()[:5]
        ]
        raise Refusal(422, "invalid", "; ".join(faults) + ".") from None


def stamp(moment: datetime) -> int:
    """A time as whole microseconds, for a cursor."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(micros: int) -> datetime:
    """Undo `stamp`."""
    return _EPOCH + timedelta(microseconds=micros)


def write_cursor(*parts: int) -> str:
    """Where a page ended, opaque to the caller."""
    text = ".".join(str(part) for part in parts)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, count: int) -> Tuple[int, ...]:
    """The `count` numbers that `write_cursor` was given.

    Raises:
        Refusal: 422 `bad_cursor`.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = tuple(int(part) for part in text.decode("ascii").split("."))
    except (ValueError, binascii.Error):
        parts = ()
    good = len(parts) == count and all(0 <= part <= LARGEST_ID for part in parts)
    # a time is the part before the id
    if not good or (count > 1 and parts[-2] > _LARGEST_MICROS):
        raise Refusal(422, "bad_cursor", "cursor: use the 'next' of the page before.")
    return parts


def local(moment: datetime, zone: ZoneInfo) -> str:
    """A time as ISO 8601 in the clinic's zone, with its offset, to the second."""
    return moment.astimezone(zone).isoformat(timespec="seconds")


def maybe_local(moment: Optional[datetime], zone: ZoneInfo) -> Optional[str]:
    """As `local`, for a time that may be absent."""
    return None if moment is None else local(moment, zone)
