"""How well intents are recognised (`make nlu-report`): figures, confusions and a picture.

Measured on messages that were written apart from the training data
(`tests/safety/heldout/logistics.csv`, `clinical.csv`), through the trained model's whole NLU.
Clinical kinds are for staff to sort by; what matters for safety is measured by `make safety`.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Dict, List, Tuple

from rasa.core.agent import Agent
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.metrics import ConfusionMatrixDisplay, classification_report

from assistant.training import ROOT, model_path

HELDOUT = ROOT / "tests" / "safety" / "heldout"
RESULTS = ROOT / "results"
MOST_CONFUSIONS = 15
out = Console(highlight=False)


def read(name: str) -> List[Dict[str, str]]:
    """The rows of a held-out set."""
    with (HELDOUT / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predict(agent: Agent, rows: List[Dict[str, str]], what: str) -> List[str]:
    """The intent of each row by the model, in order."""

    async def parse(text: str) -> str:
        return str((await agent.parse_message(text))["intent"]["name"])

    loop = asyncio.new_event_loop()
    return [loop.run_until_complete(parse(row["text"])) for row in track(rows, what, console=out)]


def right_by_language(rows: List[Dict[str, str]], predicted: List[str]) -> Dict[str, float]:
    """Share of right intents for each language."""
    counts: Dict[str, List[bool]] = defaultdict(list)
    for row, intent in zip(rows, predicted, strict=True):
        counts[row["language"]].append(row["intent"] == intent)
    return {language: sum(hits) / len(hits) for language, hits in sorted(counts.items())}


def confusions(rows: List[Dict[str, str]], predicted: List[str]) -> List[Tuple[str, str, int]]:
    """Intent, what it was taken for, how often; the most frequent first."""
    wrong = Counter(
        (row["intent"], intent)
        for row, intent in zip(rows, predicted, strict=True)
        if row["intent"] != intent
    )
    return [(said, taken, n) for (said, taken), n in wrong.most_common(MOST_CONFUSIONS)]


def picture(rows: List[Dict[str, str]], predicted: List[str], path: Path) -> None:
    """Write the confusion matrix as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    labels = sorted({row["intent"] for row in rows} | set(predicted))
    figure, axes = pyplot.subplots(figsize=(14, 13))
    ConfusionMatrixDisplay.from_predictions(
        [row["intent"] for row in rows],
        predicted,
        labels=labels,
        xticks_rotation="vertical",
        cmap="Greens",
        colorbar=False,
        ax=axes,
    )
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def report(agent: Agent, name: str) -> Dict[str, Any]:
    """Measure one set, print and picture it."""
    rows = read(name)
    predicted = predict(agent, rows, f"Reading {name}")
    said = [row["intent"] for row in rows]
    figures = classification_report(said, predicted, output_dict=True, zero_division=0)
    right = sum(a == b for a, b in zip(said, predicted, strict=True)) / len(rows)
    table = Table("intent", "precision", "recall", "messages", title=f"{name}: {right:.1%} right")
    for intent in sorted(set(said)):
        line = figures[intent]
        table.add_row(
            intent, f"{line['precision']:.2f}", f"{line['recall']:.2f}", f"{line['support']:.0f}"
        )
    out.print(table)
    languages = right_by_language(rows, predicted)
    out.print("  ".join(f"{language} {share:.1%}" for language, share in languages.items()))
    for intent, taken, count in confusions(rows, predicted):
        out.print(f"  {count:3} × {intent} taken for {taken}")
    picture(rows, predicted, RESULTS / f"nlu-{name}.png")
    return {"right": right, "languages": languages, "figures": figures}


def main() -> int:
    """Print the report and write results/nlu-report.json and the pictures."""
    model = model_path()
    if not model.exists():
        Console(stderr=True).print("There is no model of the present files: run `make train`.")
        return 1
    RESULTS.mkdir(exist_ok=True)
    agent = Agent.load(str(model))
    results = {name: report(agent, name) for name in ("logistics", "clinical")}
    path = RESULTS / "nlu-report.json"
    path.write_text(json.dumps({"model": model.name, **results}, indent=1), encoding="utf-8")
    out.print(f"Written: {path.relative_to(ROOT)} and the pictures beside it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
