"""Answering open pages that ask whether there is news, which is what they nearly always ask."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from flask import Response, jsonify, request

from inbox.access.viewer import viewer
from inbox.house import house


def no_news(look: Callable[[], Optional[Dict[str, Any]]]) -> Optional[Response]:
    """The answer to a page that is as new as the database; None where it is not.

    The same question of the same person, the version they have being part of it, is looked into
    again only when something was written (`clinic.pulse`), or after a few seconds, since a page
    changes by the clock too.

    Args:
        look: what to answer, or None where there is news.
    """
    found = house().pulse.same((viewer().who, request.full_path), look)
    return jsonify(found) if found is not None else None


def news(look: Callable[[], Dict[str, Any]]) -> Response:
    """As `no_news`, where there is always an answer."""
    return jsonify(house().pulse.same((viewer().who, request.full_path), look))
