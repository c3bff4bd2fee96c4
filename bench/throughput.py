"""How many messages a second are answered, beside `rasa init`'s assistant."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional

from bench.baseline import Baseline
from bench.figures import AT_LEAST, Figure, Measured, spread
from bench.patient import fresh_phones
from bench.phrases import baseline_texts
from bench.run import Run, load

CONTACTS = 300
TARGET_RATIO = 5.0
# until every contact has written and heard at least once
WARM_SHARE = 0.3
PATIENCE_SECONDS = 120.0


def _seconds(quick: bool) -> int:
    return 10 if quick else 40


def measure(run: Run) -> Measured:
    """Sandhi's messages a second with 300 contacts, each writing again once it has its answer.

    Raises:
        BenchError: the load could not be sent, or a process died.
    """
    phones = fresh_phones(CONTACTS)
    run.house.graph().expect(phones)
    handled = run.house.handled()
    plan: Dict[str, Any] = {
        "kind": "webhook",
        "url": run.house.webhook,
        "secret": run.house.secret,
        "graph": run.house.place,
        "phones": phones,
        "texts": [phrase.text for phrase in run.phrases],
        "seconds": _seconds(run.quick),
    }
    found = load("throughput", plan, run.folder, plan["seconds"] + PATIENCE_SECONDS)
    run.house.note_resident()
    rate = rate_of(found)
    details = {
        "messages_per_second": rate,
        "answer_ms": spread(found["ms"]),
        "answered": len(found["at"]),
        "turns_committed": run.house.handled() - handled,
        "unanswered": found["unanswered"],
    }
    note = f"{CONTACTS} contacts at once, {len(found['at'])} answered at the Graph"
    return Measured(
        [
            Figure("Sandhi", rate, "messages/s", note=note),
            Figure("  not answered", found["unanswered"], "", 0),
        ],
        details,
    )


def measure_baseline(baseline: Baseline, folder: Path, quick: bool) -> Dict[str, Any]:
    """The same of `rasa init`'s assistant over REST."""
    plan: Dict[str, Any] = {
        "kind": "rest",
        "url": baseline.webhook,
        "phones": [f"bench-{number}" for number in range(CONTACTS)],
        "texts": baseline_texts(),
        "seconds": _seconds(quick),
    }
    found = load("baseline", plan, folder, plan["seconds"] + PATIENCE_SECONDS)
    return {
        "messages_per_second": rate_of(found),
        "answer_ms": spread(found["ms"]),
        "answered": len(found["at"]),
        "unanswered": found["unanswered"],
    }


def baseline_figures(
    sandhi: Optional[float], found: Dict[str, Any], start_seconds: float, training_seconds: float
) -> Measured:
    """The baseline's lines of the table; `sandhi` is Sandhi's messages a second."""
    rate = found["messages_per_second"]
    measured = Measured(details={**found, "start_seconds": start_seconds})
    measured.details["training_seconds"] = training_seconds
    note = f"over REST, {CONTACTS} contacts at once, {found['unanswered']} not answered"
    measured.add(Figure("rasa init's assistant", rate, "messages/s", note=note))
    if sandhi is not None and rate > 0:
        ratio = Figure("  Sandhi against it", sandhi / rate, "×", TARGET_RATIO, AT_LEAST)
        measured.add(ratio)
    measured.add(
        Figure("  its start", start_seconds, "s"),
        Figure("  its training", training_seconds, "s", note="`rasa init`, once, imports included"),
    )
    return measured


def rate_of(found: Dict[str, Any]) -> float:
    """Answers a second of a closed loop, its beginning left out."""
    warm = found["start"] + (found["end"] - found["start"]) * WARM_SHARE
    counted = sum(warm <= at <= found["end"] for at in found["at"])
    return float(counted / ((found["end"] - warm) / 1e9))
