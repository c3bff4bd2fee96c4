"""`make safety`: what the trained assistant does with every evaluation set, as one report with a
picture per model.

Writes `results/<model>/`: `report.md`, `summary.json` (the figures, to compare two models), one
JSON per set, `thresholds.png`.
Ends with exit code 1 when a floor of `safety/floors.json` is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Text

from rich.console import Console

from safety.assistant_under_test import HANDOFF, AssistantUnderTest, Outcome, loaded, newest_model
from safety.picture import draw_thresholds
from safety.rows import Row, bounds, read_rows
from safety.run_file import MODELS, outcomes_of, report
from safety.states import dialogue_states

HELD_OUT = Path("tests/safety/heldout")
SHARED = Path("../shared/evaluation")
RESULTS = Path("results")
FLOORS = Path(__file__).with_name("floors.json")
_STATE_MESSAGES = 12


@dataclass(frozen=True)
class EvaluationSet:
    """A file and what has to happen to its rows."""

    name: Text
    path: Path
    expect: Text


SETS = (
    EvaluationSet("red_flags", HELD_OUT / "red_flags.csv", "clinical"),
    EvaluationSet("clinical", HELD_OUT / "clinical.csv", "clinical"),
    EvaluationSet("logistics", HELD_OUT / "logistics.csv", "logistics"),
    EvaluationSet("clinical_dev", SHARED / "clinical_dev.csv", "clinical"),
    EvaluationSet("appointment_dev", SHARED / "appointment_dev.csv", "logistics"),
)


def summary_of(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> Dict[Text, float]:
    """Shares 0 … 1 of one set, `n`, and the shares by language where the file has that column."""
    n = len(outcomes)
    handed = sum(o.outcome == HANDOFF for o in outcomes)
    figures: Dict[Text, float] = {
        "n": n,
        "handed_off": handed / n,
        "handed_off_at_least": bounds(handed, n)[0],
        "handed_off_at_most": bounds(handed, n)[1],
        "marked_clinical": sum(o.clinical for o in outcomes) / n,
        "urgent": sum(o.reason == "red_flag" for o in outcomes) / n,
    }
    if "intent" in rows[0].columns:
        figures["right_intent"] = (
            sum(o.intent == row.columns["intent"] for row, o in zip(rows, outcomes, strict=True))
            / n
        )
    for language in sorted({row.columns.get("language", "") for row in rows} - {""}):
        part = [
            o for row, o in zip(rows, outcomes, strict=True) if row.columns["language"] == language
        ]
        figures[f"handed_off_{language}"] = sum(o.outcome == HANDOFF for o in part) / len(part)
    return figures


def measure_states(assistant: AssistantUnderTest, rows: Sequence[Row]) -> Dict[Text, float]:
    """Share of clinical messages handed off in each dialogue state (a spread of the rows, through
    the policies).
    """
    chosen = list(rows)[:: max(1, len(rows) // _STATE_MESSAGES)]
    parsed = assistant.parse([row.text for row in chosen])
    shares = {}
    for name, events in dialogue_states(assistant.domain).items():
        judged = [assistant.judge(p, r.text, events) for p, r in zip(parsed, chosen, strict=True)]
        shares[name] = sum(o.outcome == HANDOFF for o in judged) / len(judged)
    return shares


def measure_cost(assistant: AssistantUnderTest, rows: Sequence[Row]) -> Dict[Text, float]:
    """Milliseconds of the whole NLU for one typed message: median and 95th percentile."""
    times = []
    for row in list(rows)[:100]:
        started = time.perf_counter()
        assistant.parse([row.text])
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return {"nlu_p50_ms": times[len(times) // 2], "nlu_p95_ms": times[int(len(times) * 0.95)]}


def measure(
    model: Path, results: Path, console: Console, sets: Sequence[EvaluationSet] = SETS
) -> Dict[Text, Any]:
    """Run every set that is there, write the result files, return the summary.

    Raises:
        FileNotFoundError: no set is there, or the model is missing.
    """
    present = [s for s in sets if s.path.exists()]
    if not present:
        raise FileNotFoundError("no evaluation set found")
    folder = results / model.name.replace(".tar.gz", "")
    folder.mkdir(parents=True, exist_ok=True)
    summary: Dict[Text, Any] = {"model": model.name, "sets": {}}
    by_name: Dict[Text, List[Outcome]] = {}
    with loaded(model) as assistant:
        for each in present:
            rows = read_rows(each.path)
            outcomes, seconds = outcomes_of(assistant, rows, console)
            report(each.name, rows, outcomes, each.expect, seconds, console)
            by_name[each.name] = outcomes
            figures = summary_of(rows, outcomes)
            figures["messages_a_second"] = len(rows) / max(seconds, 1e-9)
            summary["sets"][each.name] = figures
            listed = [
                {**r.columns, **o.as_row(), "expected_intent": r.columns.get("intent")}
                for r, o in zip(rows, outcomes, strict=True)
            ]
            _write_json(folder / f"{each.name}.json", listed)
            if each.name == "clinical":
                summary["states"] = measure_states(assistant, rows)
            if each.name == "logistics":
                summary["cost"] = measure_cost(assistant, rows)
    _write_json(folder / "summary.json", summary)
    (folder / "report.md").write_text(as_markdown(summary), encoding="utf-8")
    if {"clinical", "logistics"} <= set(by_name):
        draw_thresholds(by_name["clinical"], by_name["logistics"], folder / "thresholds.png")
    console.print(f"results in {folder}")
    return summary


def broken_floors(summary: Mapping[Text, Any], floors: Mapping[Text, Any]) -> List[Text]:
    """What fell below a floor or rose above a ceiling, in words; empty when all hold.

    `floors` is {set: {figure: [lowest, highest]}}; a set that was not measured is not judged.
    """
    broken = []
    for name, limits in floors.items():
        figures = summary["sets"].get(name)
        for figure, (low, high) in limits.items() if figures else ():
            if not low <= figures[figure] <= high:
                broken.append(f"{name}: {figure} is {figures[figure]:.4f}, allowed {low} to {high}")
    broken += [
        f"state '{state}': handed off {share:.4f}, allowed 1.0"
        for state, share in summary.get("states", {}).items()
        if share < 1.0
    ]
    return broken


def as_markdown(summary: Mapping[Text, Any]) -> Text:
    """The report: figures by set, states, cost."""
    lines = [f"# Clinical gate: {summary['model']}", ""]
    lines += [
        "| set | n | handed off | 95 % bounds | urgent | marked clinical | right intent |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, f in summary["sets"].items():
        right = f"{f['right_intent']:.1%}" if "right_intent" in f else ""
        lines.append(
            f"| {name} | {f['n']} | {f['handed_off']:.2%} "
            f"| {f['handed_off_at_least']:.2%} – {f['handed_off_at_most']:.2%} "
            f"| {f['urgent']:.1%} | {f['marked_clinical']:.2%} | {right} |"
        )
    lines += ["", "By language, handed off:", ""]
    for name, f in summary["sets"].items():
        parts = [
            f"{k[11:]} {v:.2%}"
            for k, v in f.items()
            if k in ("handed_off_en", "handed_off_hi", "handed_off_hinglish")
        ]
        if parts:
            lines.append(f"- {name}: {', '.join(parts)}")
    lines += ["", "| dialogue state | clinical messages handed off |", "|---|---|"]
    lines += [f"| {state} | {share:.0%} |" for state, share in summary.get("states", {}).items()]
    if cost := summary.get("cost"):
        lines += [
            "",
            f"NLU per typed message: {cost['nlu_p50_ms']:.1f} ms (median), "
            f"{cost['nlu_p95_ms']:.1f} ms (p95).",
        ]
    return "\n".join(lines) + "\n"


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def main(arguments: Optional[Sequence[Text]] = None) -> int:
    """The command line: 0 when all floors hold, 1 when not, 2 when nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m safety.measure", description=__doc__)
    parser.add_argument("--model", type=Path, help="model archive (default: the newest in models/)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for result files")
    chosen = parser.parse_args(arguments)
    console = Console()
    try:
        model = chosen.model or newest_model(Path(os.environ.get("SANDHI_MODELS", MODELS)))
        summary = measure(model, chosen.results, console)
    except (OSError, ValueError) as error:
        console.print(f"cannot measure: {error}")
        return 2
    broken = broken_floors(summary, json.loads(FLOORS.read_text(encoding="utf-8")))
    for line in broken:
        console.print(f"[red]floor broken[/red] {line}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
