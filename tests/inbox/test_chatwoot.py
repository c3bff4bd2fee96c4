"""A clinic that answers in Chatwoot: over, there, and back, with nothing lost or doubled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Callable, Iterator

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from clinic.database import Database, now
from clinic.handoffs import resolve_handoff, unresolved_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import ChatwootLink, Contact, Handoff, Message
from clinic.settings import settings
from clinic.texts import Texts
from tests.inbox.chatwoot_stand_in import ACCOUNT, INBOX, OUTGOING, SECRET, TOKEN, Chatwoot, signed
from worker.chatwoot import Connector
from worker.chatwoot_client import ChatwootClient

Make = Callable[..., int]


@pytest.fixture
def chatwoot(keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chatwoot]:
    stand_in = Chatwoot()
    for name, value in {
        "CHATWOOT_URL": stand_in.url,
        "CHATWOOT_ACCOUNT_ID": str(ACCOUNT),
        "CHATWOOT_INBOX_ID": str(INBOX),
        "CHATWOOT_TOKEN": TOKEN,
        "CHATWOOT_WEBHOOK_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield stand_in
    stand_in.close()


@pytest.fixture
def work(chatwoot: Chatwoot, db: Database, texts: Texts) -> Callable[[], None]:
    """A worker, started anew each time, does everything that is due, whenever that is."""

    def run() -> None:
        client = ChatwootClient(chatwoot.url, ACCOUNT, INBOX, TOKEN)
        with db.transaction() as session:
            for link in session.execute(select(ChatwootLink)).scalars():
                link.due_at = now() - timedelta(seconds=1)
        Connector(client, texts).step(db)

    return run


@pytest.fixture
def deliver(app: Flask, chatwoot: Chatwoot) -> Callable[..., list[int]]:
    """Chatwoot's webhooks reach the inbox, each `times` times: the answers' statuses."""

    def send(times: int = 1) -> list[int]:
        events, chatwoot.webhooks = chatwoot.webhooks, []
        client = app.test_client()
        return [
            client.post("/hooks/chatwoot", **signed(event)).status_code
            for event in events
            for _ in range(times)
        ]

    return send


def sent_to(db: Database, contact_id: int) -> list[str]:
    with db.reading() as session:
        query = select(Message.text).where(
            Message.contact_id == contact_id, Message.direction == "out"
        )
        return list(session.execute(query.order_by(Message.id)).scalars())


def is_muted(db: Database, contact_id: int) -> bool:
    with db.reading() as session:
        return unresolved_handoff(session, contact_id) is not None


def only(chatwoot: Chatwoot) -> int:
    (number,) = chatwoot.conversations
    return number


def writes(db: Database, contact_id: int, text: str) -> None:
    with db.transaction() as session:
        phone = session.get(Contact, contact_id).phone
        store_arrival(session, Arrival(f"wamid.{text}", "text", phone=phone, text=text))


def test_over_there_and_back(
    db: Database,
    chatwoot: Chatwoot,
    patient: Make,
    handoff: Make,
    bot_says: Make,
    work: Callable[[], None],
    deliver: Callable[..., list[int]],
) -> None:
    contact = patient("My knee is swollen", "Meena")
    handoff("red_flag", contact_id=contact, red_flag="chest_pain")
    work()
    number = only(chatwoot)
    assert chatwoot.conversations[number]["status"] == "open"
    (note,) = chatwoot.texts(number, private=True, kind=OUTGOING)
    assert "RED FLAG: chest pain" in note and "urgent" in note
    assert chatwoot.texts(number) == ["My knee is swollen"]
    writes(db, contact, "And it is warm")
    work()
    assert chatwoot.texts(number) == ["My knee is swollen", "And it is warm"]
    chatwoot.agent_writes(number, "We will call you now.")
    assert set(deliver()) == {200}
    assert sent_to(db, contact) == ["We will call you now."]
    with db.reading() as session:
        row = session.execute(select(Handoff)).scalar_one()
        assert (row.status, row.claimed_by) == ("claimed", "Chatwoot")
    chatwoot.agent_sets(number, "resolved")
    deliver()
    assert not is_muted(db, contact)
    assert sent_to(db, contact)[-1] == "The assistant answers again."


@pytest.mark.parametrize("status", ["resolved", "pending"])
def test_resolving_and_giving_back_to_the_bot_both_hand_back(
    db: Database,
    chatwoot: Chatwoot,
    patient: Make,
    handoff: Make,
    work: Callable[[], None],
    deliver: Callable[..., list[int]],
    status: str,
) -> None:
    contact = patient()
    handoff(contact_id=contact)
    work()
    deliver()
    assert is_muted(db, contact), "what we did ourselves hands nothing back"
    chatwoot.agent_sets(only(chatwoot), "snoozed")
    deliver()
    assert is_muted(db, contact)
    chatwoot.agent_sets(only(chatwoot), status)
    deliver(times=3)
    assert not is_muted(db, contact)
    assert len(sent_to(db, contact)) == 1


def test_webhooks_that_come_twice_or_never_change_nothing(
    db: Database,
    chatwoot: Chatwoot,
    patient: Make,
    handoff: Make,
    work: Callable[[], None],
    deliver: Callable[..., list[int]],
) -> None:
    contact = patient()
    handoff(contact_id=contact)
    work()
    number = only(chatwoot)
    chatwoot.agent_writes(number, "one")
    deliver(times=3)
    chatwoot.agent_writes(number, "two")
    chatwoot.webhooks.clear()
    chatwoot.agent_writes(number, "three")
    deliver()
    work()
    work()
    assert sorted(sent_to(db, contact)) == ["one", "three", "two"]
    chatwoot.agent_sets(number, "resolved")
    chatwoot.webhooks.clear()
    work()
    assert not is_muted(db, contact)


@pytest.mark.parametrize(
    "step",
    [
        "POST /contacts",
        "POST /conversations",
        "POST /conversations/N/messages",
        "POST /conversations/N/toggle_status",
        "GET /contacts/search",
    ],
)
def test_an_answer_lost_after_any_step_doubles_nothing(
    db: Database,
    chatwoot: Chatwoot,
    patient: Make,
    handoff: Make,
    work: Callable[[], None],
    step: str,
) -> None:
    handoff(contact_id=patient("Hello"))
    chatwoot.lose_answers_to = step
    work()
    assert chatwoot.lose_answers_to == "", "the step was never taken"
    work()
    number = only(chatwoot)
    assert len(chatwoot.contacts) == 1
    assert len(chatwoot.texts(number, private=True, kind=OUTGOING)) == 1
    assert chatwoot.texts(number) == ["Hello"]
    assert chatwoot.conversations[number]["status"] == "open"


def test_while_chatwoot_is_down_everything_waits(
    db: Database, chatwoot: Chatwoot, patient: Make, handoff: Make, work: Callable[[], None]
) -> None:
    contact = patient("Hello")
    handoff(contact_id=contact)
    chatwoot.down = True
    for _try in range(3):
        work()
    with db.reading() as session:
        assert session.execute(select(ChatwootLink.attempts)).scalar_one() == 3
    chatwoot.down = False
    work()
    assert chatwoot.texts(only(chatwoot)) == ["Hello"]


def test_what_is_resolved_here_is_resolved_there(
    db: Database, chatwoot: Chatwoot, patient: Make, handoff: Make, work: Callable[[], None]
) -> None:
    first, second = (handoff(contact_id=patient()) for _ in range(2))
    with db.transaction() as session:
        resolve_handoff(session, second, "Asha", "answered", hand_back=True)
    work()
    number = only(chatwoot)
    with db.transaction() as session:
        resolve_handoff(session, first, "Asha", "answered", hand_back=True)
    work()
    assert chatwoot.conversations[number]["status"] == "resolved"


def test_notes_and_our_own_messages_go_to_nobody(
    db: Database,
    chatwoot: Chatwoot,
    patient: Make,
    handoff: Make,
    work: Callable[[], None],
    deliver: Callable[..., list[int]],
) -> None:
    contact = patient("Hello")
    handoff(contact_id=contact)
    work()
    chatwoot.agent_writes(only(chatwoot), "she sounds worried", private=True)
    assert set(deliver()) == {200}
    work()
    assert sent_to(db, contact) == []


def test_a_reply_that_cannot_go_is_said_to_the_agent_once(
    db: Database,
    chatwoot: Chatwoot,
    patient: Make,
    handoff: Make,
    work: Callable[[], None],
    deliver: Callable[..., list[int]],
) -> None:
    contact = patient(ago=timedelta(hours=30))
    handoff(contact_id=contact)
    work()
    number = only(chatwoot)
    deliver()
    chatwoot.agent_writes(number, "Hello?")
    assert deliver(times=2) == [422, 422]
    work()
    work()
    notes = chatwoot.texts(number, private=True, kind=OUTGOING)
    assert sum("24-hour window" in note for note in notes) == 1
    assert sent_to(db, contact) == []


def test_what_is_written_after_handing_back_is_not_sent(
    db: Database,
    chatwoot: Chatwoot,
    patient: Make,
    handoff: Make,
    work: Callable[[], None],
    deliver: Callable[..., list[int]],
) -> None:
    contact = patient()
    handoff(contact_id=contact)
    work()
    number = only(chatwoot)
    chatwoot.agent_sets(number, "resolved")
    deliver()
    chatwoot.agent_writes(number, "One more thing")
    assert deliver() == [422]
    work()
    assert "One more thing" not in sent_to(db, contact)
    notes = chatwoot.texts(number, private=True, kind=OUTGOING)
    assert any("handed back" in note for note in notes)


def test_a_second_handoff_in_an_inbox_that_is_locked_to_one_conversation(
    db: Database,
    chatwoot: Chatwoot,
    patient: Make,
    handoff: Make,
    work: Callable[[], None],
    deliver: Callable[..., list[int]],
) -> None:
    chatwoot.one_conversation_each = True
    contact = patient("First")
    handoff(contact_id=contact)
    work()
    number = only(chatwoot)
    chatwoot.agent_sets(number, "resolved")
    deliver()
    writes(db, contact, "Second")
    handoff(contact_id=contact)
    work()
    assert only(chatwoot) == number and chatwoot.texts(number) == ["First", "Second"]
    chatwoot.agent_writes(number, "Again here")
    assert set(deliver()) == {200}
    assert sent_to(db, contact)[-1] == "Again here"
    chatwoot.agent_sets(number, "resolved")
    deliver()
    assert not is_muted(db, contact)


# --- the door


def an_event(**more: Any) -> dict[str, Any]:
    return {
        "event": "message_created",
        "id": 1,
        "content": "hello",
        "message_type": "outgoing",
        "private": False,
        "conversation": {"id": 5, "inbox_id": INBOX},
        "account": {"id": ACCOUNT},
        "inbox": {"id": INBOX},
        **more,
    }


@pytest.mark.parametrize("changed", ["secret", "age", "body", "no signature", "no timestamp"])
def test_only_chatwoots_own_fresh_signature_opens(
    app: Flask, chatwoot: Chatwoot, changed: str
) -> None:
    request = signed(an_event())
    if changed == "secret":
        request = signed(an_event(), secret="another")
    if changed == "age":
        request = signed(an_event(), age=400)
    if changed == "body":
        request["data"] += b" "
    if changed == "no signature":
        del request["headers"]["X-Chatwoot-Signature"]
    if changed == "no timestamp":
        del request["headers"]["X-Chatwoot-Timestamp"]
    answer = app.test_client().post("/hooks/chatwoot", **request)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "signature")


@pytest.mark.parametrize(
    "event",
    [
        an_event(),
        an_event(account={"id": 99}),
        an_event(inbox={"id": 99}),
        an_event(event="contact_updated"),
        an_event(message_type="template"),
        {},
    ],
)
def test_what_is_not_ours_is_acknowledged_and_left(
    app: Flask, chatwoot: Chatwoot, db: Database, event: Any
) -> None:
    assert app.test_client().post("/hooks/chatwoot", **signed(event)).status_code == 200


def test_where_chatwoot_is_not_used_there_is_no_door(app: Flask) -> None:
    assert app.test_client().post("/hooks/chatwoot", **signed(an_event())).status_code == 404


def test_links_wait_longer_after_each_failure(
    db: Database, chatwoot: Chatwoot, texts: Texts, patient: Make, handoff: Make
) -> None:
    handoff(contact_id=patient())
    chatwoot.down = True
    connector = Connector(ChatwootClient(chatwoot.url, ACCOUNT, INBOX, TOKEN), texts)
    assert connector.step(db) == 1
    assert connector.step(db) == 0
    with time_machine.travel(now() + timedelta(seconds=5)):
        assert connector.step(db) == 1
