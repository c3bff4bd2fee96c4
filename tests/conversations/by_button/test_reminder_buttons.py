"""The buttons under a reminder: each does what it says, to the visit of that message alone."""

from __future__ import annotations

from datetime import time, timedelta
from typing import List

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from clinic import consent
from clinic.bubbles import Choice, Choices
from clinic.calendar_words import say_moment
from clinic.database import now
from clinic.inbound import remember_language
from clinic.models import Appointment, DoneWork, Offer
from clinic.outbox import plan
from clinic.scheduling.booking import book, cancel
from clinic.scheduling.visit import Visit
from tests.conversations.chat import Patient
from tests.conversations.engine import PUNE
from tests.conversations.reading import LANGUAGES, Post, Read, Reader

COME, MOVE, CANNOT = "I will come", "Another time", "I can't come"
BUTTONS = (COME, MOVE, CANNOT)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def somebody(post: Post, language: str = "en") -> Reader:
    """Somebody who agreed to care messages and wrote just now."""
    reader = Reader(post, language, "Riya Sharma")
    with post.clinic.database.transaction() as session:
        number = reader.id_in(session)
        consent.record(session, number, "care", True, how="staff")
        remember_language(session, number, language, chosen=True)
    return reader


@pytest.fixture
def riya(post: Post) -> Reader:
    return somebody(post)


def is_reminded(riya: Reader, visit: Visit, before: timedelta = 24 * HOUR) -> Read:
    """The reminder that comes so long before the visit."""
    read = riya.until(visit.starts_at - before + MINUTE)
    assert len(read) == 1, read
    return read


def in_three_days(riya: Patient, name: str = "Riya Sharma") -> Visit:
    """A visit of Thursday from ten on, which has both reminders; early ones have one."""
    clinic = riya.clinic
    slot = next(
        slot
        for slot in clinic.free(clinic.today + timedelta(days=3))
        if slot.starts_at.astimezone(PUNE).time() >= time(10)
    )
    with clinic.database.transaction() as session:
        return book(session, slot, riya.id_in(session), name, f"desk:{slot.key}", now=now())


def row(riya: Patient, visit: Visit) -> Appointment:
    with riya.clinic.database.reading() as session:
        return session.get(Appointment, visit.appointment_id)


def changes(riya: Patient) -> int:
    """How many things were done for a message of somebody."""
    with riya.clinic.database.reading() as session:
        return len(session.execute(select(DoneWork.cause)).all())


class TestEachButton:
    @pytest.mark.parametrize("before", [24 * HOUR, HOUR])
    def test_i_will_come(self, riya: Reader, before: timedelta) -> None:
        visit = in_three_days(riya)
        if before == HOUR:
            is_reminded(riya, visit)
        is_reminded(riya, visit, before)
        assert riya.taps(COME).says("utter_attendance_confirmed")
        assert row(riya, visit).status == "confirmed"
        assert row(riya, visit).time_version == visit.time_version

    def test_another_time_moves_that_very_visit(self, riya: Reader) -> None:
        other = riya.has_visit(riya.clinic.today + timedelta(days=8), "Aarav Sharma")
        visit = in_three_days(riya)
        is_reminded(riya, visit)
        assert riya.taps(MOVE).says("utter_ask_day"), "not asked which of the two"
        riya.taps("Sat 12 Dec")
        riya.taps("9:00 am")
        assert riya.taps("Yes, move it").says("utter_moved", visit_words="Sat 12 Dec, 9:00 am")
        assert row(riya, visit).starts_at > visit.starts_at
        assert row(riya, other).starts_at == other.starts_at

    def test_i_cannot_come_asks_and_then_nothing_reminds_of_it(self, riya: Reader) -> None:
        visit = in_three_days(riya)
        is_reminded(riya, visit)
        assert riya.taps(CANNOT).says("utter_ask_cancel_reason")
        assert riya.taps("Busy").says("utter_confirm_cancel")
        assert row(riya, visit).status == "booked", "nothing happens before the yes"
        assert riya.taps("Yes, cancel it").says("utter_cancelled")
        assert row(riya, visit).status == "cancelled"
        assert len(riya.until(visit.starts_at + HOUR)) == 0

    def test_i_cannot_come_taken_back(self, riya: Reader) -> None:
        visit = in_three_days(riya)
        is_reminded(riya, visit)
        riya.taps(CANNOT)
        riya.taps("Busy")
        assert riya.taps("No, keep it").says("utter_kept")
        assert row(riya, visit).status == "booked"
        assert is_reminded(riya, visit, HOUR).says("utter_reminder")

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_in_every_language(self, post: Post, language: str) -> None:
        riya = somebody(post, language)
        reminder = is_reminded(riya, in_three_days(riya))
        come, move, cannot = reminder.titles
        assert riya.taps(come, on=reminder).says("utter_attendance_confirmed")
        assert riya.taps(cannot, on=reminder).says("utter_ask_cancel_reason")
        assert riya.taps(move, on=reminder).says("utter_ask_day")


