"""What patients type about their data, their messages and a first visit, read by the model."""

from __future__ import annotations

import pytest

from clinic.guardians import lacks_guardian
from tests.conversations.chat import Patient


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("what do you store about me?", "What we keep of you"),
        ("please delete all my personal data", "What we keep of you"),
        ("मेरी कौन सी जानकारी आपके पास है?", "आपका क्या हमारे पास है"),
        ("mera data kaun kaun dekh sakta hai?", "Aapka kya hamare paas hai"),
    ],
)
def test_what_is_kept_is_told(riya: Patient, typed: str, said: str) -> None:
    assert said in riya.writes(typed)
    assert riya.last_intent() == "my_data"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("what will happen at the first assessment?", "Your first visit is an assessment"),
        ("पहली बार की जाँच में क्या होता है?", "पहली विज़िट में जाँच होती है"),
        ("pehli visit me kya hoga?", "Pehli visit mein jaanch hoti hai"),
    ],
)
def test_a_first_visit_is_explained(riya: Patient, typed: str, said: str) -> None:
    answer = riya.writes(typed)
    assert said in answer and "₹800" in answer


def test_the_notice_comes_after_the_answer_and_not_beside_a_handoff(riya: Patient) -> None:
    riya.writes("my knee hurts since yesterday")
    assert riya.handoff is not None and len(riya.notices) == 0
    riya.is_handed_back()
    assert "basement" in riya.writes("is there parking?")
    assert "A word about your data" not in riya.hears()
    assert "a word about your data" in riya.notices


@pytest.mark.parametrize(
    "typed", ["I want to book for my son, he is 9 years old", "mere 9 saal ke bete ke liye booking"]
)
def test_a_childs_age_brings_the_question_for_a_guardian(riya: Patient, typed: str) -> None:
    riya.writes(typed)
    riya.taps("I am the guardian" if "son" in typed else "Main guardian")
    assert riya.handoff is None


@pytest.mark.parametrize(
    ("typed", "button"),
    [
        ("I am in class 9, can I book an appointment?", "I am the guardian"),
        ("meri beti school me hai 8th me, appointment chahiye", "Main guardian hoon"),
        ("main 10vi me hoon, appointment book karna hai", "Main guardian hoon"),
        ("mummy ke phone se likh raha hoon, slot milega kal?", "Main guardian hoon"),
        ("मैं नौवीं में पढ़ता हूँ, अपॉइंटमेंट चाहिए", "मैं अभिभावक हूँ"),
    ],
)
def test_who_seems_to_be_a_child_is_asked_for_a_guardian(
    riya: Patient, typed: str, button: str
) -> None:
    riya.writes(typed)
    with riya.clinic.database.reading() as session:
        assert lacks_guardian(session, riya.id)
    assert riya.handoff is not None or button in riya.notices.titles
