"""What WhatsApp says of our templates: read from the wire, and stored for the worker."""

from __future__ import annotations

from typing import Any

import pytest

from channels.whatsapp.parse import parse_webhook
from channels.whatsapp.receiver import Receiver
from channels.whatsapp.updates import DeadLetter, TemplateChange
from clinic.models import MessageTemplate

NAMES = {"message_template_id": 1, "message_template_name": "visit_reminder"}
KNOWN = {**NAMES, "message_template_language": "hi"}
STATUS = "message_template_status_update"


def webhook(field: str, value: Any) -> dict[str, Any]:
    changes = [{"field": field, "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}


@pytest.mark.parametrize(
    ("field", "value", "update"),
    [
        (
            STATUS,
            {**KNOWN, "event": "APPROVED", "reason": "NONE"},
            TemplateChange("visit_reminder", "hi", "APPROVED", reason="NONE"),
        ),
        (
            STATUS,
            {**KNOWN, "event": "REINSTATED"},
            TemplateChange("visit_reminder", "hi", "APPROVED"),
        ),
        (
            STATUS,
            {**KNOWN, "event": "paused"},
            TemplateChange("visit_reminder", "hi", "PAUSED"),
        ),
        (
            "template_category_update",
            {**KNOWN, "previous_category": "UTILITY", "new_category": "MARKETING"},
            TemplateChange("visit_reminder", "hi", category="MARKETING"),
        ),
    ],
)
def test_a_review_and_a_change_of_category_are_read(
    field: str, value: Any, update: TemplateChange
) -> None:
    assert parse_webhook(webhook(field, value)) == [update]


@pytest.mark.parametrize("value", [None, [], "x", {}, NAMES, {**KNOWN, "message_template_name": 7}])
def test_a_change_of_no_template_is_kept_for_a_person(value: Any) -> None:
    [update] = parse_webhook(webhook(STATUS, value))
    assert isinstance(update, (DeadLetter, TemplateChange))
    if not (isinstance(value, dict) and value.get("message_template_language")):
        assert isinstance(update, DeadLetter)


async def test_news_moves_the_status_and_leaves_the_rest(any_line: Any) -> None:
    receiver = Receiver(any_line.db, lambda _contacts: None)
    receiver.start()
    try:
        for update in (
            TemplateChange("visit_reminder", "hi", "APPROVED"),
            TemplateChange("visit_reminder", "hi", category="UTILITY"),
            TemplateChange("visit_reminder", "hi", "PAUSED", reason="LOW_QUALITY"),
        ):
            await receiver.store([update])
    finally:
        receiver.stop()
    with any_line.db.reading() as session:
        row = session.get(MessageTemplate, ("visit_reminder", "hi"))
    assert (row.status, row.category, row.reason) == ("PAUSED", "UTILITY", "LOW_QUALITY")
