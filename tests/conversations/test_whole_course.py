"""One patient's whole way, from the click on an ad to session 12 of 12, told in three languages.

It is December 2026 in Pune. The clock moves; the worker makes its real passes; the assistant is
the real one. What the patient reads is what the post brought (`tests.conversations.reading`).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest
from ruamel.yaml import YAML
from sqlalchemy import select

from clinic import consent
from clinic.attendance import is_running_late, mark
from clinic.calendar_words import say_day, say_moment, say_time
from clinic.course_plans import Plan, author, deliver
from clinic.courses import balance
from clinic.database import now
from clinic.models import Appointment, Course, Message, Referral
from clinic.texts import domain_texts
from tests.conversations.engine import PUNE, Clinic
from tests.conversations.reading import LANGUAGES, Post, Read, Reader

WORDS = YAML(typ="safe").load(Path(__file__).with_name("whole_course.yml"))
AD = {
    "source_type": "ad",
    "source_id": "120210000000000001",
    "headline": "Back to your game",
    "ctwa_clid": "ARAkLkA8rmlFeiCktEJQ",
}
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# the clinician's own words, which nobody translates
EXPECT = {
    "en": "We meet three times a week and build up slowly.",
    "hi": "हम हफ़्ते में तीन बार मिलेंगे और धीरे-धीरे आगे बढ़ेंगे।",
    "hinglish": "Hum hafte mein teen baar milenge aur dheere-dheere aage badhenge.",
}
WHY = {
    "en": "The last sessions are for running.",
    "hi": "आख़िरी सेशन दौड़ने के लिए हैं।",
    "hinglish": "Aakhri session daudne ke liye hain.",
}


class Story:
    """A patient on a course with Arjun, and those who look after them."""

    def __init__(self, post: Post, language: str) -> None:
        self.post = post
        self.language = language
        self.says: Dict[str, str] = WORDS[language]
        self.riya = Reader(post, language, self.says["name"])

    # what is true

    def at(self, day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
        year = 2026 if month == 12 else 2027
        return datetime(year, month, day, hour, minute, tzinfo=PUNE)

    def words(self, moment: datetime) -> str:
        return say_moment(moment, self.language, PUNE)

    def day(self, moment: datetime) -> str:
        return say_day(moment.astimezone(PUNE).date(), self.language)

    def hour(self, moment: datetime) -> str:
        return say_time(moment.astimezone(PUNE).time(), self.language)

    @property
    def sessions(self) -> List[Any]:
        """Every session of the course that was not cancelled, in order."""
        with self.post.clinic.database.reading() as session:
            rows = session.execute(
                select(Appointment)
                .where(Appointment.course_id.is_not(None), Appointment.status != "cancelled")
                .order_by(Appointment.starts_at)
            ).scalars()
            return list(rows)

    @property
    def next(self) -> Any:
        """The next session that stands."""
        return next(one for one in self.sessions if one.starts_at > now())

    def picks(self, moment: datetime) -> Read:
        """Tap a day, then an hour, on the second page of the list where it is there."""
        shown = self.riya.taps(self.day(moment))
        if self.hour(moment) not in shown.titles:
            self.riya.taps(domain_texts().say("utter_more_row", self.language))
        return self.riya.taps(self.hour(moment))

    # what staff do

    def is_marked(self, visit: Any, status: str) -> None:
        with self.post.clinic.database.transaction() as session:
            mark(session, int(visit.id), status, "staff:asha", now=now())

    # what happens again and again

    def goes_to(self, visit: Any, number: Optional[int] = None) -> Read:
        """Up to the end of a visit that takes place; what came meanwhile."""
        begun = self.riya.until(visit.starts_at + 5 * MINUTE)
        self.is_marked(visit, "arrived")
        self.riya.until(visit.ends_at + MINUTE)
        self.is_marked(visit, "completed")
        if number is not None:
            assert begun.says("utter_reminder_of_course", number=number) or begun.says(
                "course_visit_reminder", number=number
            )
        return begun

    def reminds(self, read: Read, visit: Any, number: int) -> bool:
        """Whether exactly one bubble came, and it reminds of this session."""
        facts = {
            "number": number,
            "total": 12,
            "visit_words": self.words(visit.starts_at),
        }
        free = read.says("utter_reminder_of_course", **facts)
        return len(read) == 1 and (free or read.says("course_visit_reminder", **facts))


@pytest.fixture(params=LANGUAGES)
def story(request: pytest.FixtureRequest, clinic: Clinic) -> Iterator[Story]:
    """A patient who has never written here, in each language."""
    post = Post(clinic)
    yield Story(post, request.param)
    post.close()


def test_from_an_ad_to_session_12_of_12(story: Story) -> None:
    comes_from_an_ad(story)
    books_the_assessment(story)
    is_reminded_of_it_and_comes(story)
    is_given_a_plan(story)
    books_a_row_of_sessions(story)
    comes_to_the_first_sessions(story)
    moves_the_third(story)
    stops_and_starts(story)
    has_pain_and_is_looked_after(story)
    comes_through_the_new_year(story)
    misses_one_and_is_asked_back(story)
    drops_off_and_is_nudged(story)
    finishes(story)


def comes_from_an_ad(story: Story) -> None:
    """Monday 7 December, nine o'clock."""
    riya = story.riya
    answer = riya.sends("text", story.says["enquiry"], referral=AD)
    assert answer.says("utter_ask_category")
    assert answer.says("utter_notice"), "the notice comes with the first answer"
    with story.post.clinic.database.reading() as session:
        kept = session.execute(select(Referral)).scalar_one()
        assert (kept.source_id, kept.headline) == (AD["source_id"], AD["headline"])
        assert not consent.allows(session, riya.id, "care"), "nobody has agreed to anything yet"
    agreed = riya.taps(story.says["care"])
    assert agreed.says("utter_consent_given") and agreed.says("utter_consent_more")
    with story.post.clinic.database.reading() as session:
        assert consent.allows(session, riya.id, "care")
        assert not consent.allows(session, riya.id, "marketing")


