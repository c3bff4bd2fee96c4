"""What became of a message: answers and statuses in any order, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Callable, List, Optional

import pytest
from sqlalchemy.orm import Session

from clinic.database import Database
from clinic.database import now as this_moment
from clinic.delivery import (
    MAX_ATTEMPTS,
    Status,
    apply_status,
    record_refused,
    record_sent,
    record_unknown,
    record_unreachable,
)
from clinic.models import Message
from tests.message_log import arrives, begun, claimed, contact, handoffs, planned, row


@pytest.fixture
def sending(db: Database) -> int:
    """A reply that is on its way."""
    message_id = planned(db, arrives(db))
    begun(db, claimed(db))
    return message_id


@pytest.fixture
def write(db: Database) -> Callable[..., None]:
    """`write(record_sent, 1, "wamid.x")`: in a transaction of its own."""

    def run(function: Callable[..., object], *values: object) -> None:
        with db.transaction() as session:
            function(session, *values)

    return run


def _status(what: str, message_id: int, code: Optional[int] = None) -> Status:
    return Status(f"wamid.{message_id}", what, this_moment(), str(message_id), code)


@pytest.mark.parametrize(
    ("order", "state"),
    [
        (["sent", "delivered", "read"], "read"),
        (["read", "delivered", "sent"], "read"),
        (["delivered", "delivered", "sent"], "delivered"),
        (["played"], "read"),
        (["failed", "delivered"], "delivered"),
        (["delivered", "failed"], "delivered"),
        (["failed", "failed", "sent"], "failed"),
    ],
)
@pytest.mark.parametrize("answer_after", [0, 1, 9])
def test_a_message_only_moves_forward(
    db: Database,
    sending: int,
    write: Callable[..., None],
    order: List[str],
    state: str,
    answer_after: int,
) -> None:
    """The answer to the sending comes first, among the statuses, or after all of them."""
    for number, what in enumerate([*order, None]):
        if number == min(answer_after, len(order)):
            write(record_sent, sending, f"wamid.{sending}")
        if what is not None:
            write(apply_status, _status(what, sending))
    found = row(db, sending)
    assert found.state == state
    assert found.wamid == f"wamid.{sending}"
    assert found.lease_until is None
    assert (found.detail is None) is (state != "failed")


def test_the_moments_are_those_that_whatsapp_names(
    db: Database, sending: int, write: Callable[..., None]
) -> None:
    delivered, read = this_moment() - timedelta(seconds=9), this_moment()
    write(apply_status, Status("wamid.x", "read", read, str(sending)))
    write(apply_status, Status("wamid.x", "delivered", delivered, str(sending)))
    write(apply_status, Status("wamid.x", "delivered", read, str(sending)))
    found = row(db, sending)
    assert (found.delivered_at, found.read_at) == (delivered, read)


@pytest.mark.parametrize("ref", [None, "", "²", "٣", "-1", "0", "9" * 19, "9" * 60, "abc", "1.0"])
def test_a_status_of_somebody_else_is_not_ours(
    db: Database, sending: int, ref: Optional[str]
) -> None:
    with db.transaction() as session:
        assert apply_status(session, Status("wamid.else", "failed", None, ref)) is False
    assert row(db, sending).state == "sending"


def test_a_reference_never_reaches_what_a_patient_wrote(db: Database) -> None:
    asha = arrives(db)
    with db.reading() as session:
        inbound = session.query(Message).filter_by(contact_id=asha).one()
    with db.transaction() as session:
        status = Status("wamid.z", "read", None, str(inbound.id))
        assert apply_status(session, status) is False
        assert apply_status(session, Status(inbound.wamid, "read", None)) is False
    assert row(db, inbound.id).state == "received"


def test_a_reference_never_renames_a_message_that_has_its_wamid(
    db: Database, sending: int, write: Callable[..., None]
) -> None:
    write(record_sent, sending, "wamid.true")
    with db.transaction() as session:
        assert apply_status(session, Status("wamid.other", "read", None, str(sending))) is False
    assert (row(db, sending).wamid, row(db, sending).state) == ("wamid.true", "sent")


@pytest.mark.parametrize(("code", "detail"), [(131047, "graph 131047"), (None, "gave no code")])
def test_a_failed_reply_says_why_and_goes_to_a_person(
    db: Database, sending: int, write: Callable[..., None], code: Optional[int], detail: str
) -> None:
    write(record_sent, sending, f"wamid.{sending}")
    write(apply_status, _status("failed", sending, code))
    found = row(db, sending)
    assert found.state == "failed"
    assert detail in found.detail
    assert [handoff.reason for handoff in handoffs(db, found.contact_id)] == ["failure"]


def test_a_refused_message_is_tried_again_a_few_times_and_then_given_up(
    db: Database, sending: int, write: Callable[..., None]
) -> None:
    for attempt in range(1, MAX_ATTEMPTS):
        write(record_refused, sending, "graph 131000", timedelta(0))
        found = row(db, sending)
        assert (found.state, found.attempts) == ("planned", attempt)
        assert [letter.attempts for letter in begun(db, claimed(db))] == [attempt + 1]
    write(record_refused, sending, "graph 131000", timedelta(0))
    found = row(db, sending)
    assert (found.state, found.detail) == ("failed", "graph 131000")
    assert len(handoffs(db, found.contact_id)) == 1


def test_who_cannot_be_reached_is_not_written_to(
    db: Database, sending: int, write: Callable[..., None]
) -> None:
    write(record_unreachable, sending, "graph 131026")
    found = row(db, sending)
    assert (found.state, found.detail) == ("failed", "graph 131026")
    assert contact(db, found.contact_id).unreachable_at is not None
    second = planned(db, found.contact_id)
    assert begun(db, claimed(db)) == []
    assert (row(db, second).state, row(db, second).detail) == ("skipped", "unreachable")


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (record_unknown, ["timeout"]),
        (record_refused, ["graph 100", None]),
        (record_refused, ["graph 131000", timedelta(seconds=1)]),
        (record_unreachable, ["graph 131026"]),
    ],
)
def test_an_answer_never_undoes_what_a_status_said(
    db: Database,
    sending: int,
    write: Callable[..., None],
    record: Callable[..., None],
    values: List[object],
) -> None:
    write(apply_status, _status("delivered", sending))
    write(record, sending, *values)
    assert row(db, sending).state == "delivered"
    assert contact(db, row(db, sending).contact_id).unreachable_at is None


def test_a_late_refusal_of_an_unknown_message_fails_it_and_is_never_a_second_try(
    db: Database, sending: int, write: Callable[..., None]
) -> None:
    write(record_unknown, sending, "timeout")
    write(record_refused, sending, "graph 131000", timedelta(seconds=1))
    assert (row(db, sending).state, row(db, sending).detail) == ("failed", "graph 131000")
    assert len(handoffs(db, row(db, sending).contact_id)) == 1


def test_what_is_gone_can_be_recorded_without_harm(db: Database) -> None:
    with db.transaction() as session:
        record_sent(session, 424242, "wamid.x")
        record_unknown(session, 424242, "timeout")
        record_refused(session, 424242, "graph 1", None)
        record_unreachable(session, 424242, "graph 131026")


def test_a_status_that_races_the_answer_is_not_overwritten(postgres_db: Database) -> None:
    """The webhook has read `delivered` into an open transaction while the worker hears "sent"."""
    db = postgres_db
    message_id = planned(db, arrives(db))
    begun(db, claimed(db))
    began = threading.Event()

    def answer() -> None:
        with db.transaction() as session:
            began.set()
            record_sent(session, message_id, f"wamid.{message_id}")

    with Session(db.engine, future=True) as session, session.begin():
        apply_status(session, _status("delivered", message_id))
        session.flush()
        worker = threading.Thread(target=answer)
        worker.start()
        began.wait(5)
        worker.join(0.3)
        assert worker.is_alive(), "the worker did not wait for the webhook's transaction"
    worker.join(10)
    assert row(db, message_id).state == "delivered"
