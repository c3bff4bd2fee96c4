"""`python -m safety.tune [--epochs N] [--to FILE]`: teach the sentence model our messages.

Learns intents and clinical-or-not from the training data through both views of the embedding, and
writes what changed of the network to `safety/e5_tuning.npz`. Nothing else of what is learned is
kept: the classifier is trained on the vectors as before (`safety.kernel`). Every fifth message is
not looked at (`safety.e5_tuning.kept_apart`), so that chances can be calibrated on messages that
are as new to the network as a patient's.

Takes a quarter of an hour on two cores, and is needed only when much of the language data is new:
`make train` does not do it. The vector that is checked at start-up is another afterwards; it is
said at the end.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Optional, Sequence, Text

from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.loading import load_data
from rich.console import Console

from safety.e5_file import UnreadableWeights, read_weights
from safety.e5_tuning import FILE, kept_apart, tuned, write_changes
from safety.embedding import EmbeddingUnavailable, known_vector, shared_embedder
from safety.tune.learning import Learner, Lesson

EPOCHS = 2


def lessons_of(folder: Path) -> Sequence[Lesson]:
    """The training messages that are looked at, as the sentence model reads them.

    Raises:
        ValueError: there are none.
    """
    embedder = shared_embedder()
    lessons = [
        Lesson(embedder.as_read(message.get(TEXT)), message.get(INTENT))
        for message in load_data(str(folder)).intent_examples
        if not kept_apart(message.get(TEXT))
    ]
    if not lessons:
        raise ValueError(f"no training examples in {folder}")
    return lessons


def main(arguments: Optional[Sequence[Text]] = None) -> int:
    """Exit code: 0, or 1 with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m safety.tune", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/nlu"))
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="times each message is seen")
    parser.add_argument("--to", type=Path, default=FILE)
    given = parser.parse_args(arguments)
    out = Console(stderr=True)
    try:
        learner = Learner(read_weights(), lessons_of(given.data), given.epochs)
    except (ValueError, EmbeddingUnavailable, UnreadableWeights) as error:
        out.print(f"[red]{error}[/red]", soft_wrap=True)
        return 1
    for epoch in range(given.epochs):
        loss = learner.learn(epoch)
        out.print(f"epoch {epoch + 1} of {given.epochs}: loss {loss:.3f}")
    write_changes(learner.changes(), given.to)
    known = ", ".join(f"{number:.4f}" for number in known_vector(tuned(read_weights(), given.to)))
    out.print(f"now set _CHECK_VECTOR in safety/embedding.py to ({known})", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
