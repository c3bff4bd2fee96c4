"""The notice and its buttons: each purpose by itself, in two taps or fewer, in three languages."""

from __future__ import annotations

from typing import Dict, List

import pytest

from clinic import consent
from clinic.bubbles import Choice, Choices
from clinic.guardians import guardian_of, hear_age
from clinic.inbound import remember_language
from clinic.models.consent import PURPOSES
from clinic.outbox import plan
from tests.conversations.chat import Patient, Reply

LANGUAGES = ("en", "hi", "hinglish")


def speaks(patient: Patient, language: str) -> None:
    with patient.clinic.database.transaction() as session:
        remember_language(session, patient.id_in(session), language, chosen=True)


def on(patient: Patient) -> List[str]:
    with patient.clinic.database.reading() as session:
        return [one for one in PURPOSES if consent.allows(session, patient.id, one)]


def decisions(patient: Patient) -> List[Dict[str, object]]:
    with patient.clinic.database.reading() as session:
        rows = consent.history(session, patient.id)
        return [
            {"purpose": r.purpose, "granted": r.granted, "how": r.how, "language": r.language}
            for r in rows
        ]


def offered(patient: Patient, payload: str) -> str:
    """The clinic offers a button that means this; its title."""
    with patient.clinic.database.transaction() as session:
        bubble = Choices(text="?", choices=[Choice(title=payload[:20], payload=payload)])
        plan(session, patient.id_in(session), bubble, f"offer:{payload}:{patient.phone}")
    patient.fresh()
    return payload[:20]


class TestNotice:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_it_follows_the_first_answer(self, riya: Patient, language: str) -> None:
        speaks(riya, language)
        answer = riya.sends("welcome")
        assert len(answer) == 1 and "2026-11" not in answer
        assert len(riya.notices) == 1 and "2026-11" in riya.notices
        assert len(riya.notices.titles) == 3
        riya.sends("welcome")
        assert len(riya.notices) == 1

    @pytest.mark.parametrize(
        ("language", "yes", "thanks"),
        [
            ("en", "Yes, care", "Care messages"),
            ("hi", "हाँ, देखभाल", "देखभाल के संदेश"),
            ("hinglish", "Haan, care", "Care messages"),
        ],
    )
    def test_care_takes_one_tap_and_brings_nothing_else(
        self, riya: Patient, language: str, yes: str, thanks: str
    ) -> None:
        speaks(riya, language)
        riya.sends("welcome")
        answer = riya.taps(yes)
        assert thanks in answer
        assert on(riya) == ["care"]
        assert decisions(riya) == [
            {"purpose": "care", "granted": True, "how": "button", "language": language}
        ]
        assert len(answer.titles) == 3, "the others are offered, each apart"

    @pytest.mark.parametrize(
        ("row", "purpose"),
        [
            ("Care messages", "care"),
            ("Exercise reminders", "exercises"),
            ("Follow-up", "follow_up"),
            ("Offers and news", "marketing"),
        ],
    )
    def test_any_purpose_alone_takes_two_taps(self, riya: Patient, row: str, purpose: str) -> None:
        riya.sends("welcome")
        assert len(riya.taps("Choose each").titles) == 4
        riya.taps(row)
        assert on(riya) == [purpose]

    def test_one_after_the_other_until_all_are_decided(self, riya: Patient) -> None:
        riya.sends("welcome")
        riya.taps("Yes, care")
        riya.taps("Exercise")
        assert riya.taps("Follow-up").titles == ["Offers and news"]
        assert riya.taps("Offers").titles == []
        assert on(riya) == list(PURPOSES)

    @pytest.mark.parametrize("no", ["No, thank you"])
    def test_no_turns_nothing_on_and_is_kept(self, riya: Patient, no: str) -> None:
        riya.sends("welcome")
        assert "still answer" in riya.taps(no)
        assert on(riya) == []
        assert {row["granted"] for row in decisions(riya)} == {False}
        assert riya.contact.opted_out_at is None

    def test_a_second_thought_counts(self, riya: Patient) -> None:
        riya.sends("welcome")
        riya.taps("No, thank you")
        riya.taps("Yes, care")
        assert on(riya) == ["care"]
        shown = riya.taps("Choose each")
        riya.taps("Care messages", on=shown)
        assert on(riya) == []

    def test_a_tap_repeated_after_a_crash_is_one_decision(self, riya: Patient) -> None:
        from sqlalchemy.exc import OperationalError

        riya.sends("welcome")
        riya.has_tapped("Yes, care")
        with riya.clinic.crash_before_commit(), pytest.raises(OperationalError):
            riya.clinic.answer(riya.id)
        assert "Turned on: Care messages" in riya._answered()
        assert len(decisions(riya)) == 1

    def test_the_same_tap_again_changes_nothing(self, riya: Patient) -> None:
        riya.sends("welcome")
        riya.taps("Yes, care")
        assert "already been used" in riya.taps("Yes, care", on=riya.notices)
        assert len(decisions(riya)) == 1


