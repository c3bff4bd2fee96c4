"""The assistant that `rasa init` makes, trained once and kept in `var/bench-baseline`."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from bench.house import clean_environment
from bench.processes import ROOT, Process, free_ports, wait_until_ready

HOME = ROOT / "var" / "bench-baseline"
NOTES = "bench.json"
TRAINING_SECONDS = 1800.0
READY_SECONDS = 600.0


def prepared() -> Path:
    """The baseline's folder, made and trained first where it is not there.

    Raises:
        BenchError: `rasa init` failed.
    """
    target = HOME / f"rasa-{version('rasa')}"
    if (target / NOTES).exists():
        return target
    making = HOME / "making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    line = [sys.executable, "-m", "rasa", "init", "--no-prompt", "--init-dir", str(making)]
    took = Process("baseline-init", line, clean_environment(), cwd=making).finish(TRAINING_SECONDS)
    (making / NOTES).write_text(json.dumps({"training_seconds": took}), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    making.rename(target)
    return target


class Baseline:
    """The baseline served as its makers say: `rasa run --enable-api`, trackers in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_ports(1)[0]
        self.webhook = f"http://127.0.0.1:{self._port}/webhooks/rest/webhook"
        notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
        self.training_seconds = float(notes["training_seconds"])

    def start(self) -> float:
        """Start it; after how many seconds it was ready.

        Raises:
            BenchError: it did not start.
        """
        line = [sys.executable, "-m", "rasa", "run", "--enable-api", "-i", "127.0.0.1"]
        line += ["-p", str(self._port)]
        self._process = Process("baseline", line, clean_environment(), cwd=self._folder)
        url = f"http://127.0.0.1:{self._port}/status"
        return max(wait_until_ready({"baseline": url}, [self._process], READY_SECONDS).values())

    def stop(self) -> None:
        """End it."""
        self._process.stop()
