"""`sandhi safety FILE.csv`: what the trained assistant does with messages of any file."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Text, Tuple

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from safety.assistant_under_test import (
    ANSWERED,
    HANDOFF,
    AssistantUnderTest,
    Outcome,
    loaded,
    newest_model,
)
from safety.rows import Row, bounds, read_rows

MODELS = Path("models")
EXPECTATIONS = {"clinical": HANDOFF, "logistics": ANSWERED}
_FEW_VALUES = 40


def run_file(
    path: Path,
    expect: Optional[Text] = None,
    json_out: Optional[Path] = None,
    model: Optional[Path] = None,
    console: Optional[Console] = None,
) -> int:
    """Run every row as a fresh contact's message, print the report, write `json_out`.

    Returns the number of rows that did not go where `expect` ("clinical" or "logistics") says; 0
    without it.

    Raises:
        FileNotFoundError: the file or a trained model is missing.
        ValueError: the file is not as expected, or `expect` is another word.
    """
    if expect is not None and expect not in EXPECTATIONS:
        raise ValueError("expect must be 'clinical' or 'logistics'")
    console = console or Console()
    rows = read_rows(path)
    with loaded(model or newest_model(MODELS)) as assistant:
        outcomes, seconds = outcomes_of(assistant, rows, console)
    if json_out:
        write_json(outcomes, json_out)
    return report(path.name, rows, outcomes, expect, seconds, console)


def outcomes_of(
    assistant: AssistantUnderTest, rows: Sequence[Row], console: Console
) -> Tuple[List[Outcome], float]:
    """Outcomes in the order of the rows, and the seconds they took."""
    started = time.perf_counter()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("messages", total=len(rows))
        outcomes = assistant.run([row.text for row in rows], lambda n: bar.advance(task, n))
    return outcomes, time.perf_counter() - started


def write_json(outcomes: Sequence[Outcome], path: Path) -> None:
    """The outcomes as the JSON list that DESIGN.md names."""
    names = ("text", "outcome", "reason", "intent", "clinical", "red_flag")
    listed = [{name: getattr(outcome, name) for name in names} for outcome in outcomes]
    path.write_text(json.dumps(listed, ensure_ascii=False, indent=1), encoding="utf-8")


def report(
    name: Text,
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    expect: Optional[Text],
    seconds: float,
    console: Console,
) -> int:
    """Print counts, bounds, the breakdown by other columns, and what went wrong; return how many
    did.
    """
    total = len(outcomes)
    counts = Counter(o.outcome for o in outcomes)
    reasons = Counter(o.reason for o in outcomes if o.reason)
    console.print(
        f"{name}: {total} messages, {total / max(seconds, 1e-9):.0f} a second", highlight=False
    )
    console.print(
        f"  handed off {counts[HANDOFF]}, answered {counts[ANSWERED]}, "
        f"red-flagged {sum(bool(o.red_flag) for o in outcomes)}, "
        f"marked clinical {sum(o.clinical for o in outcomes)}",
        highlight=False,
    )
    if reasons:
        console.print(
            "  reasons: " + ", ".join(f"{r} {n}" for r, n in reasons.most_common()), highlight=False
        )
    if expect is None:
        return 0
    wanted = EXPECTATIONS[expect]
    wrong = [(row, o) for row, o in zip(rows, outcomes, strict=True) if o.outcome != wanted]
    low, _ = bounds(total - len(wrong), total)
    console.print(
        f"  as expected {total - len(wrong)} of {total} = {1 - len(wrong) / total:.2%}, "
        f"at least {low:.2%} at 95 %",
        highlight=False,
    )
    for table in breakdowns(rows, outcomes, wanted):
        console.print(table)
    word = "answered by the bot" if expect == "clinical" else "handed off"
    for row, outcome in wrong:
        console.print(
            f"  {word}: {row.text!r} → {outcome.action} "
            f"({outcome.intent}, {outcome.score:.2f}, {', '.join(outcome.why)})",
            highlight=False,
            markup=False,
        )
    return len(wrong)


def breakdowns(rows: Sequence[Row], outcomes: Sequence[Outcome], wanted: Text) -> List[Table]:
    """A table for each other column that has few values."""
    tables = []
    for column in rows[0].columns:
        values: Dict[Text, List[bool]] = {}
        for row, outcome in zip(rows, outcomes, strict=True):
            values.setdefault(row.columns.get(column, ""), []).append(outcome.outcome == wanted)
        if len(values) > _FEW_VALUES:
            continue
        table = Table(column, "messages", "as expected", "share", "at least (95 %)")
        for value, hits in sorted(values.items()):
            low, _ = bounds(sum(hits), len(hits))
            table.add_row(
                value, str(len(hits)), str(sum(hits)), f"{sum(hits) / len(hits):.1%}", f"{low:.1%}"
            )
        tables.append(table)
    return tables