class TestInABooking:
    def test_the_question_that_is_open_stays_open(self, riya: Patient) -> None:
        asked = riya.taps(offered(riya, "/book"))
        assert "What is the visit about?" in asked
        answer = riya.taps("Yes, care")
        assert on(riya) == ["care"]
        assert "Turned on" in answer and "What is the visit about?" in answer
        assert {"Exercise reminders", "Knee or hip"} <= set(answer.titles)
        assert "Which day suits you?" in riya.taps("Knee")

    def test_the_choices_can_be_seen_in_the_midst_of_it(self, riya: Patient) -> None:
        riya.taps(offered(riya, "/book"))
        answer = riya.taps("Choose each")
        assert {"Care messages", "Offers and news", "Knee or hip"} <= set(answer.titles)


class TestStopAndStart:
    def has_agreed(self, riya: Patient) -> None:
        riya.sends("welcome")
        riya.taps("Yes, care")

    @pytest.mark.parametrize(
        ("language", "typed", "said"),
        [
            ("en", "STOP", "withdrawn every consent"),
            ("hi", "बंद", "सहमतियाँ वापस"),
            ("hinglish", "band karo", "consents wapas"),
        ],
    )
    def test_stop_ends_everything_and_says_so(
        self, riya: Patient, language: str, typed: str, said: str
    ) -> None:
        self.has_agreed(riya)
        speaks(riya, language)
        assert said in riya.writes(typed)
        assert on(riya) == [] and riya.contact.opted_out_at is not None
        assert len(riya.sends("welcome")) == 1, "what is asked is still answered"

    @pytest.mark.parametrize(
        ("typed", "said"), [("बंद", "सहमतियाँ वापस"), ("band karo", "consents wapas")]
    )
    def test_stop_is_answered_in_its_own_language(
        self, riya: Patient, typed: str, said: str
    ) -> None:
        assert said in riya.writes(typed)

    def test_start_brings_back_what_was_on(self, riya: Patient) -> None:
        self.has_agreed(riya)
        riya.writes("STOP")
        answer = riya.writes("START")
        assert "Turned on again: Care messages." in answer
        assert on(riya) == ["care"]

    def test_start_without_an_earlier_yes_asks_for_what(self, riya: Patient) -> None:
        riya.writes("STOP")
        assert len(riya.writes("START").titles) == 4
        assert on(riya) == [] and riya.contact.opted_out_at is None

    def test_stop_as_the_first_word_brings_no_notice(self, riya: Patient) -> None:
        riya.writes("STOP")
        assert len(riya.notices) == 0


class TestMyData:
    @pytest.mark.parametrize(
        ("language", "yes", "no"),
        [("en", "yes, since Mon 7 Dec", "no"), ("hi", "हाँ", "नहीं"), ("hinglish", "haan", "nahi")],
    )
    def test_it_says_what_was_agreed_and_where_to_turn(
        self, riya: Patient, language: str, yes: str, no: str
    ) -> None:
        riya.sends("welcome")
        riya.taps("Yes, care")
        speaks(riya, language)
        answer = riya.writes("data")
        assert yes in answer and no in answer
        assert "privacy@tarang-physio.example" in answer and "2026-11" in answer
        assert len(answer.titles) == 3

    def test_all_can_be_stopped_there(self, riya: Patient) -> None:
        riya.sends("welcome")
        riya.taps("Yes, care")
        riya.writes("data")
        riya.taps("Stop all messages")
        assert on(riya) == []


