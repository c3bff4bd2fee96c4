"""What the clinical gate costs: memory of the process it is in, and time of a typed message."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import List

from bench.figures import Figure, Measured, percentile, spread
from bench.house import clean_environment
from bench.processes import ROOT, BenchError, Process
from bench.start import standing_model

MESSAGES = ROOT / "tests" / "safety" / "heldout"
COUNT, QUICK_COUNT = 600, 150
MEMORY_TARGET_MB, P50_TARGET_MS = 150.0, 15.0
SECONDS = 300.0


def measure(folder: Path, quick: bool) -> Measured:
    """Memory of its own by part and milliseconds a message, in a process of its own.

    Raises:
        BenchError: there is no trained model, or the process failed.
    """
    model = standing_model()
    if model is None:
        raise BenchError("there is no model of the present files: run `make train` first")
    asked, result = folder / "gate.messages.json", folder / "gate.result.json"
    asked.write_text(json.dumps(_texts(QUICK_COUNT if quick else COUNT)), encoding="utf-8")
    line = [sys.executable, "-m", "bench.gate_once", str(model), str(asked), str(result)]
    Process("gate", line, clean_environment()).finish(SECONDS)
    found = json.loads(result.read_text(encoding="utf-8"))
    lists, embedding, classifier, gate = found["memory_mb"].values()
    parts = f"lists {lists:.0f}, embedding {embedding:.0f}, classifier {classifier + gate:.0f}"
    memory = sum(found["memory_mb"].values())
    return Measured(
        [
            Figure("gate, memory", memory, "MB", MEMORY_TARGET_MB, note=parts),
            Figure("gate, typed message, p50", percentile(found["ms"], 0.5), "ms", P50_TARGET_MS),
            Figure("  p95", percentile(found["ms"], 0.95), "ms"),
        ],
        {"memory_mb": found["memory_mb"], "ms": spread(found["ms"])},
    )


def _texts(count: int) -> List[str]:
    """Held-out messages, evenly of every set."""
    texts = []
    for path in sorted(MESSAGES.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            texts += [row["text"] for row in csv.DictReader(stream) if row["text"].strip()]
    return texts[:: max(1, len(texts) // count)]
