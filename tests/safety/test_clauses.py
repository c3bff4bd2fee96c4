"""Clauses: where a message is cut, and that a clinical half counts by itself."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.clauses import MOST_CLAUSES, clauses_of
from safety.decision import UNSURE, Scores, Seen, Thresholds, decide
from safety.lexicon import Finding
from safety.normalise import clean

CUT = [
    (
        "cancel and rebook, can't get down the stairs",
        ["cancel", "rebook", "cant get down the stairs"],
    ),
    ("Is Sunday open? also he fell again", ["is sunday open", "he fell again"]),
    ("where do I park\nmy mother is not herself", ["where do i park", "my mother is not herself"]),
    ("book for friday 😢 it is back", ["book for friday", "it is back"]),
    ("kal 5 baje aana hai aur pair uth nahi raha", ["kal 5 baje aana hai", "pair uth nahi raha"]),
    ("fees kitni hai,papa gir gaye", ["fees kitni hai", "papa gir gaye"]),
    ("slot chahiye lekin chal nahi pa raha", ["slot chahiye", "chal nahi pa raha"]),
    ("कल आना है और पैर नहीं उठ रहा", ["कल आना है", "पैर नहीं उठ रहा"]),
    ("पता भेजिए। मम्मी फिर गिर गईं", ["पता भेजिए", "मम्मी", "गिर गईं"]),
    ("समय बदल दो लेकिन उठा नहीं जाता", ["समय बदल दो", "उठा नहीं जाता"]),
]


@pytest.mark.parametrize(("text", "clauses"), CUT)
def test_a_message_is_cut_where_a_second_thing_begins(text: str, clauses: List[str]) -> None:
    assert clauses_of(text) == [c for c in clauses if " " in c]


@pytest.mark.parametrize(
    "text",
    [
        "what are your charges?",
        "1,500 rupees for 10:30",
        "at 5.30 pm",
        "p.a.i.n",
        "कल सुबह आना है",
        "understand",
        "",
        "😭",
    ],
)
def test_one_clause_is_not_cut(text: str) -> None:
    assert clauses_of(text) == []


def test_a_flood_of_clauses_stays_bounded() -> None:
    assert len(clauses_of(", ".join(f"clause number {n}" for n in range(99)))) == MOST_CLAUSES


@given(st.text(max_size=120))
def test_clauses_of_anything_are_clean_and_no_longer_than_it(text: str) -> None:
    for clause in clauses_of(text):
        assert clean(clause) == clause
        assert len(clause) <= len(clean(text))


def _seen(clause: float, emergency: float = 0.0, is_answer: bool = False) -> Seen:
    intents = [{"name": "book", "confidence": 0.9}]
    scores = Scores(0.01, 0.0, intents, clause_clinical=clause, clause_emergency=emergency)
    return Seen(Finding(), scores, "latin", 9, is_answer)


def test_a_clinical_clause_keeps_the_bot_silent() -> None:
    limits = Thresholds()
    gate = decide(_seen(limits.clause), limits)
    assert (gate.route, gate.may_clarify, gate.trace) == (UNSURE, False, True)
    assert gate.why == ["model:clause"]
    assert decide(_seen(limits.clause - 0.01), limits).route is None


def test_an_emergency_in_a_clause_is_urgent() -> None:
    assert decide(_seen(0.9, 0.9), Thresholds()).route == "red_flag"


def test_a_plain_answer_is_not_read_by_its_halves() -> None:
    assert decide(_seen(0.9, 0.0, is_answer=True), Thresholds()).route is None


def test_the_clinical_half_of_a_message_is_read(gate_of: Callable[..., Dict[str, Any]]) -> None:
    assert gate_of("what are your charges, and can I run with this")["route"]
