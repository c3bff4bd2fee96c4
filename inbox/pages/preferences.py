"""What each person chooses for the interface: its language."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, session, url_for

from inbox.language import CHOSEN, LANGUAGES

pages = Blueprint("preferences", __name__)


@pages.post("/language")
def language() -> Any:
    """Show everything in the chosen language from now on, signed in or not."""
    chosen = request.form.get("language")
    if chosen in LANGUAGES:
        session[CHOSEN] = chosen
    back = request.form.get("back", "")
    local = back.startswith("/") and not back.startswith("//") and "\\" not in back
    return redirect(back if local and back.isprintable() else url_for("queue.page"))
