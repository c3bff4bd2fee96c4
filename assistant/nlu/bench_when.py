"""`python -m assistant.nlu.bench_when`: how long `understand` takes a message.

Messages are the training examples, each read once in a shuffled order, caches cold at first.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import List
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

from assistant.nlu.when import understand

DATA = Path(__file__).resolve().parents[2] / "data" / "nlu"


def examples() -> List[str]:
    """Every example message of the training data."""
    found: List[str] = []
    for path in sorted(DATA.glob("*/*.yml")):
        for block in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["nlu"]:
            if "intent" in block:
                found.extend(line[2:] for line in block["examples"].splitlines())
    return found


def main() -> None:
    """Prints the number of messages and the 50th, 95th and 99th percentile and most, in ms."""
    zone = ZoneInfo("Asia/Kolkata")
    now = datetime.now(zone)
    messages = examples()
    random.Random(1).shuffle(messages)  # noqa: S311
    started = time.perf_counter()
    understand("24 nov", now, zone)
    first = (time.perf_counter() - started) * 1000
    taken = []
    for message in messages:
        started = time.perf_counter()
        understand(message, now, zone)
        taken.append((time.perf_counter() - started) * 1000)
    cuts = statistics.quantiles(taken, n=100)
    sys.stdout.write(
        f"{len(messages)} messages: p50 {cuts[49]:.3f} ms, p95 {cuts[94]:.3f} ms, "
        f"p99 {cuts[98]:.3f} ms, most {max(taken):.1f} ms; first call {first:.0f} ms\n"
    )


if __name__ == "__main__":
    main()
