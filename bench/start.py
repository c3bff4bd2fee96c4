"""How long Sandhi takes to train and to start."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Dict, Optional

from assistant.training import model_path
from bench.figures import Figure, Measured
from bench.house import clean_environment
from bench.processes import BenchError, Process

READY_TARGET_SECONDS = 30.0
TRAINING_SECONDS = 1200.0


def train(folder: Path) -> "tuple[Path, float]":
    """Train into `folder` with nothing remembered from earlier trainings; model and seconds.

    Raises:
        BenchError: training failed.
    """
    env = {**clean_environment(), "RASA_CACHE_DIRECTORY": str(folder / "cache")}
    line = [sys.executable, "-m", "bench.train_once", str(folder)]
    took = Process("train", line, env).finish(TRAINING_SECONDS)
    # not `model_path()`: a file may have been edited while it trained
    models = sorted(folder.glob("*.tar.gz"))
    if not models:
        raise BenchError("training ended without a model; see var/bench/train.rasa.log")
    return models[0], took


def standing_model() -> Optional[Path]:
    """The model that `SANDHI_MODEL` names; else that of the present files, where there is one."""
    given = os.environ.get("SANDHI_MODEL")
    if given:
        return Path(given).resolve()
    path = model_path()
    return path if path.exists() else None


def training_figure(seconds: float) -> Figure:
    """The training's line of the table."""
    return Figure("training", seconds, "s", note="from nothing, imports included")


def start_figures(took: Dict[str, float], first_ms: Optional[float]) -> Measured:
    """What the start of the four processes shows."""
    measured = Measured(details={"start_seconds": took, "first_message_ms": first_ms})
    each = ", ".join(f"{name} {took[name]:.1f}" for name in ("actions", "inbox", "assistant"))
    measured.add(
        Figure("start until all are ready", took["ready"], "s", READY_TARGET_SECONDS, note=each),
        Figure("database set up and seeded", took["database"], "s"),
    )
    if first_ms is not None:
        measured.add(Figure("first message after the start", first_ms, "ms"))
    return measured


def memory_figures(resident: Dict[str, int]) -> Measured:
    """The most resident memory each process was seen with."""
    if not resident:
        raise BenchError("no process was running")
    megabytes = {name: size / 2**20 for name, size in resident.items()}
    each = ", ".join(f"{name} {size:.0f}" for name, size in megabytes.items())
    total = Figure("resident memory of all four", sum(megabytes.values()), "MB", note=each)
    return Measured([total], {"resident_mb": megabytes})
