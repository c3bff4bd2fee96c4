"""Questions about the clinic in three languages, and the service itself."""

from __future__ import annotations

import pytest

from tests.conversations.chat import Patient

QUESTIONS = [
    ("location", "where is your clinic?", "Karve Road"),
    ("location", "clinic kahan hai aapka?", "Hamara pata"),
    ("location", "क्लिनिक कहाँ है?", "हमारा पता"),
    ("timings", "what are your timings?", "Our hours"),
    ("timings", "clinic kitne baje khulta hai?", "Clinic ka samay"),
    ("timings", "क्लिनिक कितने बजे खुलता है?", "क्लिनिक का समय"),
    ("price", "how much do you charge?", "₹800"),
    ("price", "fees kitni hai?", "Hamari fees"),
    ("price", "फ़ीस कितनी है?", "हमारी फ़ीस"),
    ("what_to_bring", "what should I bring with me?", "comfortable clothes"),
    ("what_to_bring", "saath mein kya kya lana padega?", "aaramdayak kapde"),
    ("what_to_bring", "साथ में क्या लाना है?", "आरामदायक कपड़े"),
    ("parking", "is there parking?", "basement"),
    ("parking", "gaadi kahan park karein?", "Basement mein"),
    ("parking", "पार्किंग है क्या?", "बेसमेंट"),
    ("payment_methods", "can I pay by UPI?", "UPI, card or cash"),
    ("payment_methods", "UPI se payment ho jayegi kya?", "UPI, card ya cash"),
    ("payment_methods", "क्या मैं यूपीआई से पैसे दे सकता हूँ?", "UPI, कार्ड या नकद"),
    ("insurance", "do you accept insurance?", "ask your insurer"),
    ("insurance", "insurance chalega kya?", "insurance company se"),
    ("insurance", "क्या बीमा चलता है?", "बीमा कंपनी"),
    ("home_visit", "do you do home visits?", "We do home visits"),
    ("home_visit", "ghar par aate ho kya?", "home visit karte hain"),
    ("home_visit", "क्या आप घर पर आते हैं?", "होम विज़िट करते हैं"),
    ("session_duration", "how long is one session?", "How long a visit takes"),
    ("session_duration", "ek session kitni der ka hota hai?", "itna samay lagta hai"),
    ("session_duration", "एक सेशन कितनी देर का होता है?", "इतना समय लगता है"),
    ("staff", "who are your physiotherapists?", "Neha Kulkarni"),
    ("staff", "doctor kaun hai wahan?", "Hamare physiotherapist"),
    ("staff", "आपके यहाँ कौन से फिजियोथेरेपिस्ट हैं?", "हमारे फ़िज़ियोथेरेपिस्ट"),
    ("documents", "can I get a receipt?", "photo ID"),
    ("documents", "receipt bhej do whatsapp pe please", "photo ID laayein"),
    ("documents", "रसीद चाहिए मुझे", "पहचान पत्र"),
]


@pytest.mark.parametrize(("topic", "asked", "said"), QUESTIONS)
def test_the_profile_answers(riya: Patient, topic: str, asked: str, said: str) -> None:
    answer = riya.writes(asked)
    assert said in answer, (riya.last_intent(), answer)
    assert riya.handoff is None
    assert answer.kinds == (["text", "location"] if topic == "location" else ["text"])


def test_the_language_follows_the_patient(riya: Patient) -> None:
    assert "How can I help" in riya.writes("menu please")
    assert "नमस्ते" in riya.writes("नमस्ते")
    assert "Basement mein" in riya.writes("gaadi kahan park karein?")
    # words that tell nothing leave it as it was
    assert "Namaste! Main" in riya.writes("hi")


def test_a_chosen_language_stays(riya: Patient) -> None:
    assert "हिंदी में लिखूँगा" in riya.writes("please speak in hindi")
    assert "बेसमेंट" in riya.writes("is there parking?")
    assert riya.contact.language_chosen
    assert "in English" in riya.taps("English")
    assert "basement" in riya.writes("पार्किंग है क्या?")


def test_no_more_messages_of_our_own_and_again(riya: Patient) -> None:
    assert "any more reminders" in riya.writes("STOP")
    assert riya.contact.opted_out_at is not None
    assert "basement" in riya.writes("is there parking?")
    # nothing was agreed to before: they choose
    assert "What may we send you?" in riya.writes("START")
    assert riya.contact.opted_out_at is None


def test_it_says_that_it_is_no_person(riya: Patient) -> None:
    answer = riya.writes("are you a robot?")
    assert "not a person" in answer and "Talk to a person" in answer.titles


def test_small_talk(riya: Patient) -> None:
    assert "Write any time" in riya.writes("thank you so much")
    assert "take care" in riya.writes("bye")
    assert "How can I help?" in riya.writes("ok")


@pytest.mark.parametrize("words", ["can I talk to someone please", "kisi insaan se baat karni hai"])
def test_a_person_is_called(riya: Patient, words: str) -> None:
    riya.writes(words)
    assert riya.handoff is not None and riya.handoff.reason == "request"


def test_a_person_is_called_by_a_button(riya: Patient) -> None:
    riya.writes("hello")
    assert "called our team" in riya.taps("Talk to a person")
    assert riya.handoff is not None and riya.handoff.reason == "request"
