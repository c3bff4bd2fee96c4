"""`python -m bench` (`make bench`): measure, print a table, write `results/bench.json`."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Set

import typer

from bench import conversation, gate, inbox, latency, reminders, start, throughput, webhook
from bench.baseline import Baseline, prepared
from bench.figures import Measured, as_json, table
from bench.house import House
from bench.patient import Line, checked_phrases
from bench.phrases import patient_phrases
from bench.processes import LOGS, ROOT, BenchError
from bench.run import Run

RESULTS = ROOT / "results" / "bench.json"
NAMES = ("start", "webhook", "latency", "throughput", "conversation", "gate", "reminders", "inbox")
# they need a database and a process or two, and no assistant
WITHOUT_HOUSE: Dict[str, Callable[[Path, bool], Measured]] = {
    "gate": gate.measure,
    "reminders": reminders.measure,
    "inbox": inbox.measure,
}
ONLY_HELP = f"One of {', '.join(NAMES)}; may be repeated."
# the heaviest last: what it leaves behind would be others' load
IN_HOUSE: Dict[str, Callable[[Run], Measured]] = {
    "latency": latency.measure,
    "conversation": conversation.measure,
    "throughput": throughput.measure,
    "webhook": webhook.measure,
}


class Bench:
    """One run of the bench, its findings by name."""

    def __init__(self, only: Set[str], quick: bool, simulator: bool, delay: float) -> None:
        self._only = only
        self._quick = quick
        self._simulator = simulator
        self._delay = delay
        self.found: Dict[str, Measured] = {}
        self.problems: List[str] = []

    def run(self, folder: Path) -> None:
        """Measure everything that was asked for; what fails is a problem, not the end."""
        if self._only - WITHOUT_HOUSE.keys():
            model = self._attempt("start", lambda: self._model(folder))
            if model is not None:
                self._attempt("house", lambda: self._in_house(folder, model))
        for name, measure in WITHOUT_HOUSE.items():
            if name in self._only:
                say(f"measuring {name}")
                found = self._attempt(name, partial(measure, folder, self._quick))
                if found is not None:
                    self.found[name] = found
        if "throughput" in self._only and not self._quick:
            self._attempt("baseline", lambda: self._baseline(folder))

    def _attempt(self, name: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except BenchError as error:
            self.problems.append(f"{name}: {error}")
            say(f"{name}: {error}")
            return None

    def _model(self, folder: Path) -> Path:
        """The model to serve; trained for the figure, or because there is none."""
        model = start.standing_model()
        if "start" in self._only or model is None:
            say("training Sandhi's model from nothing")
            try:
                trained, took = start.train(folder / "model")
            except BenchError as error:
                if model is None:
                    raise
                self.problems.append(f"training: {error}")
                return model
            self.found["training"] = Measured([start.training_figure(took)])
            model = model or trained
        return model

    def _in_house(self, folder: Path, model: Path) -> None:
        house = House(folder, model, self._simulator, self._delay)
        try:
            say("starting Sandhi")
            took = house.start()
            line = Line(house)
            checked = checked_phrases(house, line, patient_phrases())
            for text, why in checked.left_out.items():
                say(f"left out ({why}): {text}")
            if "start" in self._only:
                self.found["start"] = start.start_figures(took, checked.first_ms)
            run = Run(house, line, checked.good, folder, self._quick)
            for name, measure in IN_HOUSE.items():
                if name in self._only:
                    say(f"measuring {name}")
                    found = self._attempt(name, partial(measure, run))
                    if found is not None:
                        self.found[name] = found
            house.note_resident()
            self.found["memory"] = start.memory_figures(house.most_resident)
            self.found["memory"].details["left_out"] = checked.left_out
        finally:
            house.stop()

    def _baseline(self, folder: Path) -> None:
        say("preparing rasa init's assistant (its first training takes minutes)")
        baseline = Baseline(prepared())
        try:
            ready = baseline.start()
            say("measuring rasa init's assistant")
            rates = throughput.measure_baseline(baseline, folder, self._quick)
        finally:
            baseline.stop()
        ours = self.found.get("throughput")
        rate = ours.details["messages_per_second"] if ours else None
        self.found["baseline"] = throughput.baseline_figures(
            rate, rates, ready, baseline.training_seconds
        )


ORDER = (
    "training",
    "start",
    "memory",
    "webhook",
    "latency",
    "conversation",
    "throughput",
    "gate",
    "reminders",
    "inbox",
    "baseline",
)


def say(words: str) -> None:
    """Tell what is being done, beside the table."""
    print(words, file=sys.stderr, flush=True)


def main(
    only: Optional[List[str]] = typer.Option(None, "--only", metavar="NAME", help=ONLY_HELP),
    quick: bool = typer.Option(False, "--quick", help="10 s instead of 60 s, and no baseline."),
    simulator: bool = typer.Option(
        False, "--simulator", help="Send to the strict simulator; its cost counts then."
    ),
    graph_delay: float = typer.Option(
        0.0, "--graph-delay", metavar="MS", help="How long the Graph stand-in takes to answer."
    ),
) -> None:
    """Measure Sandhi's speed on this machine, against rasa init's assistant."""
    asked = set(only or NAMES)
    if not asked <= set(NAMES):
        raise typer.BadParameter(f"--only takes {', '.join(NAMES)}")
    # ended from outside, still end what was started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    LOGS.mkdir(parents=True, exist_ok=True)
    # beside the real database, so that the same disk is measured
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=LOGS))
    machine = _machine()
    bench = Bench(asked, quick, simulator, graph_delay / 1000)
    try:
        bench.run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    figures = [
        figure for name in ORDER if name in bench.found for figure in bench.found[name].figures
    ]
    print(table(figures))
    for problem in bench.problems:
        print(f"not measured: {problem}")
    options = {
        "only": sorted(asked),
        "quick": quick,
        "simulator": simulator,
        "graph_delay_ms": graph_delay,
    }
    _write(
        {
            "machine": machine,
            "options": options,
            "figures": as_json(figures),
            "details": {name: found.details for name, found in bench.found.items()},
            "problems": bench.problems,
        }
    )
    if bench.problems:
        sys.exit(1)


def _machine() -> Dict[str, Any]:
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _write(results: Dict[str, Any]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(results, ensure_ascii=False, indent=1)
    RESULTS.write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
