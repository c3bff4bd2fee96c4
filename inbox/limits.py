"""How often something may be tried, per address and login, counted in this one process."""

from __future__ import annotations

from flask import Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from clinic.crypto import lookup_hash

limiter = Limiter(key_func=get_remote_address, storage_uri="memory://")

FAILED_BY_ADDRESS = "5 per minute; 40 per hour"
FAILED_BY_LOGIN = "8 per 15 minutes"


def the_login() -> str:
    """The login that is being tried, whether there is such an account or not."""
    return "login:" + lookup_hash(request.form.get("login", "")[:200].strip().lower())


def failed(response: Response) -> bool:
    """Whether a try counts: right ones lead on, and do not."""
    return response.status_code != 302
