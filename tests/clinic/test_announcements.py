"""What the clinic tells outside the 24-hour window: by template, and only while it is true."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Callable, Dict, List

import pytest
from sqlalchemy import select

from channels.whatsapp.render import Recipient, render
from clinic.absence import add_closure, add_leave, announce_closure, announce_leave, remove_leave
from clinic.bubbles import Choices, Template
from clinic.course_plans import Plan, PlanRefused, author, deliver
from clinic.courses import stop_course
from clinic.database import Database
from clinic.handoffs import open_handoff
from clinic.models import Announcement, Contact, Message, Offer
from clinic.profile import Profile, Reminders
from clinic.scheduling.booking import book, reschedule
from clinic.scheduling.grid import Slot
from clinic.setup import write_profile
from clinic.texts import domain_texts
from clinic.waitlist import Wanted, accept, decline, join
from tests.clinic.waiting import rounds
from tests.reminding import approve_templates, send_due, why, wrote

SlotAt = Callable[..., Slot]
Ids = Callable[[int], int]
Local = Callable[..., datetime]
LANGUAGES = ("en", "hi", "hinglish")


@pytest.fixture
def long_ago(now: datetime) -> datetime:
    """When a patient wrote last, whom only a template reaches now."""
    return now - timedelta(days=3)


def payloads(db: Database, contact: int) -> List[str]:
    """What the buttons mean that were offered to a contact, in order."""
    with db.reading() as session:
        rows = session.execute(
            select(Offer.payload).where(Offer.contact_id == contact).order_by(Offer.id)
        )
        return [str(row[0]) for row in rows]


def the_template(sent: List[Any], name: str) -> Template:
    """The one template that went, which WhatsApp's own limits let through."""
    (bubble,) = sent
    assert isinstance(bubble, Template) and bubble.name.startswith(name)
    render(bubble, Recipient("+919000001001"), "m1")
    assert len(bubble.text) <= 1024 and "{" not in bubble.text
    return bubble


def waits(db: Database, contact: int, now: datetime) -> None:
    wednesday = date(2026, 11, 25)
    with db.transaction() as session:
        join(session, contact, Wanted("session", wednesday, wednesday), now)


def plan_of(contact: int, **changes: Any) -> Plan:
    longest = "We begin with gentle movements and add a little every week. " * 6
    values: Dict[str, Any] = {
        "per_week": 3,
        "expect": longest[:350].strip(),
        "why_finish": longest[:350].strip(),
        "price_paise": 640_000,
        "pricing": "package",
        "expires_on": date(2027, 1, 15),
        **changes,
    }
    return Plan(contact, "Meena Joshi", "asha", 12, "asha", **values)


# --- a freed slot ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_freed_slot_is_offered_by_template_and_its_buttons_answer(
    clinic: Database, patient: Ids, now: datetime, long_ago: datetime, language: str
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago, language)
    waits(clinic, patient(1), now)
    (offer,) = rounds(clinic, now)
    bubble = the_template(send_due(clinic, now), "waitlist_offer")
    assert len(bubble.buttons) == 3
    assert payloads(clinic, patient(1)) == [
        f'/accept_offer{{"offer": "{offer}"}}',
        f'/decline_offer{{"offer": "{offer}"}}',
        "/leave_waitlist",
    ]
    with clinic.transaction() as session:
        assert accept(session, offer, patient(1), "tap", now).status == "booked"


def test_without_a_template_nobody_is_asked_who_cannot_read_it(
    clinic: Database, patient: Ids, now: datetime, long_ago: datetime
) -> None:
    approve_templates(clinic, status="PENDING")
    wrote(clinic, patient(1), long_ago)
    waits(clinic, patient(1), now)
    assert rounds(clinic, now) == []
    approve_templates(clinic)
    assert len(rounds(clinic, now)) == 1


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        ("declined", "cancelled: offer over"),
        ("handoff", "skipped: open handoff"),
        ("no template", "skipped: no approved template"),
        ("late", "skipped: too late"),
    ],
)
def test_an_offer_that_is_no_longer_so_does_not_go(
    clinic: Database, patient: Ids, now: datetime, long_ago: datetime, meanwhile: str, reason: str
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago)
    waits(clinic, patient(1), now)
    (offer,) = rounds(clinic, now)
    moment = now
    if meanwhile == "declined":
        with clinic.transaction() as session:
            decline(session, offer, patient(1), now)
    elif meanwhile == "handoff":
        with clinic.transaction() as session:
            open_handoff(session, patient(1), "request", opened_by="message:1")
    elif meanwhile == "no template":
        approve_templates(clinic, status="PAUSED")
    else:
        moment = now + timedelta(minutes=31)
    assert send_due(clinic, moment) == []
    assert why(clinic, f"waitlist:{offer}") == reason


