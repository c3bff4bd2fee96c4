"""The picture of the trade: misses against false handoffs over the threshold of the classifier."""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np

from safety.assistant_under_test import HANDOFF, Outcome
from safety.decision import Thresholds


def shares(
    clinical: Sequence[Outcome], logistics: Sequence[Outcome], thresholds: Sequence[float]
) -> Tuple[List[float], List[float]]:
    """Misses and false handoffs (0 … 1) if the bot stopped answering at each score.

    What went to a person for another reason than the score (lexicon, request, unknown script) stays
    there.
    """

    def handed(outcome: Outcome, threshold: float) -> bool:
        by_score = bool(outcome.why) and all(
            code in ("model:doubt", "model:clinical") for code in outcome.why
        )
        if outcome.score >= threshold:
            return True
        return outcome.outcome == HANDOFF and not by_score

    misses = [float(np.mean([not handed(o, t) for o in clinical])) for t in thresholds]
    false = [float(np.mean([handed(o, t) for o in logistics])) for t in thresholds]
    return misses, false


def draw_thresholds(clinical: Sequence[Outcome], logistics: Sequence[Outcome], path: Path) -> None:
    """Write the PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    thresholds = [float(t) for t in np.geomspace(0.005, 0.9, 60)]
    misses, false = shares(clinical, logistics, thresholds)
    figure = Figure(figsize=(7, 4.2), dpi=120)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(111)
    axes.plot(
        thresholds,
        np.array(misses) * 100,
        color="#b3261e",
        label="clinical messages answered (misses)",
    )
    axes.plot(
        thresholds,
        np.array(false) * 100,
        color="#1f5faa",
        label="logistics handed off (false handoffs)",
    )
    axes.axvline(Thresholds().doubt, color="#555555", linestyle=":", label="the threshold in use")
    axes.set_xscale("log")
    axes.set_xlabel("chance of clinical from which the bot does not answer")
    axes.set_ylabel("% of messages")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path)
