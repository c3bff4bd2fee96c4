"""What a bubble's buttons mean: unique causes, tokens, taps that count once, long lists."""

from __future__ import annotations

from typing import Any, List

import pytest
from sqlalchemy import select

from clinic.bubbles import Choice, Choices, Template, Text
from clinic.database import Database
from clinic.models import Message, Offer
from clinic.outbox import LIST_ROWS, bubble_of, more_of, plan, take_offer
from tests.message_log import RAVI, arrives, menu, messages, planned


def offer(db: Database, contact_id: int, bubble: Any, cause: str = "c", **parts: Any) -> Any:
    """The bubble planned, as it is stored."""
    with db.transaction() as session:
        message_id = plan(session, contact_id, bubble, cause, **parts)
        return bubble_of(session.get(Message, message_id))


def tap(db: Database, contact_id: int, token: str, message_id: int) -> Any:
    """(payload or None, whether it counts) of a tap."""
    with db.transaction() as session:
        taken, counts = take_offer(session, contact_id, token, message_id)
        return (taken.payload if taken else None), counts


def inbound(db: Database, contact_id: int) -> int:
    """The id of a message that the contact has just written."""
    return int([m for m in messages(db, contact_id) if m.direction == "in"][-1].id)


def test_one_cause_has_one_message_and_one_set_of_buttons(db: Database) -> None:
    asha = arrives(db)
    with db.transaction() as session:
        assert plan(session, asha, menu("Yes", "No"), "turn:1:0") is not None
    with db.transaction() as session:
        assert plan(session, asha, menu("Yes", "No"), "turn:1:0") is None
        assert plan(session, asha, Text(text="other words"), "turn:1:0") is None
    with db.reading() as session:
        assert len(session.execute(select(Offer)).all()) == 2
    assert len([m for m in messages(db) if m.direction == "out"]) == 1


def test_payloads_stay_in_the_house_and_tokens_say_nothing(db: Database) -> None:
    asha = arrives(db)
    shown = offer(db, asha, menu("Knee", "Back"))
    assert [choice.payload for choice in shown.choices] == [None, None]
    tokens = [choice.id for choice in shown.choices]
    assert len(set(tokens)) == 2
    assert all(len(token) >= 12 for token in tokens)
    assert [choice.title for choice in shown.choices] == ["Knee", "Back"]


def test_a_templates_buttons_are_offers_too(db: Database) -> None:
    asha = arrives(db)
    buttons = [Choice(title="Confirm", payload="/confirm_visit")]
    shown = offer(db, asha, Template(name="t", language="en", text="Visit", buttons=buttons))
    assert tap(db, asha, shown.buttons[0].id, inbound(db, asha)) == ("/confirm_visit", True)


def test_a_token_of_another_contact_means_nothing(db: Database) -> None:
    asha, ravi = arrives(db), arrives(db, phone=RAVI)
    shown = offer(db, asha, menu("Yes"))
    token = shown.choices[0].id
    assert tap(db, ravi, token, inbound(db, ravi)) == (None, False)
    assert tap(db, asha, token, inbound(db, asha)) == ('/pick{"n": "Yes"}', True), (
        "somebody else's tap spent the button"
    )


@pytest.mark.parametrize("token", ["", "/book", "' OR 1=1 --", "x" * 5000])
def test_a_forged_token_means_nothing(db: Database, token: str) -> None:
    asha = arrives(db)
    offer(db, asha, menu("Yes"))
    assert tap(db, asha, token, inbound(db, asha)) == (None, False)


def test_a_tap_counts_once_and_its_repetition_counts_again(db: Database) -> None:
    asha = arrives(db)
    shown = offer(db, asha, menu("Yes", "No"))
    first = inbound(db, asha)
    arrives(db, "tapped again")
    second = inbound(db, asha)
    yes, no = (choice.id for choice in shown.choices)

    assert tap(db, asha, yes, first)[1] is True
    assert tap(db, asha, yes, second) == ('/pick{"n": "Yes"}', False)
    assert tap(db, asha, yes, first)[1] is True, "the turn repeated after a crash found it spent"
    assert tap(db, asha, no, second)[1] is True, "a button is spent by itself, not by its neighbour"


def test_of_two_taps_at_once_one_counts(postgres_db: Database) -> None:
    """Two transactions have both read the offer before either takes it."""
    db = postgres_db
    asha = arrives(db)
    shown = offer(db, asha, menu("Yes"))
    first = inbound(db, asha)
    arrives(db, "again")
    second = inbound(db, asha)
    with db.session() as early, db.session() as late:
        # the late one has the untaken offer in its hands
        late.execute(select(Offer)).scalars().all()
        assert take_offer(early, asha, shown.choices[0].id, first)[1] is True
        early.commit()
        assert take_offer(late, asha, shown.choices[0].id, second)[1] is False
        late.rollback()


@pytest.mark.parametrize("length", [3, 9, 10])
def test_a_list_that_fits_is_not_cut(db: Database, length: int) -> None:
    titles = [f"Slot {number}" for number in range(length)]
    shown = offer(db, arrives(db), menu(*titles))
    assert [choice.title for choice in shown.choices] == titles


@pytest.mark.parametrize("length", [11, 19, 20, 37])
def test_a_long_list_is_shown_whole_page_by_page(db: Database, length: int) -> None:
    asha = arrives(db)
    titles = [f"Slot {number}" for number in range(length)]
    seen: List[str] = []
    bubble: Any = menu(*titles)
    for page in range(10):
        shown = offer(db, asha, bubble, f"page:{page}", more_title="More times")
        assert len(shown.choices) <= LIST_ROWS
        last = shown.choices[-1]
        if last.title != "More times":
            seen += [choice.title for choice in shown.choices]
            break
        seen += [choice.title for choice in shown.choices[:-1]]
        payload, counts = tap(db, asha, last.id, inbound(db, asha))
        assert counts
        bubble = more_of(payload)
        assert isinstance(bubble, Choices)
        assert (bubble.text, bubble.opener) == ("Pick one", "Options")
    assert seen == titles
    # what the last page offers still means what it meant
    assert tap(db, asha, shown.choices[-1].id, inbound(db, asha))[0] == (
        f'/pick{{"n": "{titles[-1]}"}}'
    )


def test_a_long_list_needs_the_title_of_its_more_row(db: Database) -> None:
    asha = arrives(db)
    with pytest.raises(ValueError, match="more"), db.transaction() as session:
        plan(session, asha, menu(*"ABCDEFGHIJK"), "c")
    assert [m for m in messages(db) if m.direction == "out"] == []


def test_an_ordinary_payload_is_no_more_row() -> None:
    assert more_of('/book{"n": "more:"}') is None


def test_what_is_planned_says_who_and_what_for(db: Database) -> None:
    asha = arrives(db)
    planned(db, asha, "See you at five", cause="staff:k", author="staff:Meera")
    message = messages(db, asha)[-1]
    assert (message.kind, message.author, message.purpose) == ("text", "staff:Meera", "reply")
    assert (message.text, message.state) == ("See you at five", "planned")
