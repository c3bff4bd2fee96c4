"""What several viewers see alike is found and rendered once for all of them, between two writes.

Who may see what is not decided here: whatever is shared is made by one viewer through
`inbox.access.sight`, and given only to those with the same eyes and the same language. That each
of them was shown clinical text is noted as if they had found it themselves.
"""

from __future__ import annotations

import secrets
from typing import Any, Callable, Dict, Hashable, Tuple

from flask import Flask, current_app, g, request
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from inbox.access.rules import SEE_CLINICAL, may
from inbox.access.sight import note_shown
from inbox.access.viewer import viewer
from inbox.house import house
from inbox.language import ui_language

CSRF_PLACE = "CSRF_PLACE"
SHOWN = "clinical_shown"


def install(app: Flask) -> None:
    """Let shared parts of pages have a place for each viewer's own token."""
    # nobody can guess it, so nobody can write it into a message
    app.jinja_env.globals[CSRF_PLACE] = f"csrf-{secrets.token_urlsafe(24)}"


def eyes() -> Hashable:
    """Two viewers for whom this is the same may see the same of everything."""
    asking = viewer()
    if may(asking, SEE_CLINICAL):
        return "everything"
    # everybody reads what they wrote themselves
    return asking.who, asking.name


def alike(key: Hashable, work: Callable[[], Any]) -> Any:
    """What `work` finds, or found for somebody who sees the same in the same language.

    Args:
        key: whatever else the finding depends on, the viewer where it does.
        work: reads transcripts through `inbox.access.sight` only; opens its own session.
    """

    def find() -> Tuple[Any, Dict[int, Dict[str, int]]]:
        before = g.pop(SHOWN, {})
        try:
            return work(), g.get(SHOWN, {})
        finally:
            g.clinical_shown = before

    everything = (eyes(), ui_language(), request.script_root, key)
    found, shown = house().pulse.same(everything, find)
    for contact_id, parts in shown.items():
        for what, number in parts.items():
            note_shown(contact_id, what, number)
    return found


def own(part: str) -> Markup:
    """A shared part with the viewer's own token in its forms, which have `csrf_place()`."""
    place = str(current_app.jinja_env.globals[CSRF_PLACE])
    # rendered by a template, which escaped whatever people wrote
    return Markup(part.replace(place, generate_csrf()))  # noqa: S704
