"""Writing a plan down, and giving it to the patient."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any, Callable

import pytest
from sqlalchemy import select

from clinic.bubbles import bubble_from_json
from clinic.course_plans import Plan, PlanRefused, author, deliver
from clinic.courses import stop_course
from clinic.database import Database
from clinic.models import Contact, Course, Message, Offer
from tests.at_the_clinic import domain_texts

Ids = Callable[[int], int]


@pytest.fixture
def written(patient: Ids) -> Plan:
    return Plan(
        contact_id=patient(1),
        patient="Meena Joshi",
        clinician="asha",
        sessions=12,
        authored_by="asha",
        per_week=3,
        expect="You learn the movements, then do them with less help.",
        why_finish="The last sessions are for stairs and long walks.",
        price_paise=640_000,
        pricing="package",
        expires_on=date(2027, 1, 15),
    )


def wrote_at(db: Database, contact: int, moment: datetime, language: str = "en") -> None:
    with db.transaction() as session:
        row = session.get(Contact, contact)
        row.last_inbound_at, row.language = moment, language


def test_a_plan_is_kept_with_the_clinicians_words(
    clinic: Database, written: Plan, now: datetime
) -> None:
    with clinic.transaction() as session:
        number = author(session, written, now)
    with clinic.reading() as session:
        course = session.get(Course, number)
        assert (course.sessions, course.per_week, course.service.code) == (12, 3, "session")
        assert (course.expect, course.authored_by, course.authored_at) == (
            written.expect,
            "asha",
            now,
        )
        stored = session.connection().exec_driver_sql("SELECT expect, why_finish FROM courses")
        assert b"movements" not in bytes(stored.one()[0])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sessions": 0}, "A course has 1 to 60 sessions, not 0."),
        ({"sessions": 61}, "A course has 1 to 60 sessions, not 61."),
        ({"per_week": 8}, "A week has 1 to 7 sessions, not 8."),
        ({"clinician": "nobody"}, "'nobody' is no clinician here; there are asha, ravi."),
        ({"service": "spa"}, "'spa' is no service of the clinic; it has assessment, session."),
        ({"clinician": "ravi", "service": "assessment"}, "'ravi' does not offer 'assessment'."),
        ({"patient": " "}, "The plan needs the patient's name."),
        ({"authored_by": ""}, "The plan needs the name of whoever writes it."),
        ({"pricing": None}, "A price goes with how it is meant: for the package, or for each "),
        ({"pricing": "hour"}, "A price is for the 'package' or for each 'session'."),
        ({"price_paise": -1}, "A price lies between ₹0 and ₹5,00,000."),
        ({"expires_on": date(2026, 11, 23)}, "The course would end on 2026-11-23, which is not"),
        ({"expires_on": date(2026, 12, 10)}, "12 sessions at 3 a week do not fit before 2026-12"),
        ({"expect": "  "}, "'expect' is empty: leave it out, or write something."),
        ({"expect": "x" * 351}, "'expect' has 351 characters; at most 350 fit."),
        ({"why_finish": "Guaranteed!"}, "'why-finish' says 'guaranteed': no text may promise"),
        ({"why_finish": "दर्द जड़ से ख़त्म"}, "'why-finish' says 'जड़ से ख़त्म': no text may promise"),
        ({"contact_id": 9_999}, "There is no such contact."),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_plain_sentences(
    clinic: Database, written: Plan, now: datetime, change: Any, sentence: str
) -> None:
    with clinic.transaction() as session:
        with pytest.raises(PlanRefused) as refused:
            author(session, replace(written, **change), now)
        assert session.execute(select(Course.id)).all() == []
    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith(sentence)


def test_words_that_only_look_like_a_promise(
    clinic: Database, written: Plan, now: datetime
) -> None:
    with clinic.transaction() as session:
        author(session, replace(written, expect="A secure grip; procured bands."), now)


@pytest.mark.parametrize(
    ("language", "begins", "title"),
    [
        ("en", "Meena Joshi, your plan from Asha Rao: 12 sessions", "Book my sessions"),
        ("hi", "Meena Joshi, आशा राव की ओर से आपका प्लान: 12 सेशन", "सेशन बुक करें"),
        ("hinglish", "Meena Joshi, Asha Rao ki taraf se aapka plan: 12", "Session book karein"),
    ],
)
def test_the_patient_reads_the_plan_and_can_book(
    clinic: Database, written: Plan, now: datetime, language: str, begins: str, title: str
) -> None:
    wrote_at(clinic, written.contact_id, now, language)
    with clinic.transaction() as session:
        number = author(session, written, now)
        assert deliver(session, number, domain_texts(), now) is not None
        # once
        assert deliver(session, number, domain_texts(), now) is None
    with clinic.reading() as session:
        message = session.execute(select(Message)).scalar_one()
        bubble = bubble_from_json(message.content)
        offers = session.execute(select(Offer).order_by(Offer.id)).scalars().all()
        assert session.get(Course, number).delivered_at == now
    assert (message.cause, message.purpose) == (f"course:{number}:plan", "care")
    assert bubble.text.startswith(begins)
    for words in (written.expect, written.why_finish, "₹6,400"):
        assert words in bubble.text
    assert len(bubble.text) <= 1024
    assert offers[0].title == title
    assert offers[0].payload == f'/book_series{{"course": "{number}"}}'


def test_a_plan_without_extras_says_only_what_there_is(
    clinic: Database, written: Plan, now: datetime
) -> None:
    wrote_at(clinic, written.contact_id, now)
    bare = Plan(written.contact_id, "Meena Joshi", "asha", 5, "asha")
    with clinic.transaction() as session:
        deliver(session, author(session, bare, now), domain_texts(), now)
        assert session.execute(select(Message.text)).scalar_one() == (
            "Meena Joshi, your plan from Asha Rao: 5 sessions (Session)."
        )


def test_a_plan_that_did_not_go_is_sent_anew(
    clinic: Database, written: Plan, now: datetime
) -> None:
    wrote_at(clinic, written.contact_id, now)
    with clinic.transaction() as session:
        number = author(session, written, now)
        first = deliver(session, number, domain_texts(), now)
        session.get(Message, first).state = "failed"
        session.flush()
        second = deliver(session, number, domain_texts(), now)
        assert second not in (None, first)
        assert deliver(session, number, domain_texts(), now) is None


def test_a_plan_is_not_delivered_into_the_void(
    clinic: Database, written: Plan, now: datetime
) -> None:
    with clinic.transaction() as session:
        number = author(session, written, now)
        with pytest.raises(PlanRefused, match="within 24 hours"):
            deliver(session, number, domain_texts(), now)
    wrote_at(clinic, written.contact_id, now)
    with clinic.transaction() as session:
        session.get(Contact, written.contact_id).opted_out_at = now
        with pytest.raises(PlanRefused, match="asked for no messages"):
            deliver(session, number, domain_texts(), now)
        stop_course(session, number)
        with pytest.raises(PlanRefused, match="only an active one"):
            deliver(session, number, domain_texts(), now)