def test_the_window_that_closes_before_it_goes_makes_it_a_template(
    clinic: Database, patient: Ids, now: datetime
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), now - timedelta(hours=23, minutes=50))
    waits(clinic, patient(1), now)
    rounds(clinic, now)
    the_template(send_due(clinic, now + timedelta(minutes=15)), "waitlist_offer")


def test_within_the_window_it_goes_as_it_was_written(
    clinic: Database, patient: Ids, now: datetime
) -> None:
    wrote(clinic, patient(1), now)
    waits(clinic, patient(1), now)
    rounds(clinic, now)
    (bubble,) = send_due(clinic, now)
    assert isinstance(bubble, Choices) and "has become free" in bubble.text
    assert len(payloads(clinic, patient(1))) == 3, "its buttons were offered once"


# --- a plan ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plan_is_delivered_by_template_with_the_clinicians_words(
    clinic: Database, patient: Ids, now: datetime, long_ago: datetime, language: str
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago, language)
    written = plan_of(patient(1))
    with clinic.transaction() as session:
        number = author(session, written, now)
        assert deliver(session, number, domain_texts(), now) is not None
        assert deliver(session, number, domain_texts(), now) is None
    bubble = the_template(send_due(clinic, now), "course_plan")
    for words in (str(written.expect), str(written.why_finish), "₹6,400", "Meena Joshi", "12"):
        assert words in bubble.text
    assert "\n" not in bubble.text
    assert payloads(clinic, patient(1)) == [f'/book_series{{"course": "{number}"}}', "/my_plan"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bare_plan_fills_the_template_too(
    clinic: Database, patient: Ids, now: datetime, long_ago: datetime, language: str
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago, language)
    with clinic.transaction() as session:
        number = author(session, Plan(patient(1), "Meena Joshi", "asha", 5, "asha"), now)
        deliver(session, number, domain_texts(), now)
    the_template(send_due(clinic, now), "course_plan")


def test_a_plan_of_a_course_stopped_meanwhile_does_not_go(
    clinic: Database, patient: Ids, now: datetime, long_ago: datetime
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago)
    with clinic.transaction() as session:
        number = author(session, plan_of(patient(1)), now)
        deliver(session, number, domain_texts(), now)
        stop_course(session, number)
    assert send_due(clinic, now) == []
    assert why(clinic, f"course:{number}:plan") == "cancelled: course over"


def test_a_plan_sent_at_night_waits_for_the_morning(
    clinic: Database, patient: Ids, local: Local, long_ago: datetime
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago)
    with clinic.transaction() as session:
        number = author(session, plan_of(patient(1)), local(23, 22))
        deliver(session, number, domain_texts(), local(23, 22))
    assert send_due(clinic, local(23, 22)) == []
    assert why(clinic, f"course:{number}:plan") == "planned: quiet hours"
    the_template(send_due(clinic, local(24, 9)), "course_plan")


def test_a_number_that_whatsapp_cannot_reach_gets_no_plan(
    clinic: Database, patient: Ids, now: datetime
) -> None:
    with clinic.transaction() as session:
        session.get(Contact, patient(1)).unreachable_at = now
        number = author(session, plan_of(patient(1)), now)
        with pytest.raises(PlanRefused, match="cannot reach this number"):
            deliver(session, number, domain_texts(), now)


# --- a leave, a closure ---


@pytest.fixture
def leave(
    clinic: Database, patient: Ids, slot_at: SlotAt, local: Local, now: datetime, long_ago: datetime
) -> Dict[str, Any]:
    """Patient 1 is booked on Wednesday at nine with asha, whose leave is announced."""
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago)
    with clinic.transaction() as session:
        visit = book(session, slot_at(25, time(9)), patient(1), "X", "v", now=now)
        number, _ = add_leave(session, "asha", local(25, 0), local(26, 0), now)
        done = announce_leave(session, number, "staff:meera", domain_texts(), now)
        assert done.by_phone == [] and len(done.message_ids) == 1
        again = announce_leave(session, number, "staff:meera", domain_texts(), now)
        assert again.message_ids == []
        cause = session.get(Message, done.message_ids[0]).cause
    return {"number": number, "visit": visit, "cause": cause}


