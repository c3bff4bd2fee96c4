"""What the measurements of one run share."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List

from bench.house import House, clean_environment
from bench.patient import Line
from bench.phrases import Phrase
from bench.processes import Process


@dataclass
class Run:
    """One run: a house that is ready, phrases it answers, and a folder for what is passing."""

    house: House
    line: Line
    phrases: List[Phrase]
    folder: Path
    quick: bool


def load(name: str, plan: Dict[str, Any], folder: Path, seconds: float) -> Dict[str, Any]:
    """Carry out a plan of `bench.load` in a process of its own; what it found.

    Raises:
        BenchError: it failed or took longer than `seconds`.
    """
    asked, found = folder / f"{name}.plan.json", folder / f"{name}.result.json"
    asked.write_text(json.dumps(plan), encoding="utf-8")
    line = [sys.executable, "-m", "bench.load", str(asked), str(found)]
    Process(f"load-{name}", line, clean_environment()).finish(seconds)
    return dict(json.loads(found.read_text(encoding="utf-8")))
