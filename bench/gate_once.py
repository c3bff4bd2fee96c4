"""What the gate costs a process: `python -m bench.gate_once MODEL MESSAGES.json RESULT.json`.

Loads lists, embedding, classifier and gate one after the other from a trained model, as the
assistant does, with half of the messages through each, for the memory; the other half, which it
has not seen, is timed. Memory is what lies in no file: what is mapped from files, libraries and
weights, the system can take back and shares with others. Libraries that only the gate needs count.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import logging
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List

import psutil
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message

GATE = ("ClinicalLexicon", "SentenceEmbeddingFeaturizer", "MessageClassifier", "ClinicalGate")
_OTHERS = ("assistant.nlu.details", "assistant.nlu.series", "assistant.nlu.when")


def own_mb() -> float:
    """Memory of this process that lies in no file, after what is not needed was given back."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    memory = psutil.Process().memory_info()
    return float((memory.rss - getattr(memory, "shared", 0)) / 2**20)


def measure(model: Path, texts: List[str]) -> Dict[str, Any]:
    """`memory_mb` by component, and `ms` of messages through all of them."""
    # Rasa without any of ours: its recipe imports every component it ships
    DefaultV1Recipe()
    # and its agent, for its size; and what else of ours reads messages, which is not the gate's
    for other in ("rasa.core.agent", *_OTHERS):
        importlib.import_module(other)
    memory, parts, before = {}, [], own_mb()
    with tempfile.TemporaryDirectory() as folder:
        storage, facts = LocalModelStorage.from_model_archive(Path(folder), model)
        nodes = {
            node.uses.__name__: (key, node) for key, node in facts.predict_schema.nodes.items()
        }
        for name in GATE:
            key, node = nodes[name]
            context = ExecutionContext(GraphSchema({}), node_name=key)
            config = {**node.uses.get_default_config(), **node.config}
            make = getattr(node.uses, node.constructor_name)
            parts.append(make(config, storage, node.resource or Resource(key), context))
            for text in texts[::2]:
                _through(parts, Message({"text": text}))
            after = own_mb()
            memory[name], before = after - before, after
    took = []
    for text in texts[1::2]:
        message = Message({"text": text})
        began = time.perf_counter()
        _through(parts, message)
        took.append((time.perf_counter() - began) * 1000)
    return {"memory_mb": memory, "ms": took}


def _through(parts: List[Any], message: Message) -> None:
    for part in parts:
        part.process([message])


def main() -> None:
    """Measure as the arguments say."""
    logging.disable(logging.ERROR)
    model, messages, result = (Path(given) for given in sys.argv[1:4])
    found = measure(model, json.loads(messages.read_text(encoding="utf-8")))
    result.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
