"""The held-out sets keep their promises: size, labels, no repeats, distance from training data.

A measuring set that leaks into the training data measures memory instead of safety. The failure
messages name held-out rows only, never the training example they met, so that the author of the
sets can reword a row without having seen the training data.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

HELDOUT = Path(__file__).parent / "heldout"
TRAINING = Path(__file__).resolve().parents[2] / "data" / "nlu"

LANGUAGES = {"en", "hi", "hinglish"}
# One label a line would take a screenful.
# fmt: off
STYLES = {
    "plain", "minimiser", "third_person", "indirect", "typos", "mixed", "voice", "one_word",
    "long",
}
CLINICAL = {
    "pain_report", "exercise_question", "treatment_question", "progress_report", "medication",
    "other_medical",
}
RED_FLAGS = {
    "bladder_bowel", "saddle_numbness", "both_legs_weak", "chest_pain", "breathlessness",
    "stroke", "fall_no_weight_bearing", "deformity", "calf_swelling", "hot_joint_fever",
    "wound_discharge", "head_injury", "severe_headache", "weight_loss_night_pain",
    "allergic_reaction", "child_limp_floppy", "self_harm",
}
LOGISTICS = {
    "book", "reschedule", "cancel", "my_appointments", "confirm_attendance", "running_late",
    "inform", "inform_name", "affirm", "deny", "greet", "thanks", "goodbye", "menu",
    "faq_location", "faq_timings", "faq_price", "faq_what_to_bring", "faq_parking",
    "faq_payment_methods", "faq_insurance", "faq_home_visit", "faq_session_duration", "faq_staff",
    "faq_documents", "opt_out", "opt_in", "language_switch", "bot_challenge", "go_back",
    "stop_flow",
}
# fmt: on


class HeldoutSet(NamedTuple):
    """What one file promises: its label column, allowed labels and styles, least rows."""

    label_column: str
    labels: set[str]
    styles: set[str]
    least_rows: int
    least_per_language: dict[str, int]
    least_per_label_and_language: int


SETS = {
    "clinical": HeldoutSet(
        "intent", CLINICAL, STYLES, 640, {"en": 230, "hi": 190, "hinglish": 220}, 20
    ),
    "red_flags": HeldoutSet(
        "category", RED_FLAGS, STYLES, 220, {"en": 75, "hi": 65, "hinglish": 75}, 4
    ),
    "logistics": HeldoutSet(
        "intent",
        LOGISTICS,
        (STYLES - {"minimiser", "mixed"}) | {"hard_negative"},
        640,
        {"en": 230, "hi": 180, "hinglish": 220},
        4,
    ),
}

# A reply such as "ok" or "kal subah" has few ways of being said; only longer texts must be apart.
FREE_TO_COINCIDE_CHARACTERS = 25
NEAR_DUPLICATE_JACCARD = 0.8
GRAM = 5


def rows_of(name: str) -> list[dict[str, str]]:
    """Rows of one held-out file, in order."""
    with (HELDOUT / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def normalised(text: str) -> str:
    """Case, punctuation and spacing removed; letters, vowel signs and digits of any script stay."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded)
    return " ".join(kept.split()) or text.strip()


def grams(text: str) -> set[str]:
    """The character 5-grams of the normalised text (the text itself when shorter)."""
    clean = normalised(text)
    return {clean[i : i + GRAM] for i in range(max(1, len(clean) - GRAM + 1))}


class GramIndex:
    """Finds, among many texts, the highest Jaccard similarity to a given one."""

    def __init__(self, texts: list[str]) -> None:
        self._sizes: list[int] = []
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(texts):
            found = grams(text)
            self._sizes.append(len(found))
            for gram in found:
                self._holders[gram].append(number)

    def closest(self, text: str, leaving_out: int | None = None) -> float:
        """Highest similarity, 0 to 1; `leaving_out` is the number of a text to pass over."""
        own = grams(text)
        shared = Counter(number for gram in own for number in self._holders.get(gram, ()))
        return max(
            (
                count / (len(own) + self._sizes[number] - count)
                for number, count in shared.items()
                if number != leaving_out
            ),
            default=0.0,
        )


def examples_of(block: dict[str, Any]) -> Iterator[str]:
    """Example texts of one intent of Rasa's NLU YAML, without entity marks.

    Format: https://rasa.com/docs/rasa/nlu-training-data (3.x), a literal block of "- text" lines or
    a list of mappings with `text`.
    """
    examples = block.get("examples") or ""
    lines = (
        examples.splitlines()
        if isinstance(examples, str)
        else [item["text"] if isinstance(item, dict) else item for item in examples]
    )
    for line in lines:
        bare = re.sub(r"^\s*-\s+", "", line).strip()
        if bare:
            yield re.sub(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})", r"\1", bare)


