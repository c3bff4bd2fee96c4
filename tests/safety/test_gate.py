"""The gate's mark, from a small trained pipeline."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest
from rasa.shared.nlu.training_data.message import Message

from safety.component import GATE, ClinicalGate
from safety.decision import Scores, Seen, Thresholds, decide
from safety.embedding import EmbeddingUnavailable
from safety.lexicon import Finding

Mark = Callable[..., Dict[str, Any]]


@pytest.mark.parametrize(
    "text",
    [
        "my knee hurts",
        "kamar dard",
        "book tomorrow, my knee is swollen",
        "should I take a painkiller",
    ],
)
def test_clinical_goes_to_a_person(gate_of: Mark, text: str) -> None:
    mark = gate_of(text)
    assert mark["clinical"]
    assert mark["route"] in ("clinical", "red_flag")


def test_staff_see_what_kind_it_is(gate_of: Mark) -> None:
    assert gate_of("kamar me dard hai")["intent"] == "pain_report"


def test_red_flag_with_category(gate_of: Mark) -> None:
    mark = gate_of("chest pain and sweating")
    assert (mark["route"], mark["red_flag"], mark["intent"]) == (
        "red_flag",
        "chest_pain",
        "emergency",
    )


def test_self_harm(gate_of: Mark) -> None:
    assert gate_of("I want to end my life")["red_flag"] == "self_harm"


@pytest.mark.parametrize("text", ["fees kitni hai", "thank you", "clinic kahan hai"])
def test_logistics_may_be_answered(gate_of: Mark, text: str) -> None:
    assert gate_of(text)["route"] is None


def test_who_asks_for_a_person_gets_one(gate_of: Mark) -> None:
    assert gate_of("kisi insaan se baat karni hai")["route"] == "request"


@pytest.mark.parametrize("text", ["வணக்கம் எனக்கு உதவி வேண்டும்", "", "😭", "...", "меня болит спина"])
def test_unreadable_is_unsure(gate_of: Mark, text: str) -> None:
    assert gate_of(text)["route"] == "unsure"


def test_another_script_is_not_asked_again(gate_of: Mark) -> None:
    assert not gate_of("வணக்கம் எனக்கு உதவி வேண்டும்")["may_clarify"]


def test_a_date_alone_is_a_sure_answer(gate_of: Mark) -> None:
    mark = gate_of("kal 5 baje please", [{"entity": "when", "start": 0, "end": 10}])
    assert (mark["route"], mark["intent"]) == (None, "inform")


@pytest.mark.parametrize(("text", "whole"), [("back 🙏", True), ("back", True), ("back 😢", False)])
def test_a_sad_face_beside_a_body_part_is_no_choice_from_a_list(text: str, whole: bool) -> None:
    category = {"entity": "category", "start": 0, "end": 4}
    assert ClinicalGate({}).is_whole_answer(text, [category]) is whole


@pytest.mark.parametrize(
    ("text", "spans", "whole"),
    [
        ("raat 3 baje neend khulti hai, sunday", [[0, 4], [5, 11], [30, 36]], False),
        ("raat 3 baje ka, sunday", [[0, 4], [5, 11], [16, 22]], True),
    ],
)
def test_what_stands_between_two_times_is_said_too(
    text: str, spans: List[List[int]], whole: bool
) -> None:
    when = {"entity": "when", "start": 0, "end": spans[-1][1], "value": {"spans": spans}}
    assert ClinicalGate({}).is_whole_answer(text, [when]) is whole


def test_a_date_beside_a_symptom_is_no_answer(gate_of: Mark) -> None:
    assert gate_of("kal dard tha", [{"entity": "when", "start": 0, "end": 3}])["clinical"]


def of(**parts: Any) -> Seen:
    """A short message with one listed word, of whose logistics the classifier is certain."""
    scores = {
        "clinical": 0.0005,
        "emergency": 0.0001,
        "intents": [{"name": "running_late", "confidence": 0.97}],
        **parts.pop("scores", {}),
    }
    listed = Finding(alone=frozenset({"symptoms"}))
    return Seen(
        **{"finding": listed, "scores": Scores(**scores), "script": "latin", "words": 9, **parts}
    )


def test_one_listed_word_does_not_outweigh_certainty() -> None:
    assert decide(of(), Thresholds()).route is None


@pytest.mark.parametrize(
    "parts",
    [
        {"scores": {"clinical": 0.01}},
        {"scores": {"emergency": 0.01}},
        {"scores": {"clause_clinical": 0.2}},
        {"scores": {"intents": [{"name": "running_late", "confidence": 0.5}]}},
        {"scores": {"intents": [{"name": "pain_report", "confidence": 0.97}]}},
        {"words": 30},
        {"finding": Finding(alone=frozenset({"symptoms"}), red_flags=("chest_pain",))},
    ],
)
def test_short_of_certainty_one_listed_word_decides(parts: Dict[str, Any]) -> None:
    assert decide(of(**parts), Thresholds()).clinical


def test_without_scores_one_listed_word_decides() -> None:
    seen = Seen(Finding(alone=frozenset({"symptoms"})), None, "latin", 9)
    assert decide(seen, Thresholds()).clinical


def test_the_mark_holds_no_words_of_the_patient(gate_of: Mark) -> None:
    mark = gate_of("Ravi says his shoulder pops and hurts badly")
    assert not any(word in str(mark["why"]) for word in ("Ravi", "ravi", "shoulder", "pops"))


def test_without_embedding_nothing_is_allowed(
    small_pipeline: List[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def embed(self, texts: Any, limit: int = 0) -> Any:
            raise EmbeddingUnavailable("broken")

    monkeypatch.setattr(small_pipeline[1], "_embedder", Broken())
    message = Message({"text": "fees kitni hai"})
    for component in small_pipeline:
        component.process([message])
    assert message.get(GATE)["route"] == "unsure"
    assert not message.get(GATE)["may_clarify"]


def test_a_failing_gate_sends_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = ClinicalGate({})

    def fail(*_: Any) -> Any:
        raise RuntimeError("no words here")

    monkeypatch.setattr(gate, "_mark", fail)
    message = Message({"text": "book"})
    gate.process([message])
    assert message.get(GATE)["route"] == "unsure"
