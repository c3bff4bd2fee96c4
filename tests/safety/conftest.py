"""A small gate, trained once for all tests of this folder on a handful of invented messages."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, List

import pytest
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from safety.assistant_under_test import newest_model
from safety.classifier import MessageClassifier
from safety.component import GATE, ClinicalGate
from safety.embedding import SentenceEmbeddingFeaturizer
from safety.lexicon import Lexicon, read_folder
from safety.lexicon_component import ClinicalLexicon

ROOT = Path(__file__).parents[2]

EXAMPLES: Dict[str, List[str]] = {
    "book": [
        "book an appointment",
        "I want a slot tomorrow",
        "kal ka appointment chahiye",
        "need to see the physio, any slot",
        "अपॉइंटमेंट बुक करना है",
        "please fix an appointment for my mother",
        "slot book kar do",
        "can I come on monday evening",
    ],
    "faq_price": [
        "what are your charges",
        "fees kitni hai",
        "price of the knee package",
        "फीस कितनी है",
        "how much for one session",
        "package ka rate batao",
    ],
    "faq_location": [
        "where is the clinic",
        "clinic kahan hai",
        "send location please",
        "पता क्या है",
        "surgery centre ke saamne hai kya",
        "number please, and the address",
    ],
    "human_request": [
        "talk to a person",
        "call me please",
        "kisi insaan se baat karni hai",
        "receptionist se baat karao",
    ],
    "off_topic": [
        "who won the match",
        "aaj mausam kaisa hai",
        "do you sell mobile phones",
        "क्रिकेट का स्कोर",
    ],
    "thanks": ["thank you", "thanks a lot", "shukriya", "धन्यवाद"],
    "pain_report": [
        "my knee hurts",
        "kamar me dard hai",
        "घुटने में सूजन है",
        "shoulder is stiff since monday",
        "pair sunn ho raha hai",
        "neck pain while working",
        "subah uthte hi kamar akad jaati hai",
        "it aches when I climb stairs",
    ],
    "exercise_question": [
        "how many reps should I do",
        "kitni baar karu ye exercise",
        "can I run with this",
        "क्या मैं स्क्वाट कर सकता हूँ",
    ],
    "medication": [
        "should I take a painkiller",
        "dawai kab leni hai",
        "can I stop the tablets",
        "गोली खानी है क्या",
    ],
    "emergency": [
        "cannot feel both legs",
        "seene me dard aur pasina",
        "मरने का मन करता है",
        "face drooped suddenly",
        "I want to end my life",
    ],
}


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon(read_folder(), frozenset({"number", "please", "cancel", "concession"}))


@pytest.fixture(scope="session")
def small_pipeline(tmp_path_factory: pytest.TempPathFactory) -> List[Any]:
    """Lexicon, embedding, classifier and gate as Rasa would load them from a model."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "model").mkdir()
    storage = LocalModelStorage(folder / "model")
    context = SimpleNamespace(node_name="embedding")
    data = TrainingData(
        [Message({"text": t, "intent": i}) for i, texts in EXAMPLES.items() for t in texts]
    )
    lexicon = ClinicalLexicon.create({}, storage, Resource("lexicon"), context)
    lexicon.train(data)
    lexicon.process_training_data(data)
    config = {
        **SentenceEmbeddingFeaturizer.get_default_config(),
        "cache_path": str(folder / "vectors.sqlite"),
    }
    embedding = SentenceEmbeddingFeaturizer.create(config, storage, Resource("e"), context)
    embedding.process_training_data(data)
    MessageClassifier.create({}, storage, Resource("classifier"), context).train(data)
    return [
        ClinicalLexicon.load({}, storage, Resource("lexicon"), context),
        embedding,
        MessageClassifier.load({}, storage, Resource("classifier"), context),
        # a model of a few dozen messages knows chances only roughly
        ClinicalGate.create({"emergency": 0.3}, storage, Resource("gate"), context),
    ]


@pytest.fixture(scope="session")
def gate_of(small_pipeline: List[Any]) -> Callable[..., Dict[str, Any]]:
    """The gate's mark on a text; `entities` as earlier components would have found them."""

    def mark(text: str, entities: Any = ()) -> Dict[str, Any]:
        message = Message({"text": text, "entities": list(entities)})
        for component in small_pipeline:
            component.process([message])
        return {**message.get(GATE), "intent": message.get("intent")["name"]}

    return mark


@pytest.fixture(scope="session")
def model() -> Path:
    """The model the designers trained; CI must have one, a fresh checkout need not."""
    try:
        return newest_model(Path(os.environ.get("SANDHI_MODELS", ROOT / "models")))
    except FileNotFoundError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no model has been trained yet: `make train`")


@pytest.fixture
def held_out() -> Path:
    return Path(__file__).parent / "heldout"
