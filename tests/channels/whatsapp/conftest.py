"""What the tests of the WhatsApp wire share: Meta's examples and a webhook to put things in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).parent / "fixtures"

NUMBER_ID = "106540352242922"
METADATA = {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID}
ASHA = {"profile": {"name": "Asha Rao"}, "wa_id": "919000000001"}


def _envelope(*changes: Any) -> dict[str, Any]:
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": list(changes)}],
    }


@pytest.fixture(scope="session")
def envelope() -> Callable[..., dict[str, Any]]:
    """`envelope(*changes)`: a webhook body with these changes in one entry."""
    return _envelope


@pytest.fixture(scope="session")
def webhook() -> Callable[..., dict[str, Any]]:
    """`webhook(messages=[…], contacts=[…])`: a webhook body with one change of such a value."""

    def build(field: str = "messages", **value: Any) -> dict[str, Any]:
        value = {"messaging_product": "whatsapp", "metadata": METADATA, **value}
        return _envelope({"field": field, "value": value})

    return build


@pytest.fixture(scope="session")
def asha() -> dict[str, Any]:
    """The contact that belongs to +919000000001."""
    return ASHA


def _examples(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / name).read_text("utf-8"))


@pytest.fixture(scope="session")
def webhook_examples() -> dict[str, Any]:
    """Meta's published webhooks by name."""
    return _examples("webhook_examples.json")


@pytest.fixture(scope="session")
def send_examples() -> dict[str, Any]:
    """Meta's published request bodies by name."""
    return _examples("send_examples.json")
