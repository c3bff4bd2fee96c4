"""Holding, booking, moving, cancelling and confirming, by examples."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Callable

import pytest
from sqlalchemy import func, select

from clinic.database import Database
from clinic.models import Appointment, Clinician, DoneWork, Leave, Patient, SlotCell
from clinic.scheduling import errors
from clinic.scheduling.booking import (
    book,
    cancel,
    confirm,
    confirm_attendance,
    expire_holds,
    has_visited,
    hold,
    release,
    reschedule,
    upcoming,
)
from clinic.scheduling.grid import Slot
from clinic.scheduling.visit import Visit

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]
Local = Callable[..., datetime]
NAME = "Meena Joshi"


@pytest.fixture
def booked(clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime) -> Visit:
    """Patient 1 has asha's session on Wednesday at 09:00."""
    with clinic.transaction() as session:
        return book(session, slot_at(25, time(9)), patient(1), NAME, "staff:1", now=now)


def taken_cells(db: Database) -> int:
    with db.reading() as session:
        return int(session.execute(select(func.count()).select_from(SlotCell)).scalar_one())


def test_hold_then_confirm(clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime) -> None:
    with clinic.transaction() as session:
        held = hold(session, slot_at(25, time(9)), patient(1), now=now, category="back_neck")
    assert (held.status, held.version) == ("held", 1)
    assert held.held_until == now + timedelta(minutes=10)
    with clinic.transaction() as session:
        visit = confirm(
            session, held.appointment_id, patient(1), "  Meena   Joshi ", "wamid.A:book", now=now
        )
    assert (visit.status, visit.version, visit.category) == ("booked", 2, "back_neck")
    with clinic.reading() as session:
        assert session.get(Patient, visit.patient_id).name == NAME
        assert upcoming(session, patient(1), now) == [visit]


