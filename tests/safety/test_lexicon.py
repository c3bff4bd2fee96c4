"""The lexicon reads what people type: spellings, tricks of the keyboard, innocent words, red
flags.
"""

from __future__ import annotations

import pytest

from safety.lexicon import Lexicon
from safety.normalise import clean, devanagari_to_latin, script_of, sound_of


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("My\u200bknee", "myknee"),
        ("раin", "pain"),  # two Cyrillic letters
        ("ＰＡＩＮ", "pain"),
        ("p a i n in knee", "pain in knee"),
        ("d.a.r.d", "dard"),
        ("p4in", "pain"),
        ("I can’t walk", "i cant walk"),
        ("ज़्यादा दर्द।", "ज्यादा दर्द"),
        ("book 10-30 am", "book 10-30 am"),
        ("меня болит", "меня болит"),  # really Russian: not turned into Latin letters
    ],
)
def test_clean_undoes_keyboard_tricks(typed: str, read: str) -> None:
    assert clean(typed) == read


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("hello", "latin"),
        ("नमस्ते", "devanagari"),
        ("मेरा knee", "mixed"),
        ("வணக்கம்", "other"),
        ("please book me for tomorrow evening at six, درد", "other"),
        ("book for π", "latin"),
        ("😀", "none"),
        ("", "none"),
    ],
)
def test_script(text: str, script: str) -> None:
    assert script_of(clean(text)) == script


def test_hindi_and_hinglish_sound_alike() -> None:
    assert devanagari_to_latin("घुटने") == "ghutne"
    assert sound_of("घुटने में दर्द") == sound_of("ghutne men dard")


@pytest.mark.parametrize(
    "text",
    [
        "my knee hurts",
        "paaaain",
        "PAIN!!!",
        "kneepain",
        "ghutnemedard",
        "dard hai",
        "darrrd",
        "d a r d",
        "घुटने में दर्द",
        "दर्द है",
        "раin in the leg",
        "book tomorrow, my knee is swollen",
        "thoda sa dard hai bas",
        "mera knee mein दर्द hai",
        "pa\u200bin",
        "parking is a pain, and my knee hurts",
        "which package for my sciatica",
        "I am not well, cancel",
    ],
)
def test_a_symptom_decides(lexicon: Lexicon, text: str) -> None:
    assert lexicon.find(text).decides


@pytest.mark.parametrize(
    "text",
    ["drd h", "swolen ankle", "sojan hai ghutne me"],
)
def test_a_misspelt_symptom_leaves_a_trace(lexicon: Lexicon, text: str) -> None:
    finding = lexicon.find(text)
    assert finding.decides or finding.guessed or finding.paired


@pytest.mark.parametrize(
    "text",
    [
        "number please",
        "price of the knee package",
        "back/neck",
        "traffic is a pain",
        "surgery centre ke saamne?",
        "cancel",
        "pls book",
        "any concession?",
        "I will come",
        "kal 5 baje",
        "counter kahan hai",
        "please call back",
        "how much is the sciatica package",
        "exercise class kitne baje",
        "aap bahut ache ho",
        "",
    ],
)
def test_logistics_stays_logistics(lexicon: Lexicon, text: str) -> None:
    finding = lexicon.find(text)
    assert not finding.decides
    assert not finding.paired


def test_numb_is_not_number(lexicon: Lexicon) -> None:
    assert lexicon.find("my hand is numb").decides
    assert not lexicon.find("your number").decides


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("I cannot hold my urine since morning", "bladder_bowel"),
        ("both my legs are weak", "both_legs_weak"),
        ("seene mein dard ho raha hai", "chest_pain"),
        ("साँस नहीं आ रही", "breathlessness"),
        ("her face is drooping on one side", "stroke"),
        ("papa gir gaye, khade nahi ho pa rahe", "fall_no_weight_bearing"),
        ("calf is swollen and hot", "calf_swelling"),
        ("I want to end my life", "self_harm"),
        ("marne ka mann karta hai", "self_harm"),
    ],
)
def test_red_flags_by_category(lexicon: Lexicon, text: str, category: str) -> None:
    assert category in lexicon.find(text).red_flags


@pytest.mark.parametrize(
    ("text", "urgent"),
    [
        ("my knee is swollen since the last session", False),
        ("ghutna suja hua hai session ke baad", False),
        ("my knee is swollen and I have fever", True),
        ("घुटना सूजा हुआ और गरम है, बुखार भी", True),
    ],
)
def test_a_swollen_joint_is_urgent_with_heat_or_fever(
    lexicon: Lexicon, text: str, urgent: bool
) -> None:
    finding = lexicon.find(text)
    assert finding.decides
    assert bool(finding.red_flags) is urgent


def test_self_harm_decides_the_reply(lexicon: Lexicon) -> None:
    finding = lexicon.find("chest pain and I want to die")
    assert finding.red_flag == "self_harm"
    assert "chest_pain" in finding.red_flags


def test_unknown_words_do_not_stay_in_memory(lexicon: Lexicon) -> None:
    # the mark that stands for every unknown word is kept from its first use on
    lexicon.find("qqxz")
    before = len(lexicon._vocab.strings)
    lexicon.find("xylozwq my nameisravikumar zzyzx")
    assert len(lexicon._vocab.strings) == before
