"""Whether a long conversation grows slow: 300 messages of one contact."""

from __future__ import annotations

from typing import List

from bench.figures import Figure, Measured, percentile, spread
from bench.patient import endless, fresh_phones
from bench.phrases import Phrase
from bench.processes import BenchError
from bench.run import Run

MESSAGES = 300
EARLY, LATE = slice(4, 15), slice(289, 300)
TARGET = 1.5
# both windows hold the same phrases when the phrases repeat after a divisor of their distance
CYCLES = (57, 19, 15, 5)


def measure(run: Run) -> Measured:
    """Compare messages 290 to 300 with messages 5 to 15 of the same conversation.

    Raises:
        BenchError: a message was not answered.
    """
    phone = fresh_phones(1)[0]
    run.house.graph().expect([phone])
    took: List[float] = []
    phrases = endless(_cycle(run.phrases))
    for number in range(1, MESSAGES + 1):
        heard = run.line.write(phone, next(phrases).text)
        if heard is None:
            raise BenchError(f"message {number} of the long conversation was not answered")
        took.append(heard.ms)
    early, late = percentile(took[EARLY], 0.5), percentile(took[LATE], 0.5)
    figure = Figure(
        "message 300 against message 10",
        late / early,
        "×",
        TARGET,
        note=f"p50 of 290–300 {late:.0f} ms, of 5–15 {early:.0f} ms",
    )
    quarters = {f"{at + 1}-{at + 75}": spread(took[at : at + 75]) for at in range(0, 300, 75)}
    return Measured([figure], {"ms": quarters, "early_ms": early, "late_ms": late})


def _cycle(phrases: List[Phrase]) -> List[Phrase]:
    length = next(size for size in CYCLES if size <= len(phrases))
    # phrases of all kinds, not the first ones of the file
    return [phrases[position * len(phrases) // length] for position in range(length)]
