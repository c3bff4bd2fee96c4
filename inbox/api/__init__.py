"""The JSON API under /api/v1: one file per subject."""

from __future__ import annotations

from typing import List

from flask import Blueprint

from inbox.api import appointments, conversations, handoffs, openapi


def blueprints() -> List[Blueprint]:
    """Every part of the API."""
    return [handoffs.api, conversations.api, appointments.api, openapi.api]
