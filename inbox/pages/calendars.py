"""Calendar files by secret address: a clinician's feed, a patient's visit. Nobody signs in here."""

from __future__ import annotations

from typing import Optional

from flask import Blueprint, Response, abort

from clinic.database import now
from clinic.icalendars import feed_calendar, visit_by_link_key, visit_calendar
from clinic.models.schedule import HELD
from clinic.texts import domain_texts
from inbox.house import house
from inbox.limits import limiter

pages = Blueprint("calendars", __name__, url_prefix="/calendar")

# a calendar asks a few times an hour; whoever tries secrets asks more
LIMIT = "60/minute"


@pages.get("/<token>.ics")
@limiter.limit(LIMIT)
def feed(token: str) -> Response:
    """The visits of the clinician whose secret this is."""
    with house().database.reading() as session:
        return _calendar(feed_calendar(session, token, now()), "clinic.ics")


@pages.get("/visit/<key>.ics")
@limiter.limit(LIMIT)
def visit(key: str) -> Response:
    """One visit as it stands now."""
    with house().database.reading() as session:
        appointment = visit_by_link_key(session, key)
        if appointment is None or appointment.status == HELD:
            return _calendar(None, "")
        return _calendar(visit_calendar(session, appointment, domain_texts()), "visit.ics")


def _calendar(content: Optional[bytes], name: str) -> Response:
    if content is None:
        abort(404)
    response = Response(content, mimetype="text/calendar")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    # the address is the secret: it must not be passed on to whatever opens the file
    response.headers["X-Robots-Tag"] = "noindex"
    return response
