"""Reading message files, the bounds, the report and the floors."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import List

import pytest
from rich.console import Console

from safety.assistant_under_test import Outcome, newest_model
from safety.measure import as_markdown, broken_floors, summary_of
from safety.picture import draw_thresholds, shares
from safety.rows import Row, bounds, read_rows
from safety.run_file import report, run_file, write_json


def outcome(text: str, handed: bool, score: float = 0.5, why: str = "model:clinical") -> Outcome:
    return Outcome(
        text=text,
        outcome="handoff" if handed else "answered",
        reason="clinical" if handed else None,
        intent="pain_report" if handed else "book",
        clinical=handed,
        red_flag=None,
        action="utter_handoff_clinical" if handed else "booking_form",
        score=score,
        why=[why] if handed else [],
    )


ROWS = [
    Row("my knee hurts", {"language": "en", "intent": "pain_report"}),
    Row("kamar dard", {"language": "hinglish", "intent": "pain_report"}),
    Row("something popped", {"language": "en", "intent": "pain_report"}),
]
OUTCOMES = [
    outcome("my knee hurts", True, 0.9),
    outcome("kamar dard", True, 0.3),
    outcome("something popped", False, 0.05),
]


def test_rows_keep_other_columns(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text('\ufefftext,language\n"book, please",en\nनमस्ते,hi\n', encoding="utf-8")
    assert read_rows(file) == [
        Row("book, please", {"language": "en"}),
        Row("नमस्ते", {"language": "hi"}),
    ]


@pytest.mark.parametrize("content", ["message\nhello\n", "text\n", ""])
def test_a_file_without_messages_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "m.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"m\.csv"):
        read_rows(file)


@pytest.mark.parametrize(
    ("hits", "total", "low"), [(299, 299, 0.99), (598, 598, 0.995), (0, 10, 0.0)]
)
def test_bounds_are_those_of_the_fact_sheet(hits: int, total: int, low: float) -> None:
    assert bounds(hits, total)[0] == pytest.approx(low, abs=0.0005)


def test_the_report_names_misses_and_breaks_down() -> None:
    text = io.StringIO()
    wrong = report("m.csv", ROWS, OUTCOMES, "clinical", 0.01, Console(file=text, width=140))
    assert wrong == 1
    assert "'something popped'" in text.getvalue()
    assert "hinglish" in text.getvalue()
    assert "as expected 2 of 3" in text.getvalue()


def test_json_is_as_the_design_says(tmp_path: Path) -> None:
    write_json(OUTCOMES, tmp_path / "out.json")
    listed = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert listed[0] == {
        "text": "my knee hurts",
        "outcome": "handoff",
        "reason": "clinical",
        "intent": "pain_report",
        "clinical": True,
        "red_flag": None,
    }


def test_an_unknown_expectation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expect"):
        run_file(tmp_path / "m.csv", expect="happy")


def test_no_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make train"):
        newest_model(tmp_path)


def test_summary_and_floors() -> None:
    summary = {
        "model": "m",
        "sets": {"clinical": summary_of(ROWS, OUTCOMES)},
        "states": {"fresh contact": 1.0},
    }
    assert summary["sets"]["clinical"]["handed_off"] == pytest.approx(2 / 3)
    assert summary["sets"]["clinical"]["handed_off_en"] == 0.5
    assert broken_floors(summary, {"clinical": {"handed_off": [0.6, 1]}}) == []
    broken = broken_floors(
        summary, {"clinical": {"handed_off": [0.99, 1]}, "absent": {"x": [1, 1]}}
    )
    assert len(broken) == 1
    assert "handed_off is 0.6667" in broken[0]
    assert "| clinical | 3 |" in as_markdown(summary)


def test_a_state_that_answers_breaks_the_floor() -> None:
    summary = {"sets": {}, "states": {"booking_form: day": 0.9}}
    assert "booking_form: day" in broken_floors(summary, {})[0]


def test_the_curve_counts_misses_and_false_handoffs(tmp_path: Path) -> None:
    logistics: List[Outcome] = [
        outcome("book", False, 0.02),
        outcome("fees", True, 0.2, "model:doubt"),
        outcome("x", True, 0.1, "list:symptoms"),
    ]
    misses, false = shares(OUTCOMES, logistics, [0.01, 0.25, 0.95])
    assert misses == pytest.approx([0, 1 / 3, 1])
    assert false == pytest.approx([1, 1 / 3, 1 / 3])
    draw_thresholds(OUTCOMES, logistics, tmp_path / "t.png")
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
