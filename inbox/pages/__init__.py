"""The pages of the front desk: one file per page, with its live part."""

from __future__ import annotations

from typing import List

from flask import Blueprint

from inbox.pages import (
    account,
    audit_log,
    calendars,
    conversation,
    people,
    plans,
    queue,
    sign_in,
)


def blueprints() -> List[Blueprint]:
    """Every page."""
    return [
        sign_in.pages,
        queue.pages,
        conversation.pages,
        account.pages,
        people.pages,
        plans.pages,
        audit_log.pages,
        calendars.pages,
    ]
