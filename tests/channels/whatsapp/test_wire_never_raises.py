"""No JSON value makes the parser raise, and it never loses or invents an update."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.whatsapp.parse import parse_webhook
from channels.whatsapp.updates import DeadLetter
from channels.whatsapp.values import TOO_DEEP, cleaned

NAMES = (  # noqa: SIM905
    "object entry changes field value messages statuses contacts errors user_preferences id from "
    "from_user_id timestamp type text body interactive button_reply list_reply nfm_reply "
    "response_json title image audio voice caption location latitude longitude reaction emoji "
    "message_id context referral system wa_id user_id profile name phones phone edit message "
    "original_message_id status recipient_id pricing code error_data details category metadata "
    "phone_number_id order group_id payload"
).split()
WORDS = (  # noqa: SIM905
    "messages text interactive button_reply list_reply nfm_reply button image voice location "
    "contacts reaction system user_changed_number edit revoke order sent failed stop resume "
    "marketing_messages 1749416383 919000000001 wamid.X whatsapp_business_account"
).split()

ANY_TEXT = st.text(alphabet=st.characters(), max_size=12) | st.sampled_from(
    [*WORDS, "\x00", "\ud83d", "a\udc00b"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**301)
    | st.floats()
    | ANY_TEXT
)
KEYS = st.sampled_from(NAMES) | ANY_TEXT
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
OBJECT = st.dictionaries(KEYS, ANY_JSON, max_size=6)


@given(ANY_JSON)
@settings(deadline=None)
def test_any_json_is_parsed(body: Any) -> None:
    assert all(update is not None for update in parse_webhook(body))


# What looks like an element of `messages`, `statuses`, … but for its content.
CONTENT = st.dictionaries(KEYS, OBJECT | SCALARS, max_size=6)
ALMOST = st.builds(
    lambda content, wamid, kind, inner: {**content, "id": wamid, "type": kind, str(kind): inner},
    CONTENT,
    SCALARS,
    st.sampled_from(WORDS) | SCALARS,
    OBJECT | SCALARS,
)


@given(
    messages=st.lists(ALMOST | ANY_JSON, max_size=5),
    statuses=st.lists(ALMOST | ANY_JSON, max_size=5),
    preferences=st.lists(ALMOST | ANY_JSON, max_size=3),
    errors=st.lists(ANY_JSON, max_size=3),
    contacts=ANY_JSON | st.lists(OBJECT, max_size=3),
    entries=st.integers(min_value=1, max_value=3),
)
@settings(max_examples=100, deadline=None)
def test_every_element_gives_exactly_one_update(
    messages: list[Any],
    statuses: list[Any],
    preferences: list[Any],
    errors: list[Any],
    contacts: Any,
    entries: int,
) -> None:
    value = {
        "messages": messages,
        "statuses": statuses,
        "user_preferences": preferences,
        "errors": errors,
        "contacts": contacts,
    }
    change = {"field": "messages", "value": value}
    body = {"entry": [{"changes": [change, change]} for _ in range(entries)]}
    elements = len(messages) + len(statuses) + len(preferences) + len(errors)
    updates = parse_webhook(body)
    assert len(updates) == elements * 2 * entries
    reasons = [update.reason for update in updates if isinstance(update, DeadLetter)]
    assert not [reason for reason in reasons if reason.startswith("reader of")], (
        "a reader raised and was only saved by the guard around it"
    )


@given(ANY_JSON)
@settings(deadline=None)
def test_cleaned_json_can_be_stored_anywhere(value: Any) -> None:
    tidy = cleaned(value)
    stored = json.dumps(tidy, ensure_ascii=False, allow_nan=False)
    stored.encode("utf-8")
    assert "\\u0000" not in stored.replace("\\\\", "")
    assert json.loads(stored) == tidy


def test_a_payload_of_any_depth_is_survived() -> None:
    deep: Any = "the bottom"
    for _ in range(900):
        deep = [deep]
    [letter] = parse_webhook(deep)
    assert isinstance(letter, DeadLetter)
    assert TOO_DEEP in json.dumps(letter.raw)