def books_the_assessment(story: Story) -> None:
    """What it costs, what it is about, and Wednesday at ten with Arjun."""
    riya, visit_at = story.riya, story.at(9, 10)
    asked = riya.writes(story.says["first_visit"])
    assert "₹800" in asked and asked.says("utter_ask_category"), "the question stays open"
    assert riya.taps(story.says["sports"]).says("utter_ask_day")
    story.picks(visit_at)
    asked = riya.writes(story.says["name"])
    assert asked.says("utter_confirm_booking", visit_words=story.words(visit_at), fee="₹800")
    booked = riya.taps(story.says["yes_book"])
    assert booked.says("utter_booked", visit_words=story.words(visit_at), session_words="")
    (visit,) = riya.visits
    assert (visit.clinician, visit.service) == ("arjun", "assessment")


def is_reminded_of_it_and_comes(story: Story) -> None:
    """The day before as a template, for the window is closed; the hour before as a text."""
    riya = story.riya
    (visit,) = riya.visits
    words = story.words(visit.starts_at)
    assert len(riya.until(visit.starts_at - 24 * HOUR - MINUTE)) == 0
    the_day_before = riya.until(visit.starts_at - 24 * HOUR + MINUTE)
    assert the_day_before.says("visit_reminder", visit_words=words)
    assert the_day_before.kinds == ["template"]
    answer = riya.taps(story.says["come"])
    assert answer.says("utter_attendance_confirmed", visit_words=words)
    assert riya.visits[0].status == "confirmed"
    the_hour_before = riya.until(visit.starts_at - HOUR + MINUTE)
    assert the_hour_before.says("utter_reminder", visit_words=words)
    assert the_hour_before.kinds == ["choices"]
    assert riya.writes(story.says["late"]).says("utter_late_noted", visit_words=words)
    assert len(riya.until(visit.ends_at)) == 0, "nothing after it has begun"
    with story.post.clinic.database.reading() as session:
        row = session.get(Appointment, visit.appointment_id)
        assert is_running_late(row), "the front desk was not told"
    story.is_marked(row, "arrived")
    story.is_marked(row, "completed")