def training_examples() -> list[str]:
    """Every intent example of the training data."""
    yaml = YAML(typ="safe")
    return [
        example
        for path in sorted([*TRAINING.rglob("*.yml"), *TRAINING.rglob("*.yaml")])
        for block in (yaml.load(path) or {}).get("nlu", [])
        if "intent" in block
        for example in examples_of(block)
    ]


@pytest.fixture(scope="module")
def training_index() -> GramIndex:
    examples = training_examples()
    assert examples, "data/nlu has no intent examples: nothing to compare the held-out sets with"
    return GramIndex(examples)


@pytest.mark.parametrize("name", SETS)
def test_columns_and_labels_are_the_allowed_ones(name: str) -> None:
    promised = SETS[name]
    for number, row in enumerate(rows_of(name), start=1):
        where = f"{name}.csv row {number}: {row}"
        assert list(row) == ["text", "language", promised.label_column, "style"], where
        assert row["text"] == row["text"].strip() != "", where
        assert row["language"] in LANGUAGES, where
        assert row[promised.label_column] in promised.labels, where
        assert row["style"] in promised.styles, where


@pytest.mark.parametrize("name", SETS)
def test_enough_rows_in_all_and_per_language(name: str) -> None:
    promised, rows = SETS[name], rows_of(name)
    per_language = Counter(row["language"] for row in rows)
    assert len(rows) >= promised.least_rows
    short = {
        language: per_language[language]
        for language, least in promised.least_per_language.items()
        if per_language[language] < least
    }
    assert not short, f"{name}.csv has too few rows in {short}"


@pytest.mark.parametrize("name", SETS)
def test_every_label_occurs_in_every_language(name: str) -> None:
    promised = SETS[name]
    seen = Counter((row[promised.label_column], row["language"]) for row in rows_of(name))
    rare = {
        (label, language): seen[label, language]
        for label in sorted(promised.labels)
        for language in sorted(LANGUAGES)
        if seen[label, language] < promised.least_per_label_and_language
    }
    assert not rare, f"{name}.csv is thin at {rare}"


@pytest.mark.parametrize("name", SETS)
def test_the_script_fits_the_language(name: str) -> None:
    wrong = [
        (number, row["language"], row["text"])
        for number, row in enumerate(rows_of(name), start=1)
        if bool(re.search(r"[\u0900-\u097f]", row["text"])) != (row["language"] == "hi")
    ]
    assert not wrong, f"{name}.csv: Hindi is in Devanagari, the others are not: {wrong}"


def test_no_message_occurs_twice_in_or_across_the_sets() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name in SETS:
        for number, row in enumerate(rows_of(name), start=1):
            places[normalised(row["text"])].append(f"{name}.csv row {number}")
    repeated = {text: where for text, where in places.items() if len(where) > 1}
    assert not repeated, f"repeated after normalisation: {repeated}"


def test_no_message_is_a_variation_of_another() -> None:
    texts = [row["text"] for name in SETS for row in rows_of(name)]
    index = GramIndex(texts)
    offenders = [
        text
        for number, text in enumerate(texts)
        if len(text) > FREE_TO_COINCIDE_CHARACTERS
        and index.closest(text, leaving_out=number) >= NEAR_DUPLICATE_JACCARD
    ]
    assert not offenders, f"{len(offenders)} messages are near-duplicates: {offenders}"


@pytest.mark.parametrize("name", SETS)
def test_no_message_is_near_a_training_example(name: str, training_index: GramIndex) -> None:
    offenders = [
        (number, row["text"])
        for number, row in enumerate(rows_of(name), start=1)
        if len(row["text"]) > FREE_TO_COINCIDE_CHARACTERS
        and training_index.closest(row["text"]) >= NEAR_DUPLICATE_JACCARD
    ]
    assert not offenders, (
        f"{len(offenders)} rows of {name}.csv are near a training example; reword or drop them"
        f" (row, text): {offenders}"
    )


def test_the_near_duplicate_measure_tells_a_variation_from_another_message() -> None:
    index = GramIndex(["my left knee hurts when I climb the stairs at home"])
    assert index.closest("My left knee hurts, when I climb the stairs at home!!") == 1.0
    assert (
        index.closest("my left knee hurts when I climb the stairs at hom") > NEAR_DUPLICATE_JACCARD
    )
    assert index.closest("is there a lift at your clinic on the second floor") < 0.2


def test_entity_marks_are_read_as_the_words_alone() -> None:
    block = {"examples": '- see [Dr Rao](clinician)\n- on [Monday]{"entity": "day"} then\n'}
    assert list(examples_of(block)) == ["see Dr Rao", "on Monday then"]
