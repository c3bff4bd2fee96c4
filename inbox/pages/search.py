"""Searching conversations. What is looked for is never part of an address."""

from __future__ import annotations

from flask import Blueprint, request
from flask import render_template as render

from clinic.audit import record
from clinic.database import now
from inbox.access.viewer import needs
from inbox.house import house
from inbox.search import MOST_CONTACTS, MOST_MESSAGES, MOST_RESULTS, SHORTEST, TEXT_DAYS, search
from inbox.staff import my_actor

pages = Blueprint("search", __name__)

LONGEST = 80


@pages.route("/search", methods=["GET", "POST"])
@needs("see_conversation")
def page() -> str:
    """The search box, and what was found for the words of the form."""
    asked = request.form.get("q", "").strip()[:LONGEST]
    hits = []
    if asked:
        with house().database.transaction() as db:
            hits = search(db, asked)
            record(db, my_actor(), "search", "contacts", {"found": len(hits)})
    template = "_hits.html" if request.headers.get("X-Part") else "search.html"
    return render(
        template,
        asked=asked,
        too_short=bool(asked) and len(asked) < SHORTEST,
        hits=hits,
        full=len(hits) >= MOST_RESULTS,
        bounds={"contacts": MOST_CONTACTS, "messages": MOST_MESSAGES, "days": TEXT_DAYS},
        now=now(),
        zone=house().zone(),
    )
