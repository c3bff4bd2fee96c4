"""Message files that the gate is measured on, and the bounds of what they show."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Text, Tuple

from scipy.stats import beta


@dataclass(frozen=True)
class Row:
    """One message with the other columns of its file."""

    text: Text
    columns: Dict[Text, Text]


def read_rows(path: Path) -> List[Row]:
    """The rows of a UTF-8 CSV with a header that has a column `text`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not UTF-8, has no column `text`, or has no rows.
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if "text" not in (reader.fieldnames or ()):
            raise ValueError(f"{path.name} has no column 'text'")
        rows = [
            Row(row.pop("text") or "", {k: v or "" for k, v in row.items() if k is not None})
            for row in reader
        ]
    if not rows:
        raise ValueError(f"{path.name} has no rows")
    return rows


def bounds(hits: int, total: int, confidence: float = 0.95) -> Tuple[float, float]:
    """One-sided Clopper-Pearson bounds of a share, each at the given confidence: (lower, upper)."""
    if total == 0:
        return 0.0, 1.0
    low = 0.0 if hits == 0 else float(beta.ppf(1 - confidence, hits, total - hits + 1))
    high = 1.0 if hits == total else float(beta.ppf(confidence, hits + 1, total - hits))
    return low, high
