"""Answering open pages that ask whether there is news, which is what they nearly always ask."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, TypeVar

from flask import Response, jsonify, request
from sqlalchemy.orm import Session

from inbox.access.viewer import viewer
from inbox.house import house

Found = TypeVar("Found", Dict[str, Any], Optional[Dict[str, Any]])


def no_news(look: Callable[[Session], Optional[Dict[str, Any]]]) -> Optional[Response]:
    """The answer to a page that is as new as the database; None where it is not.

    The same question of the same person, the version they have being part of it, is looked into
    again only when something was written (`clinic.pulse`), or after a few seconds, since a page
    changes by the clock too.

    Args:
        look: what to answer, or None where there is news.
    """
    found = _looked(look)
    return jsonify(found) if found is not None else None


def news(look: Callable[[Session], Dict[str, Any]]) -> Response:
    """As `no_news`, where there is always an answer."""
    return jsonify(_looked(look))


def _looked(look: Callable[[Session], Found]) -> Found:
    def work() -> Found:
        with house().database.reading() as session:
            return look(session)

    found: Found = house().pulse.same((viewer().who, request.full_path), work)
    return found