def is_given_a_plan(story: Story) -> None:
    """Arjun writes a plan of twelve sessions in his own words, and it is there to read."""
    riya, language = story.riya, story.language
    with story.post.clinic.database.transaction() as session:
        plan = Plan(
            contact_id=riya.id_in(session),
            patient=story.says["name"],
            clinician="arjun",
            sessions=12,
            per_week=3,
            expect=EXPECT[language],
            why_finish=WHY[language],
            price_paise=600_000,
            pricing="package",
            expires_on=date(2027, 2, 15),
            authored_by="arjun",
        )
        course = author(session, plan, now())
        assert deliver(session, course, domain_texts(), now()) is not None
    read = riya.fresh()
    assert read.says("utter_course_plan", patient=story.says["name"], total=12)
    assert read.says("utter_course_expect", expect=EXPECT[language])
    assert read.says("utter_course_why_finish", why_finish=WHY[language])
    assert read.says("utter_course_price_package", price="₹6,000")


def books_a_row_of_sessions(story: Story) -> None:
    """Mon, Wed, Fri at six for four weeks: all but the public holiday."""
    riya = story.riya
    asked = riya.writes(story.says["row"])
    assert asked.says("utter_confirm_series", count=11)
    christmas = story.words(story.at(25, 18))
    assert asked.says("utter_word_series_none", wished=f"• {christmas}") or christmas in asked
    booked = riya.taps(story.says["yes_them"])
    assert booked.says("utter_series_booked", total=12, left=1)
    assert len(story.sessions) == 11
    assert {one.starts_at.astimezone(PUNE).time() for one in story.sessions} == {time(18)}


def comes_to_the_first_sessions(story: Story) -> None:
    """Wednesday and Friday: booked at noon, so the first has its hour before alone."""
    riya = story.riya
    first, second, *_ = story.sessions
    assert story.reminds(riya.until(first.starts_at - HOUR + MINUTE), first, 1)
    story.goes_to(first)
    assert story.reminds(riya.until(second.starts_at - 24 * HOUR + MINUTE), second, 2)
    assert riya.taps(story.says["come"]).says("utter_attendance_confirmed")
    assert story.reminds(riya.until(second.starts_at - HOUR + MINUTE), second, 2)
    story.goes_to(second)


def moves_the_third(story: Story) -> None:
    """Monday becomes Tuesday by the reminder's button; nothing speaks of Monday any more."""
    riya = story.riya
    third = story.next
    old, new = third.starts_at, third.starts_at + 24 * HOUR
    reminder = riya.until(old - 24 * HOUR + MINUTE)
    assert story.reminds(reminder, third, 3)
    assert riya.taps(story.says["another_time"]).says("utter_ask_day")
    story.picks(new)
    moved = riya.taps(story.says["yes_move"])
    assert moved.says("utter_moved", visit_words=story.words(new))
    stale = riya.taps(story.says["come"], on=reminder)
    assert stale.says("utter_visit_changed"), "yesterday's button explains what is true now"
    assert stale.says("utter_one_visit", visit_words=story.words(new))
    read = riya.until(new - HOUR + MINUTE)
    assert [story.words(old) in read, story.words(new) in read] == [False, True]
    story.goes_to(story.next)


def stops_and_starts(story: Story) -> None:
    """STOP: no reminder of the fourth; START: the fifth is announced again."""
    riya = story.riya
    assert riya.writes(story.says["stop"]).says("utter_opted_out")
    fourth = story.next
    assert len(riya.until(fourth.ends_at)) == 0, "not a word to one who said stop"
    story.is_marked(fourth, "completed")
    assert riya.writes(story.says["start"]).says("utter_opted_in")
    fifth = story.next
    read = riya.until(fifth.starts_at - HOUR + MINUTE)
    assert len(read) == 2 and story.words(fifth.starts_at) in read
    story.goes_to(fifth)


def has_pain_and_is_looked_after(story: Story) -> None:
    """A person answers; the bot is mute, and yet the next session is announced."""
    riya = story.riya
    handed_over = riya.writes(story.says["pain"])
    assert handed_over.says("utter_handoff_clinical") or handed_over.says(
        "utter_handoff_clinical_closed"
    )
    assert riya.handoff is not None and riya.handoff.reason in ("clinical", "red_flag")
    assert len(riya.writes(story.says["while_away"])) == 0, "a person has this conversation"
    sixth = story.next
    assert story.reminds(riya.until(sixth.starts_at - 24 * HOUR + MINUTE), sixth, 6)
    assert story.reminds(riya.until(sixth.starts_at - HOUR + MINUTE), sixth, 6)
    riya.is_handed_back()
    story.goes_to(sixth)
    answer = riya.writes(story.says["left"])
    assert answer.says("utter_my_plan", completed=6, total=12, booked=5, left=1)


