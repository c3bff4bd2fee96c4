"""What was measured, as a table for people and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Sequence

AT_MOST, AT_LEAST = "≤", "≥"


@dataclass(frozen=True)
class Figure:
    """One number; `target` with `better` (AT_MOST or AT_LEAST) decides whether it passes."""

    name: str
    value: float
    unit: str
    target: Optional[float] = None
    better: str = AT_MOST
    note: str = ""

    @property
    def passed(self) -> Optional[bool]:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        if self.better == AT_MOST:
            return self.value <= self.target
        return self.value >= self.target


@dataclass
class Measured:
    """What one measurement found: the figures of the table, and what lies behind them."""

    figures: List[Figure] = field(default_factory=list)
    details: Dict[str, Any] = field(default_factory=dict)

    def add(self, *figures: Figure) -> None:
        """Add figures to the table."""
        self.figures.extend(figures)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all are not above (nearest rank).

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def spread(values: Sequence[float]) -> Dict[str, float]:
    """How values lie: count, p50, p90, p99, most; only the count where there are none."""
    if not values:
        return {"count": 0}
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}
    points = {name: round(percentile(values, share), 2) for name, share in shares.items()}
    return {"count": len(values), **points}


def table(figures: Sequence[Figure]) -> str:
    """The figures, one a line, under their headings."""
    head = ("", "measured", "target", "")
    rows = [head] + [
        (
            figure.name,
            _amount(figure.value, figure.unit),
            ""
            if figure.target is None
            else f"{figure.better} {_amount(figure.target, figure.unit)}",
            {None: "", True: "PASS", False: "MISS"}[figure.passed],
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    notes = ["", *(figure.note for figure in figures)]
    for row, note in zip(rows, notes, strict=True):
        name, measured, target, verdict = row
        line = (
            f"{name:<{widths[0]}}  {measured:>{widths[1]}}  {target:>{widths[2]}}  "
            f"{verdict:<{widths[3]}}  {note}"
        )
        lines.append(line.rstrip())
    return "\n".join(lines)


def as_json(figures: Sequence[Figure]) -> List[Dict[str, Any]]:
    """The figures for `results/bench.json`."""
    return [{**asdict(figure), "passed": figure.passed} for figure in figures]


def _amount(value: float, unit: str) -> str:
    digits = 0 if value == int(value) or abs(value) >= 100 else 1
    if abs(value) < 10 and value != int(value):
        digits = 2
    return f"{value:,.{digits}f} {unit}".rstrip()
