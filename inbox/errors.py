"""What goes wrong, said as JSON to programs and as a page to people, and never with their words."""

from __future__ import annotations

from typing import Any, Tuple, Union

from flask import Flask, Response, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from clinic.logs import logger
from clinic.setup import NoProfile
from inbox.language import said

log = logger("inbox")

FOR_SCRIPTS = "/live/"
FOR_PROGRAMS = ("/api/", "/health/", "/hooks/", FOR_SCRIPTS)
CODES = {
    400: ("bad_request", "The request could not be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported", "This kind of content is not read here."),
    429: ("too_many", "Too many tries. Wait a minute, then try again."),
}
STALE_PAGE = "This page was open too long or you were signed out. Go back, reload and try again."
UNAVAILABLE = "The clinic's database cannot be reached just now. Nothing was changed; try again."
UNEXPECTED = "Something went wrong on our side. It has been logged; nothing was half done."
NO_PROFILE = "The clinic's profile has not been loaded yet: run `sandhi init`."


class Refusal(Exception):
    """A request that is answered with an error: status, a code for programs, a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


Answer = Union[Response, Tuple[Any, int]]


def answer(status: int, code: str, message: str) -> Tuple[Any, int]:
    """An error in the form that fits who asked."""
    if request.path.startswith(FOR_PROGRAMS):
        # a page shows what its own script was refused; programs are answered in English
        shown = said(message) if request.path.startswith(FOR_SCRIPTS) else message
        return jsonify(error={"code": code, "message": shown}), status
    return render_template("error.html", status=status, message=message), status


def install(app: Flask) -> None:
    """Answer every error of `app`."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(NoProfile, _no_profile)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _refused(refusal: Refusal) -> Answer:
    return answer(refusal.status, refusal.code, refusal.message)


def _stale(_error: CSRFError) -> Answer:
    return answer(400, "stale_page", STALE_PAGE)


def _http(error: HTTPException) -> Answer:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()  # type: ignore[return-value]
    code, message = CODES.get(status, ("error", error.name + "."))
    body, _status = answer(status, code, message)
    response = Response(body) if isinstance(body, str) else body
    response.status_code = status
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response  # type: ignore[no-any-return]


def _no_profile(_error: NoProfile) -> Answer:
    return answer(503, "no_profile", NO_PROFILE)


def _database_away(error: Exception) -> Answer:
    log.error("database unavailable", endpoint=request.endpoint, exception=type(error).__name__)
    return answer(503, "unavailable", UNAVAILABLE)


def _unexpected(error: Exception) -> Answer:
    log.error("request failed", endpoint=request.endpoint, exc_info=error)
    return answer(500, "unexpected", UNEXPECTED)