class TestTappedTwice:
    def test_it_acts_once(self, riya: Reader) -> None:
        visit = in_three_days(riya)
        reminder = is_reminded(riya, visit)
        riya.taps(COME, on=reminder)
        before = row(riya, visit).version
        assert riya.taps(COME, on=reminder).says("utter_button_used")
        assert row(riya, visit).version == before

    def test_both_reminders_are_answered_alike(self, riya: Reader) -> None:
        visit = in_three_days(riya)
        is_reminded(riya, visit)
        riya.taps(COME)
        is_reminded(riya, visit, HOUR)
        before = row(riya, visit).version
        assert riya.taps(COME).says("utter_attendance_confirmed")
        assert row(riya, visit).version == before

    def test_a_tap_repeated_after_a_crash_acts_once(self, riya: Reader) -> None:
        visit = in_three_days(riya)
        reminder = is_reminded(riya, visit)
        riya.has_tapped(COME, reminder)
        with riya.clinic.crash_before_commit(), pytest.raises(OperationalError):
            riya.clinic.answer(riya.id)
        version, done = row(riya, visit).version, changes(riya)
        assert riya._answered().says("utter_attendance_confirmed")
        assert (row(riya, visit).version, changes(riya)) == (version, done)


class TestStale:
    @pytest.mark.parametrize("button", BUTTONS)
    def test_moved_since_it_explains_what_is_true_now(self, riya: Reader, button: str) -> None:
        visit = in_three_days(riya)
        reminder = is_reminded(riya, visit)
        slot = riya.clinic.free(riya.clinic.today + timedelta(days=5))[0]
        moved = riya.was_moved_by_staff(visit, slot)
        answer = riya.taps(button, on=reminder)
        assert answer.says("utter_visit_changed")
        words = say_moment(moved.starts_at, "en", PUNE)
        assert answer.says("utter_one_visit", visit_words=words)
        now_true = row(riya, visit)
        assert (now_true.status, now_true.starts_at) == ("booked", moved.starts_at)
        assert riya.memory["form"] is None
        # what is shown can be tapped, and is of the visit as it is now
        assert riya.taps("I will come", on=answer).says("utter_attendance_confirmed")
        assert row(riya, visit).status == "confirmed"

    @pytest.mark.parametrize("button", BUTTONS)
    def test_cancelled_since_nothing_comes_back(self, riya: Reader, button: str) -> None:
        visit = in_three_days(riya)
        reminder = is_reminded(riya, visit)
        with riya.clinic.database.transaction() as session:
            cancel(session, visit.appointment_id, None, "staff:x", None, "x", now=now())
        answer = riya.taps(button, on=reminder)
        assert answer.says("utter_visit_over") or answer.says("utter_no_visits")
        assert row(riya, visit).status == "cancelled"
        assert riya.memory["form"] is None

    @pytest.mark.parametrize("button", BUTTONS)
    def test_after_it_has_begun(self, riya: Reader, button: str) -> None:
        visit = in_three_days(riya)
        reminder = is_reminded(riya, visit)
        riya.until(visit.starts_at + MINUTE)
        answer = riya.taps(button, on=reminder)
        assert answer.says("utter_visit_over") or answer.says("utter_no_visits")
        assert row(riya, visit).status == "booked"


class TestSomebodyElse:
    @pytest.mark.parametrize("has_own", [False, True])
    @pytest.mark.parametrize("intent", ["confirm_attendance", "reschedule", "cancel"])
    def test_an_id_of_anothers_visit_is_refused(
        self, post: Post, riya: Reader, intent: str, has_own: bool
    ) -> None:
        visit = in_three_days(riya)
        kavya = somebody(post)
        own = in_three_days(kavya, "Kavya Rao") if has_own else None
        offered(kavya, f'/{intent}{{"appointment": "{visit.appointment_id}:1"}}')
        answer = kavya.taps("Mine")
        assert answer.says("utter_visit_over") or answer.says("utter_no_visits")
        assert "Riya" not in answer
        assert row(riya, visit).status == "booked" and row(riya, visit).version == visit.version
        if own is not None:
            assert row(kavya, own).version == own.version

    def test_anothers_button_is_no_button(self, post: Post, riya: Reader) -> None:
        visit = in_three_days(riya)
        reminder = is_reminded(riya, visit)
        with post.clinic.database.reading() as session:
            wanted = select(Offer.token).where(Offer.message_id.in_(reminder.ids))
            tokens = session.execute(wanted).scalars().all()
        kavya = somebody(post)
        for token in tokens:
            kavya.taps_unknown(token, COME)
        assert row(riya, visit).status == "booked" and row(riya, visit).version == visit.version


class TestOfSeveral:
    def are_reminded(self, riya: Reader) -> List[Visit]:
        """Two children, one after the other: one message for both."""
        first = in_three_days(riya)
        second = in_three_days(riya, "Aarav Sharma")
        assert abs(second.starts_at - first.starts_at) <= HOUR
        read = is_reminded(riya, first)
        assert read.says("visits_reminder") or read.says("utter_reminder_of_several")
        return [first, second]

    def test_i_will_come_means_all_of_them(self, riya: Reader) -> None:
        visits = self.are_reminded(riya)
        riya.taps(COME)
        assert [row(riya, visit).status for visit in visits] == ["confirmed", "confirmed"]

    @pytest.mark.parametrize("button", [MOVE, CANNOT])
    def test_the_others_ask_which(self, riya: Reader, button: str) -> None:
        visits = self.are_reminded(riya)
        asked = riya.taps(button)
        assert asked.says("utter_ask_appointment")
        rows = asked.bubbles[0].choices
        assert [str(one.description).split(",")[0] for one in rows] == [
            "Riya Sharma",
            "Aarav Sharma",
        ]
        assert [row(riya, visit).status for visit in visits] == ["booked", "booked"]


def offered(patient: Patient, payload: str) -> None:
    """A button "Mine" that means this was offered, however that came to be."""
    with patient.clinic.database.transaction() as session:
        bubble = Choices(text="?", choices=[Choice(title="Mine", payload=payload)])
        some_day = now() + timedelta(days=99)
        plan(session, patient.id_in(session), bubble, f"offer:{payload}", due_at=some_day)
