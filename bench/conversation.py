"""Whether a long conversation grows slow: 300 messages of one contact."""

from __future__ import annotations

from typing import Dict, List

from bench.figures import Figure, Measured, percentile, spread
from bench.patient import fresh_phones
from bench.phrases import Phrase
from bench.processes import BenchError
from bench.run import Run

MESSAGES, YOUNG_MESSAGES = 300, 15
EARLY, LATE = slice(4, 15), slice(289, 300)
TARGET = 1.5
# both windows hold the same phrases when the phrases repeat after a divisor of their distance
CYCLES = (57, 19, 15, 5)


def measure(run: Run) -> Measured:
    """Compare messages 290 to 300 of a conversation with messages 5 to 15 of a young one.

    The young one is held while the old one ends, message by message in turns, so that whatever
    else the machine does weighs on both.

    Raises:
        BenchError: a message was not answered.
    """
    old, young = fresh_phones(2)
    run.house.graph().expect([old, young])
    phrases = _cycle(run.phrases)
    took: Dict[str, List[float]] = {old: [], young: []}

    def write(phone: str) -> None:
        number = len(took[phone])
        heard = run.line.write(phone, phrases[number % len(phrases)].text)
        if heard is None:
            raise BenchError(f"message {number + 1} of a long conversation was not answered")
        took[phone].append(heard.ms)

    for number in range(MESSAGES):
        write(old)
        if number >= MESSAGES - YOUNG_MESSAGES:
            write(young)
    early, late = percentile(took[young][EARLY], 0.5), percentile(took[old][LATE], 0.5)
    figure = Figure(
        "message 300 against message 10",
        late / early,
        "×",
        TARGET,
        note=f"p50 of 290–300 {late:.0f} ms, of 5–15 {early:.0f} ms",
    )
    quarters = {f"{at + 1}-{at + 75}": spread(took[old][at : at + 75]) for at in range(0, 300, 75)}
    return Measured([figure], {"ms": quarters, "early_ms": early, "late_ms": late})


def _cycle(phrases: List[Phrase]) -> List[Phrase]:
    length = next(size for size in CYCLES if size <= len(phrases))
    # phrases of all kinds, not the first ones of the file
    return [phrases[position * len(phrases) // length] for position in range(length)]
