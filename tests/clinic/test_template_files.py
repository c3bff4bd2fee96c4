"""Template files: what Meta would refuse is refused here, with the place named."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from ruamel.yaml import YAML

from clinic.database import Database
from clinic.templates import TemplateBook, TemplateError, keep_status, usable
from tests.reminding import approve_templates, book

GOOD: Dict[str, Any] = {
    "name": "visit",
    "category": "utility",
    "examples": {"when": "Tue 24 Nov, 5:30 pm"},
    "texts": {
        "en": {"language": "en", "body": "Your visit is on {when}.", "buttons": ["Yes"]},
        "hi": {"language": "hi", "body": "आपकी विज़िट {when} को है।", "buttons": ["हाँ"]},
        "hinglish": {
            "name": "visit_hinglish",
            "language": "en",
            "body": "Aapki visit {when} ko hai.",
            "buttons": ["Haan"],
        },
    },
}


def load(folder: Path, content: Any) -> TemplateBook:
    with (folder / "visit.yml").open("w", encoding="utf-8") as file:
        YAML().dump(content, file)
    return TemplateBook.load(folder)


def test_a_good_file_gives_a_wording_for_each_language(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert found.wording("visit", "hinglish").name == "visit_hinglish"
    english = found.wording("visit", "en")
    assert english.numbered_body == "Your visit is on {{1}}."
    assert found.wording("visit", "mr") == english
    bubble = english.bubble({"when": "Friday"}, ["/yes"])
    assert (bubble.text, bubble.body) == ("Your visit is on Friday.", ["Friday"])


def _long_body(content: Any) -> None:
    content["texts"]["en"]["body"] = "x " * 513


def _ends_with_variable(content: Any) -> None:
    content["texts"]["hi"]["body"] = "आपकी विज़िट का समय यह है: {when}"


def _begins_with_variable(content: Any) -> None:
    content["texts"]["en"]["body"] = "{when} is the time of your visit."


def _no_example(content: Any) -> None:
    del content["examples"]


def _long_button(content: Any) -> None:
    content["texts"]["en"]["buttons"] = ["x" * 26]


def _fewer_buttons(content: Any) -> None:
    content["texts"]["hi"]["buttons"] = []


def _no_hindi(content: Any) -> None:
    del content["texts"]["hi"]


def _marketing(content: Any) -> None:
    content["category"] = "marketing"


def _bad_name(content: Any) -> None:
    content["name"] = "Visit Reminder"


def _other_variable(content: Any) -> None:
    content["texts"]["hi"]["body"] = "आपकी विज़िट है, ज़रूर आइए।"


def _same_name_twice(content: Any) -> None:
    content["texts"]["hinglish"]["name"] = "visit"


def _stray_brace(content: Any) -> None:
    content["texts"]["en"]["body"] = "Your visit is on {when} {{1}} soon."


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_long_body, "texts.en.body: 1 to 1024"),
        (_ends_with_variable, "texts.hi.body: may not begin or end"),
        (_begins_with_variable, "texts.en.body: may not begin or end"),
        (_no_example, "needs an example"),
        (_long_button, "texts.en.buttons: each has 1 to 25"),
        (_fewer_buttons, "the same buttons"),
        (_no_hindi, "texts.hi: is missing"),
        (_marketing, "must be utility"),
        (_bad_name, "name: small Latin"),
        (_other_variable, "the same variables"),
        (_same_name_twice, "is defined twice"),
        (_stray_brace, "brace"),
    ],
)
def test_what_meta_would_refuse_is_refused_with_its_place(
    tmp_path: Path, spoil: Callable[[Any], None], words: str
) -> None:
    content = copy.deepcopy(GOOD)
    spoil(content)
    with pytest.raises(TemplateError, match=words):
        load(tmp_path, content)


def test_what_is_no_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("a: [", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"bad\.yml: not a YAML"):
        TemplateBook.load(tmp_path)


def test_the_houses_own_templates_are_in_order() -> None:
    # eleven that the clinic writes of its own accord, three that staff choose, in three languages
    assert len(list(book())) == 42


def test_only_what_is_approved_as_utility_is_usable(db: Database) -> None:
    approve_templates(db)
    with db.transaction() as session:
        everything = usable(session)
        keep_status(session, "visit_reminder", "en", status="PAUSED", reason="low quality")
        keep_status(session, "visit_reminder", "hi", category="MARKETING")
    with db.reading() as session:
        left = usable(session)
    gone = {(name, language) for name, language, _ in everything - left}
    assert gone == {("visit_reminder", "en"), ("visit_reminder", "hi")}


def test_news_of_a_template_nobody_knows_is_kept_and_does_no_harm(db: Database) -> None:
    with db.transaction() as session:
        keep_status(session, "somebody_elses", "en", status="APPROVED")
        assert usable(session) == set()
