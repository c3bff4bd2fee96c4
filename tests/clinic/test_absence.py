"""Leave and closures: whom they affect, and telling them once."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Callable, List

import pytest
from sqlalchemy import select

from clinic.absence import (
    AbsenceRefused,
    add_closure,
    add_leave,
    affected_by_leave,
    announce_closure,
    announce_leave,
    leaves,
    remove_leave,
)
from clinic.bubbles import bubble_from_json
from clinic.database import Database
from clinic.decision import UNWRITTEN
from clinic.models import Contact, Leave, Message, Offer
from clinic.scheduling.booking import book, reschedule
from clinic.scheduling.errors import UnknownClinician
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit
from clinic.texts import domain_texts
from tests.clinic.conftest import PUNE

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]
Local = Callable[..., datetime]


@pytest.fixture
def visits(clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime) -> List[Visit]:
    """Patients 1 and 2 with asha on Wednesday, patient 3 with ravi, patient 1 on Friday, too."""
    wanted = [
        (1, slot_at(25, time(9))),
        (2, slot_at(25, time(11))),
        (3, slot_at(25, time(9), "ravi")),
        (1, slot_at(27, time(9))),
    ]
    with clinic.transaction() as session:
        for number in (1, 2, 3):
            session.get(Contact, patient(number)).last_inbound_at = now
        return [
            book(session, slot, patient(who), "X", f"v:{n}", now=now)
            for n, (who, slot) in enumerate(wanted)
        ]


def test_a_leave_lists_whom_it_affects_with_alternatives(
    clinic: Database, visits: List[Visit], local: Local, now: datetime
) -> None:
    with clinic.transaction() as session:
        number, affected = add_leave(session, "asha", local(25, 0), local(26, 0), now, "wedding")
        again, _ = add_leave(session, "asha", local(25, 0), local(26, 0), now)
        assert again == number and len(leaves(session, now)) == 1
    assert [one.appointment_id for one in affected] == [v.appointment_id for v in visits[:2]]
    first = [f"{s.clinician} {s.starts_at.astimezone(PUNE):%d %H:%M}"
             for s in affected[0].alternatives]  # fmt: skip
    # ravi is there at that hour's neighbours; asha is away, Tuesday and Thursday are closed
    assert len(first) == 4 and all(not said.startswith("asha 25") for said in first)
    assert first[0].startswith("ravi 25")


def test_part_of_a_day(clinic: Database, visits: List[Visit], local: Local, now: datetime) -> None:
    with clinic.transaction() as session:
        number, affected = add_leave(session, "asha", local(25, 9, 40), local(25, 11, 1), now)
        assert [one.appointment_id for one in affected] == [visits[1].appointment_id]
        assert remove_leave(session, number) is True
        assert remove_leave(session, number) is False
        with pytest.raises(AbsenceRefused, match=f"no leave {number}"):
            affected_by_leave(session, number, now)


def test_a_leave_that_cannot_be(clinic: Database, local: Local, now: datetime) -> None:
    with clinic.transaction() as session:
        for begins, ends, said in (
            (local(25, 9), local(25, 9), "ends before it begins"),
            (local(20, 9), local(22, 9), "is over already"),
            (local(25, 9), local(25, 9) + timedelta(days=400), "longer than a year"),
        ):
            with pytest.raises(AbsenceRefused, match=said):
                add_leave(session, "asha", begins, ends, now)
        with pytest.raises(UnknownClinician):
            add_leave(session, "nobody", local(25, 9), local(26, 9), now)
        with pytest.raises(AbsenceRefused, match="over already"):
            add_closure(session, date(2026, 11, 20), None, now)
        with pytest.raises(AbsenceRefused, match="no closure"):
            announce_closure(session, date(2026, 11, 25), "staff:x", domain_texts(), now)
        assert session.execute(select(Leave)).all() == []


def test_one_confirmation_writes_to_everybody_once(
    clinic: Database, visits: List[Visit], patient: Ids, local: Local, now: datetime
) -> None:
    told = select(Message).where(Message.kind.not_in(UNWRITTEN))
    with clinic.transaction() as session:
        session.get(Contact, patient(2)).last_inbound_at = now - timedelta(days=2)
        number, _ = add_leave(session, "asha", local(25, 0), local(26, 0), now)
        assert session.execute(told).all() == [], "nobody is told by entering it"
        done = announce_leave(session, number, "staff:meera", domain_texts(), now)
        assert len(done.message_ids) == 1
        assert [one.contact_id for one in done.by_phone] == [patient(2)]
        again = announce_leave(session, number, "staff:meera", domain_texts(), now)
        assert again.message_ids == []
    with clinic.reading() as session:
        message = session.execute(told).scalar_one()
        bubble = bubble_from_json(message.content)
        offers = session.execute(select(Offer.payload).order_by(Offer.id)).scalars().all()
    key = f"{visits[0].appointment_id}:{visits[0].version}"
    assert (message.author, message.purpose) == ("staff:meera", "care")
    assert message.not_after == visits[0].starts_at
    assert "Asha Rao is not there on Wed 25 Nov, 9:00 am" in bubble.text
    assert bubble.choices[-2].title == "Another time" and bubble.opener == "Choose"
    assert offers[0].startswith(f'/reschedule{{"appointment": "{key}", "slot": "')
    assert offers[-1] == f'/cancel{{"appointment": "{key}"}}'


def test_who_has_moved_is_not_told(
    clinic: Database,
    visits: List[Visit],
    patient: Ids,
    slot_at: SlotAt,
    local: Local,
    now: datetime,
) -> None:
    with clinic.transaction() as session:
        number, _ = add_leave(session, "asha", local(25, 0), local(26, 0), now)
        ident = visits[0].appointment_id
        reschedule(session, ident, patient(1), slot_at(30, time(9)), "m", now=now)
        done = announce_leave(session, number, "staff:meera", domain_texts(), now)
        assert len(done.message_ids) == 1 and done.by_phone == []


def test_a_closure_of_the_clinic(
    clinic: Database, visits: List[Visit], patient: Ids, now: datetime
) -> None:
    wednesday = date(2026, 11, 25)
    with clinic.transaction() as session:
        session.get(Contact, patient(3)).language = "hinglish"
        session.get(Contact, patient(2)).opted_out_at = now
        affected = add_closure(session, wednesday, "Painting", now)
        assert len(affected) == 3
        assert all(
            slot.starts_at.astimezone(PUNE).date() != wednesday
            for one in affected
            for slot in one.alternatives
        )
        done = announce_closure(session, wednesday, "staff:meera", domain_texts(), now)
        assert len(done.message_ids) == 2 and [one.contact_id for one in done.by_phone] == [
            patient(2)
        ]
        words = select(Message.text).where(Message.kind.not_in(UNWRITTEN))
        said = session.execute(words.order_by(Message.id)).scalars().all()
    assert any("the clinic is closed on Wed 25 Nov" in text for text in said)
    assert any("ko clinic band hai" in text for text in said)