def comes_through_the_new_year(story: Story) -> None:
    """Sessions seven to ten, each announced twice, and nothing else."""
    for number in range(7, 11):
        visit = story.next
        read = story.riya.until(visit.starts_at + MINUTE)
        assert len(read) == 2, f"session {number}: {read}"
        story.goes_to(visit)
    done = [one for one in story.sessions if one.status == "completed"]
    assert len(done) == 10


def misses_one_and_is_asked_back(story: Story) -> None:
    """The eleventh is missed; two hours later comes one kind offer, and a new time is booked."""
    riya = story.riya
    missed = story.next
    riya.until(missed.ends_at + MINUTE)
    story.is_marked(missed, "no_show")
    assert len(riya.until(now() + timedelta(minutes=110))) == 0
    offer = riya.until(now() + timedelta(minutes=15))
    assert offer.says("missed_visit", visit_words=story.words(missed.starts_at))
    day = riya.taps(story.says["book_session"])
    again = story.at(6, 17, month=1)
    assert books(story, day, again).says("utter_booked", visit_words=story.words(again))
    read = riya.until(again - HOUR + MINUTE)
    assert story.words(again) in read and story.words(missed.starts_at) not in read
    story.goes_to(story.next)
    with story.post.clinic.database.reading() as session:
        found = balance(session, int(missed.course_id))
    assert (found.completed, found.no_show, found.left_to_book) == (11, 1, 1)


def drops_off_and_is_nudged(story: Story) -> None:
    """Five days without a next session: one nudge, in Arjun's words; its free time is booked."""
    riya = story.riya
    last = story.sessions[-1]
    assert len(riya.until(last.ends_at + timedelta(days=5) - HOUR)) == 0
    # who wrote lately reads it as a text with free times to tap
    riya.writes(story.says["left"])
    nudge = riya.until(last.ends_at + timedelta(days=5, hours=2))
    assert nudge.says("utter_course_nudge", left=1, total=12, why=WHY[story.language])
    free = nudge.bubbles[-1].choices[0].title
    assert riya.taps(free).says("utter_ask_category")
    asked = riya.taps(story.says["sports"])
    assert asked.says("utter_confirm_booking"), "the time that was tapped is kept"
    booked = riya.taps(story.says["yes_book"])
    assert booked.says("utter_booked")
    assert len([one for one in story.sessions if one.status == "booked"]) == 1


def finishes(story: Story) -> None:
    """Session 12 of 12; then nothing more is asked of anybody."""
    riya = story.riya
    twelfth = story.next
    read = riya.until(twelfth.starts_at - HOUR + MINUTE)
    assert read.says("utter_reminder_of_course", number=12, total=12) or read.says(
        "course_visit_reminder", number=12, total=12
    )
    story.goes_to(twelfth)
    with story.post.clinic.database.reading() as session:
        course = session.get(Course, int(twelfth.course_id))
        assert course.status == "finished"
    answer = riya.writes(story.says["left"])
    assert answer.says("utter_my_plan", completed=12, total=12, booked=0, left=0)
    assert riya.writes(story.says["row"]).says("utter_plan_all_booked", total=12)
    assert len(riya.until(now() + timedelta(days=20))) == 0
    with story.post.clinic.database.reading() as session:
        hanging = select(Message.cause).where(
            Message.direction == "out", Message.state.in_(("planned", "claimed", "sending"))
        )
        assert session.execute(hanging).all() == [], "every row ended, each with its reason"


def books(story: Story, asked: Read, moment: datetime) -> Read:
    """From whatever a nudge's button asks to the booking of that very time."""
    riya = story.riya
    if asked.says("utter_ask_category"):
        asked = riya.taps(story.says["sports"])
    story.picks(moment)
    return riya.taps(story.says["yes_book"])