def test_the_same_name_is_the_same_patient(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        ids = [
            book(session, slot_at(25, at), patient(1), name, f"staff:{at}", now=now).patient_id
            for at, name in ((time(9), NAME), (time(10), "meena joshi"), (time(11), "Anu Joshi"))
        ]
    assert ids[0] == ids[1] != ids[2]


def test_a_contact_holds_one_slot_at_a_time(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        first = hold(session, slot_at(25, time(9)), patient(1), now=now)
        # 09:30 overlaps the slot that the same contact held before
        second = hold(session, slot_at(25, time(9, 30)), patient(1), now=now)
        again = hold(session, slot_at(25, time(9, 30)), patient(1), now=now + timedelta(minutes=5))
    assert again.appointment_id == second.appointment_id != first.appointment_id
    assert again.held_until == now + timedelta(minutes=15)
    assert taken_cells(clinic) == 3
    with clinic.transaction() as session, pytest.raises(errors.NotStanding):
        confirm(session, first.appointment_id, patient(1), NAME, "wamid.A:book", now=now)


def test_whoever_loses_a_slot_keeps_the_one_held_before(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        mine = hold(session, slot_at(25, time(11)), patient(2), now=now)
        with pytest.raises(errors.SlotTaken):
            hold(session, slot_at(25, time(9, 30)), patient(2), now=now)
    with clinic.transaction() as session:
        visit = confirm(session, mine.appointment_id, patient(2), NAME, "wamid.B:book", now=now)
    assert visit.status == "booked"


def test_an_expired_hold_gives_way_to_whoever_comes(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    later = now + timedelta(minutes=11)
    with clinic.transaction() as session:
        mine = hold(session, slot_at(25, time(9)), patient(1), now=now)
        with pytest.raises(errors.SlotTaken):
            hold(session, slot_at(25, time(9)), patient(2), now=now)
        theirs = hold(session, slot_at(25, time(9)), patient(2), now=later)
    with clinic.transaction() as session:
        with pytest.raises(errors.HoldExpired):
            confirm(session, mine.appointment_id, patient(1), NAME, "wamid.A:book", now=later)
        confirm(session, theirs.appointment_id, patient(2), NAME, "wamid.B:book", now=later)


def test_a_hold_that_ran_out_is_good_while_nobody_else_came(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        mine = hold(session, slot_at(25, time(9)), patient(1), now=now)
        visit = confirm(
            session,
            mine.appointment_id,
            patient(1),
            NAME,
            "wamid.A:book",
            now=now + timedelta(minutes=30),
        )
    assert visit.status == "booked"


def test_expired_holds_are_swept(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        held = hold(session, slot_at(25, time(9)), patient(1), now=now)
        assert expire_holds(session, now) == []
        assert expire_holds(session, now + timedelta(minutes=10)) == [held.appointment_id]
        assert expire_holds(session, now + timedelta(minutes=10)) == []
        row = session.get(Appointment, held.appointment_id)
        assert (row.status, row.version, row.cancel_reason) == ("cancelled", 2, "hold_expired")
    assert taken_cells(clinic) == 0


def test_a_released_hold_frees_its_slot_and_a_booking_is_not_released(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        held = hold(session, slot_at(25, time(11)), patient(1), now=now)
        release(session, held.appointment_id, patient(1))
        release(session, held.appointment_id, patient(1))
        release(session, booked.appointment_id, patient(1))
        assert upcoming(session, patient(1), now) == [booked]
    assert taken_cells(clinic) == 3


def test_moving_frees_the_old_slot_and_asks_for_attendance_anew(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    ident = booked.appointment_id
    with clinic.transaction() as session:
        confirm_attendance(session, ident, patient(1), "wamid.A:confirm", now=now)
        to = slot_at(25, time(9, 30))
        moved = reschedule(session, ident, patient(1), to, "wamid.B:move", now=now)
    assert (moved.status, moved.version, moved.time_version) == ("booked", 3, 3)
    assert (moved.starts_at, moved.patient_id) == (to.starts_at, booked.patient_id)
    assert taken_cells(clinic) == 3
    with clinic.transaction() as session:
        to_ravi = slot_at(25, time(9), "ravi")
        moved = reschedule(session, ident, patient(1), to_ravi, "wamid.C:move", now=now)
        assert (moved.clinician, moved.version) == ("ravi", 4)
        same = reschedule(session, ident, patient(1), to_ravi, "wamid.D:move", now=now)
        assert same == moved
        book(session, slot_at(25, time(9)), patient(2), NAME, "staff:2", now=now)


def test_losing_the_new_slot_keeps_the_old_one(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        book(session, slot_at(25, time(11)), patient(2), NAME, "staff:2", now=now)
    with clinic.transaction() as session:
        with pytest.raises(errors.SlotTaken):
            reschedule(
                session,
                booked.appointment_id,
                patient(1),
                slot_at(25, time(10, 30)),
                "wamid.A:move",
                now=now,
            )
        assert upcoming(session, patient(1), now) == [booked]
    assert taken_cells(clinic) == 6


def test_cancelling_frees_the_slot(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        visit = cancel(
            session,
            booked.appointment_id,
            patient(1),
            "patient",
            "unwell",
            "wamid.A:cancel",
            now=now,
        )
        assert (visit.status, visit.version) == ("cancelled", 2)
        assert upcoming(session, patient(1), now) == []
    assert taken_cells(clinic) == 0


@pytest.mark.parametrize("work", ["book", "confirm", "move", "cancel", "attend"])
def test_the_same_cause_again_changes_nothing_and_says_the_same(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime, work: str
) -> None:
    with clinic.transaction() as session:
        held = hold(session, slot_at(30, time(9)), patient(1), now=now)
        visit = book(session, slot_at(25, time(9)), patient(2), NAME, "staff:1", now=now)

    def once() -> Visit:
        ident, cause = visit.appointment_id, f"wamid.X:{work}"
        with clinic.transaction() as session:
            if work == "book":
                to = slot_at(25, time(10))
                return book(session, to, patient(2), NAME, cause, now=now)
            if work == "confirm":
                return confirm(session, held.appointment_id, patient(1), NAME, cause, now=now)
            if work == "move":
                to = slot_at(25, time(11))
                return reschedule(session, ident, patient(2), to, cause, now=now)
            if work == "cancel":
                return cancel(session, ident, patient(2), "patient", None, cause, now=now)
            return confirm_attendance(session, ident, patient(2), cause, now=now)

    def state() -> list[tuple[object, ...]]:
        with clinic.reading() as session:
            rows = session.execute(
                select(
                    Appointment.id,
                    Appointment.status,
                    Appointment.version,
                    Appointment.starts_at,
                    Appointment.patient_id,
                ).order_by(Appointment.id)
            )
            return [tuple(row) for row in rows]

    first = once()
    after = state()
    assert once() == first
    assert state() == after


def test_work_that_was_refused_may_be_tried_again_under_its_cause(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        with pytest.raises(errors.SlotTaken):
            book(session, slot_at(25, time(9)), patient(2), NAME, "wamid.B:book", now=now)
        assert session.get(DoneWork, "wamid.B:book") is None
        cancel(session, booked.appointment_id, None, "desk", None, "staff:2", now=now)
        visit = book(session, slot_at(25, time(9)), patient(2), NAME, "wamid.B:book", now=now)
    assert visit.status == "booked"


def test_another_contacts_visit_is_not_yours(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    ident, other = booked.appointment_id, patient(2)
    with clinic.transaction() as session:
        for number, attempt in enumerate(
            (
                lambda: cancel(session, ident, other, "patient", None, "w:1", now=now),
                lambda: confirm_attendance(session, ident, other, "w:2", now=now),
                lambda: reschedule(session, ident, other, slot_at(30, time(9)), "w:3", now=now),
                lambda: confirm(session, ident, other, NAME, "w:4", now=now),
                lambda: release(session, ident, other),
            )
        ):
            with pytest.raises(errors.NotYours, match=f"^appointment {ident}$"):
                attempt()
            assert number < 5
        with pytest.raises(errors.UnknownAppointment):
            cancel(session, 999_999, other, "patient", None, "w:5", now=now)


def test_a_button_from_before_a_move_is_refused_and_one_from_after_is_not(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    ident, contact = booked.appointment_id, patient(1)
    with clinic.transaction() as session:
        moved = reschedule(session, ident, contact, slot_at(30, time(9)), "w:1", now=now)
        with pytest.raises(errors.Moved):
            cancel(session, ident, contact, "patient", None, "w:2", now=now, version=1)
        # confirming attendance raises the version, but the reminder's other buttons still hold
        confirm_attendance(session, ident, contact, "w:3", now=now, version=moved.version)
        cancel(session, ident, contact, "patient", None, "w:4", now=now, version=moved.version)


def test_cancelled_or_begun_visits_cannot_be_changed(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    ident, contact = booked.appointment_id, patient(1)
    with clinic.transaction() as session:
        with pytest.raises(errors.AppointmentPast):
            cancel(session, ident, contact, "patient", None, "w:1", now=booked.starts_at)
        cancel(session, ident, contact, "patient", None, "w:2", now=now)
        with pytest.raises(errors.NotStanding):
            cancel(session, ident, contact, "patient", None, "w:3", now=now)
        with pytest.raises(errors.NotStanding):
            reschedule(session, ident, contact, slot_at(30, time(9)), "w:4", now=now)
        with pytest.raises(errors.NotStanding):
            confirm_attendance(session, ident, contact, "w:5", now=now)


@pytest.mark.parametrize(
    ("day", "at", "clinician", "service", "refusal"),
    [
        (22, time(9), "asha", "session", errors.SlotPast),
        (23, time(8, 30), "asha", "session", errors.TooSoon),
        (24, time(9), "asha", "session", errors.ClosedDay),
        (26, time(9), "asha", "session", errors.ClosedDay),
        (28, time(9), "asha", "session", errors.OutsideHours),
        (25, time(12, 30), "asha", "session", errors.OutsideHours),
        (25, time(9, 15), "asha", "session", errors.OutsideHours),
        (27, time(9), "asha", "session", errors.ClinicianAway),
        (25, time(9), "ravi", "assessment", errors.UnknownClinician),
        (25, time(9), "nobody", "session", errors.UnknownClinician),
    ],
)
def test_a_slot_the_rules_do_not_allow_is_refused_however_it_came(
    clinic: Database,
    slot_at: SlotAt,
    patient: Ids,
    local: Local,
    now: datetime,
    day: int,
    at: time,
    clinician: str,
    service: str,
    refusal: type[errors.SchedulingError],
) -> None:
    with clinic.transaction() as session:
        asha = session.query(Clinician).filter_by(code="asha").one()
        session.add(Leave(clinician_id=asha.id, starts_at=local(27, 0), ends_at=local(27, 23)))
        session.flush()
        with pytest.raises(refusal):
            hold(session, slot_at(day, at, clinician, service), patient(1), now=now)
    assert taken_cells(clinic) == 0


def test_a_slot_of_another_length_is_refused(
    clinic: Database, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    longer = Slot.from_key(slot_at(25, time(9)).key.replace("/40", "/10"))
    contact = patient(1)
    with clinic.transaction() as session, pytest.raises(errors.OutsideHours):
        hold(session, longer, contact, now=now)


def test_staff_may_book_sooner_and_later_than_patients(
    clinic: Database, slot_at: SlotAt, patient: Ids, local: Local
) -> None:
    contact, now = patient(1), local(23, 8, 30)
    far = Slot("asha", "session", local(4, 9, month=1).replace(year=2027), local(4, 9))
    far = Slot.from_key(far.key.rsplit("/", 1)[0] + "/40")
    with clinic.transaction() as session:
        with pytest.raises(errors.TooSoon):
            hold(session, slot_at(23, time(9)), contact, now=now)
        with pytest.raises(errors.TooFar):
            hold(session, far, contact, now=now)
        book(session, slot_at(23, time(9)), contact, NAME, "staff:1", now=now)
        book(session, far, contact, NAME, "staff:2", now=now)


def test_a_visit_keeps_its_service(
    clinic: Database, booked: Visit, slot_at: SlotAt, patient: Ids, now: datetime
) -> None:
    other = slot_at(30, time(9), service="assessment")
    contact = patient(1)
    with clinic.transaction() as session, pytest.raises(errors.DifferentService):
        reschedule(session, booked.appointment_id, contact, other, "w:1", now=now)


def test_who_has_been_here_before(
    clinic: Database, booked: Visit, patient: Ids, now: datetime
) -> None:
    contact = patient(1)
    with clinic.transaction() as session:
        assert not has_visited(session, contact)
        session.get(Appointment, booked.appointment_id).status = "completed"
        session.flush()
        assert has_visited(session, contact)
