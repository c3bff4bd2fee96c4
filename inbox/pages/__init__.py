"""The pages that staff work in."""

from __future__ import annotations

from typing import List

from flask import Blueprint

from inbox.pages import (
    account,
    audit_log,
    bills,
    calendars,
    canned,
    care,
    conversation,
    day,
    exercises,
    handoff_acts,
    media,
    people,
    plans,
    preferences,
    queue,
    replies,
    search,
    sign_in,
    visits,
)


def blueprints() -> List[Blueprint]:
    """Every part of the pages."""
    return [
        sign_in.pages,
        preferences.pages,
        queue.pages,
        conversation.pages,
        handoff_acts.pages,
        replies.pages,
        media.pages,
        canned.pages,
        search.pages,
        day.pages,
        visits.pages,
        plans.pages,
        exercises.pages,
        bills.pages,
        care.pages,
        account.pages,
        people.pages,
        audit_log.pages,
        calendars.pages,
    ]
