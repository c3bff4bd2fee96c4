"""From a letter to the Graph API and back into the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, List

import pytest

from channels.whatsapp.errors import Verdict
from channels.whatsapp.graph import Accepted, Refused, Unknown
from channels.whatsapp.sender import GraphSender
from clinic.bubbles import Choices
from clinic.database import Database
from clinic.database import now as this_moment
from clinic.delivery import record
from clinic.outbox import plan
from tests.message_log import (
    ASHA,
    arrives,
    begun,
    claimed,
    contact,
    handoffs,
    menu,
    planned,
    row,
)


class FakeGraph:
    """Answers every message as told, and keeps the bodies."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.bodies: List[Dict[str, Any]] = []

    def send(self, body: Dict[str, Any]) -> Any:
        self.bodies.append(body)
        return self.answer


def send(db: Database, answer: Any) -> FakeGraph:
    graph = FakeGraph(answer)
    sender = GraphSender(graph)  # type: ignore[arg-type]
    for letter in begun(db, claimed(db)):
        report = sender.send(letter)
        with db.transaction() as session:
            record(session, [report])
    return graph


def test_an_accepted_message_is_sent_with_our_id_along(sqlite_db: Database) -> None:
    message_id = planned(sqlite_db, arrives(sqlite_db), "नमस्ते")
    [body] = send(sqlite_db, Accepted("wamid.new")).bodies
    assert body["to"] == ASHA
    assert body["text"]["body"] == "नमस्ते"
    assert body["biz_opaque_callback_data"] == str(message_id)
    sent = row(sqlite_db, message_id)
    assert (sent.state, sent.wamid) == ("sent", "wamid.new")
    assert abs(sent.sent_at - this_moment()) < timedelta(minutes=1)


def test_who_has_no_number_is_reached_by_the_id(sqlite_db: Database) -> None:
    planned(sqlite_db, arrives(sqlite_db, phone=None, bsuid="IN.13491208655302741918"))
    [body] = send(sqlite_db, Accepted("wamid.new")).bodies
    assert body["recipient"] == "IN.13491208655302741918"
    assert "to" not in body


def test_buttons_travel_as_tokens_and_never_as_payloads(sqlite_db: Database) -> None:
    asha = arrives(sqlite_db)
    with sqlite_db.transaction() as session:
        plan(session, asha, menu("Knee", "Back"), "c")
    [body] = send(sqlite_db, Accepted("wamid.new")).bodies
    assert "/pick" not in str(body)
    titles = [button["reply"]["title"] for button in body["interactive"]["action"]["buttons"]]
    assert titles == ["Knee", "Back"]


@pytest.mark.parametrize(
    ("answer", "state", "detail", "told"),
    [
        (Unknown("timeout"), "unknown", "timeout", False),
        (Refused(Verdict.RETRY, 131000, 500), "planned", "graph 131000", False),
        (Refused(Verdict.RETRY, None, None, "connect"), "planned", "graph no connection", False),
        (Refused(Verdict.RETRY, None, 429), "planned", "graph 429", False),
        (Refused(Verdict.LONG_DELAY, 131048, 400), "planned", "graph 131048", False),
        (Refused(Verdict.MEDIA_RETRY, 131053, 400), "planned", "graph 131053", False),
        (Refused(Verdict.ALERT, 190, 401), "planned", "graph 190", False),
        (Refused(Verdict.FIX, 100, 400), "failed", "graph 100", True),
        (Refused(Verdict.USE_TEMPLATE, 131047, 400), "failed", "graph 131047", True),
        (Refused(Verdict.NEVER_AGAIN, 131026, 400), "failed", "graph 131026", True),
    ],
)
def test_every_answer_has_its_consequence(
    sqlite_db: Database, answer: Any, state: str, detail: str, told: bool
) -> None:
    asha = arrives(sqlite_db)
    message_id = planned(sqlite_db, asha)
    send(sqlite_db, answer)
    found = row(sqlite_db, message_id)
    assert (found.state, found.detail) == (state, detail)
    assert bool(handoffs(sqlite_db, asha)) is told
    never = isinstance(answer, Refused) and answer.verdict is Verdict.NEVER_AGAIN
    assert (contact(sqlite_db, asha).unreachable_at is not None) is never
    if state == "planned":
        assert found.due_at > found.occurred_at
        assert claimed(sqlite_db) == [] or found.due_at <= this_moment()


def test_metas_words_are_not_stored_in_the_clear(sqlite_db: Database) -> None:
    message_id = planned(sqlite_db, arrives(sqlite_db))
    send(sqlite_db, Refused(Verdict.FIX, 100, 400, title="text: my knee hurts"))
    assert "knee" not in row(sqlite_db, message_id).detail


def test_what_cannot_be_rendered_goes_to_a_person_and_nowhere_else(
    sqlite_db: Database, logs: Any
) -> None:
    asha = arrives(sqlite_db)
    # four choices make a list, which needs an opener
    bad = Choices(text="secret words", choices=menu("A", "B", "C", "D").choices)
    with sqlite_db.transaction() as session:
        message_id = plan(session, asha, bad, "c")
    assert message_id is not None
    assert send(sqlite_db, Accepted("wamid.never")).bodies == []
    assert row(sqlite_db, message_id).state == "failed"
    assert [handoff.reason for handoff in handoffs(sqlite_db, asha)] == ["failure"]
    assert "secret words" not in logs.getvalue()
