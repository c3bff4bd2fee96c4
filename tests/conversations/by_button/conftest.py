"""The assistant without its language model: what is tapped needs no reading.

Its rules and domain are the real ones; a bare keyword stands in for each thing that is typed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from rasa.core.agent import Agent

from assistant.action_endpoint import trust_checked_results
from tests.conversations.engine import Clinic, InProcessActions
from tests.conversations.reading import Post

ROOT = Path(__file__).resolve().parents[3]
CONFIG = """
recipe: default.v1
assistant_id: by_button
language: en
pipeline:
- name: KeywordIntentClassifier
- name: assistant.nlu.details.DetailsExtractor
- name: assistant.nlu.language.LanguageDetector
policies:
- name: RulePolicy
  core_fallback_action_name: action_nothing_fits
"""
TYPED = """
version: "3.1"
nlu:
- intent: inform_name
  examples: |
    - Verma
- intent: faq_parking
  examples: |
    - parking
- intent: my_data
  examples: |
    - data
"""


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory, actions: InProcessActions) -> Agent:
    """The clinic's rules over a pipeline that is made in a second."""
    from rasa.model_training import train

    folder = tmp_path_factory.mktemp("by_button")
    (folder / "config.yml").write_text(CONFIG, encoding="utf-8")
    (folder / "nlu.yml").write_text(TYPED, encoding="utf-8")
    result = train(
        domain=str(ROOT / "domain"),
        config=str(folder / "config.yml"),
        training_files=[str(folder / "nlu.yml"), str(ROOT / "data" / "rules")],
        output=str(folder / "models"),
    )
    assert result.model is not None
    trust_checked_results()
    return Agent.load(result.model, action_endpoint=actions)


@pytest.fixture
def post(clinic: Clinic) -> Iterator[Post]:
    """The messages between the clinic and those who read them."""
    opened = Post(clinic)
    yield opened
    opened.close()
