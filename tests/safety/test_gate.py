"""The gate's mark, from a small trained pipeline."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest
from rasa.shared.nlu.training_data.message import Message

from safety.component import GATE, ClinicalGate
from safety.embedding import EmbeddingUnavailable

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


def test_a_date_beside_a_symptom_is_no_answer(gate_of: Mark) -> None:
    assert gate_of("kal dard tha", [{"entity": "when", "start": 0, "end": 3}])["clinical"]


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