class TestGuardian:
    def is_asked(self, riya: Patient) -> Reply:
        riya.sends("welcome")
        riya.taps("Yes, care")
        riya.writes("parking, for my son who is 9 years old")
        return riya.notices

    def agrees(self, riya: Patient) -> Reply:
        riya.taps("I am the guardian")
        riya.writes("Sunita Verma")
        riya.taps("Mother")
        return riya.taps("Yes, I agree")

    def test_an_age_under_eighteen_asks_once_who_decides(self, riya: Patient) -> None:
        assert "under 18" in self.is_asked(riya)
        assert on(riya) == []
        riya.writes("parking, my son is 9 years old")
        assert len(riya.notices) == 2

    def test_name_relation_and_consent_are_kept_for_staff_to_confirm(self, riya: Patient) -> None:
        self.is_asked(riya)
        assert "What is your name" in riya.taps("I am the guardian")
        assert "How are you related" in riya.writes("my name is Sunita Verma")
        assert "Do you agree" in riya.taps("Mother")
        assert "confirm it with you at the first visit" in riya.taps("Yes, I agree")
        assert on(riya) == ["care"]
        with riya.clinic.database.reading() as session:
            row = guardian_of(session, riya.id)
        assert (row.name, row.relation, row.state) == ("Sunita Verma", "mother", "agreed")
        assert row.wamid and row.confirmed_at is None
        assert riya.memory["form"] is None
        assert not {"guardian_name", "guardian_relation"} & set(riya.memory)

    def test_a_minor_is_never_offered_marketing(self, riya: Patient) -> None:
        self.is_asked(riya)
        self.agrees(riya)
        assert "Offers and news" not in riya.taps(offered(riya, "/consent_choose")).titles
        riya.taps(offered(riya, '/consent_give{"purpose": "marketing"}'))
        assert "marketing" not in on(riya)

    def test_a_guardian_may_decline(self, riya: Patient) -> None:
        self.is_asked(riya)
        riya.taps("I am the guardian")
        riya.writes("Sunita Verma")
        riya.taps("Mother")
        assert "nothing of our own" in riya.taps("No")
        assert on(riya) == []

    def test_a_grown_up_says_so(self, riya: Patient) -> None:
        self.is_asked(riya)
        assert "noted" in riya.taps("Patient is 18+")
        assert on(riya) == ["care"]

    def test_relation_can_be_typed(self, riya: Patient) -> None:
        self.is_asked(riya)
        riya.taps("I am the guardian")
        riya.writes("Sunita Verma")
        assert "Do you agree" in riya.writes("mother")

    def test_a_question_in_between_is_answered(self, riya: Patient) -> None:
        self.is_asked(riya)
        riya.taps("I am the guardian")
        answer = riya.writes("parking")
        assert "basement" in answer and "What is your name" in answer

    def test_in_a_booking_it_waits_its_turn(self, riya: Patient) -> None:
        riya.taps(offered(riya, "/book"))
        with riya.clinic.database.transaction() as session:
            hear_age(session, riya.id_in(session), 9)
        riya.taps("Knee")
        answer = riya.taps("I am the guardian")
        assert "right after this" in answer and "Which day suits you?" in answer
        assert riya.memory["form"] == "booking_form"
        assert "I am the guardian" in answer.titles

    def test_booking_leaves_the_guardians_questions(self, riya: Patient) -> None:
        self.is_asked(riya)
        riya.taps("I am the guardian")
        assert "What is the visit about?" in riya.taps(offered(riya, "/book"))

    def test_a_person_can_be_called(self, riya: Patient) -> None:
        self.is_asked(riya)
        riya.taps("I am the guardian")
        riya.taps(offered(riya, "/human_request"))
        assert riya.handoff is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_visit_is_explained_with_its_fee(riya: Patient, language: str) -> None:
    speaks(riya, language)
    answer = riya.taps(offered(riya, "/faq_assessment"))
    assert "₹800" in answer and "45" in answer
    assert len(answer.titles) == 1
    riya.taps(answer.titles[0])
    assert riya.memory["form"] == "booking_form"
