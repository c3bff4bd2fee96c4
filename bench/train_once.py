"""Trains the model of the present files into a folder: `python -m bench.train_once FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from assistant import training


def main() -> None:
    """Train; Rasa's messages go to `train.rasa.log` beside the bench's other logs."""
    training.MODELS = Path(sys.argv[1])
    training.train(training.ROOT / "var" / "bench" / "train.rasa.log")


if __name__ == "__main__":
    main()