def test_a_leave_is_told_by_template_with_times_near(
    clinic: Database, patient: Ids, leave: Dict[str, Any], now: datetime
) -> None:
    bubble = the_template(send_due(clinic, now), "visit_leave")
    assert "Asha Rao is not there on Wed 25 Nov, 9:00 am" in bubble.text
    assert "Free times near it: Wed 25 Nov," in bubble.text
    key = f"{leave['visit'].appointment_id}:{leave['visit'].version}"
    assert payloads(clinic, patient(1)) == [
        f'/reschedule{{"appointment": "{key}"}}',
        f'/cancel{{"appointment": "{key}"}}',
    ]
    with clinic.reading() as session:
        assert session.execute(select(Message.author).where(
            Message.id == select(Announcement.message_id).scalar_subquery()
        )).scalar_one() == "staff:meera"  # fmt: skip


def test_whom_the_message_did_not_reach_is_telephoned(
    clinic: Database, leave: Dict[str, Any], now: datetime
) -> None:
    approve_templates(clinic, status="PAUSED")
    assert send_due(clinic, now) == []
    approve_templates(clinic)
    with clinic.transaction() as session:
        again = announce_leave(session, leave["number"], "staff:meera", domain_texts(), now)
    assert again.message_ids == []
    assert [one.appointment_id for one in again.by_phone] == [leave["visit"].appointment_id]


def test_nobody_is_told_of_a_leave_taken_back(
    clinic: Database, leave: Dict[str, Any], now: datetime
) -> None:
    with clinic.transaction() as session:
        remove_leave(session, leave["number"])
    assert send_due(clinic, now) == []
    assert why(clinic, leave["cause"]) == "cancelled: visit can take place"


def test_nobody_is_told_who_has_moved_meanwhile(
    clinic: Database, patient: Ids, slot_at: SlotAt, leave: Dict[str, Any], now: datetime
) -> None:
    with clinic.transaction() as session:
        ident = leave["visit"].appointment_id
        reschedule(session, ident, patient(1), slot_at(30, time(9)), "m", now=now)
    assert send_due(clinic, now) == []
    assert why(clinic, leave["cause"]) == "cancelled: visit moved"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_closure_is_told_by_template(
    clinic: Database,
    patient: Ids,
    slot_at: SlotAt,
    now: datetime,
    long_ago: datetime,
    language: str,
) -> None:
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago, language)
    wednesday = date(2026, 11, 25)
    with clinic.transaction() as session:
        book(session, slot_at(25, time(9)), patient(1), "X", "v", now=now)
        add_closure(session, wednesday, None, now)
        announce_closure(session, wednesday, "staff:meera", domain_texts(), now)
    assert len(the_template(send_due(clinic, now), "visit_closure").buttons) == 2


@pytest.mark.parametrize(("quiet_until", "by_phone"), [("08:00", 0), ("10:00", 1)])
def test_who_could_read_it_only_after_the_visit_is_telephoned(
    clinic: Database,
    small_profile: Profile,
    patient: Ids,
    slot_at: SlotAt,
    local: Local,
    long_ago: datetime,
    quiet_until: str,
    by_phone: int,
) -> None:
    rules = Reminders.parse_obj({"quiet_until": quiet_until})
    write_profile(clinic, small_profile.copy(update={"reminders": rules}))
    approve_templates(clinic)
    wrote(clinic, patient(1), long_ago)
    night = local(25, 6)
    with clinic.transaction() as session:
        book(session, slot_at(25, time(9)), patient(1), "X", "v", now=local(23, 8))
        number, _ = add_leave(session, "asha", local(25, 0), local(26, 0), night)
        done = announce_leave(session, number, "staff:meera", domain_texts(), night)
    assert (len(done.by_phone), len(done.message_ids)) == (by_phone, 1 - by_phone)
