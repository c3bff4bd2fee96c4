"""From the webhook to the Graph, one message at a time: questions, and taps of a booking."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from bench.figures import AT_LEAST, Figure, Measured, percentile, spread
from bench.patient import Heard, endless, fresh_phones
from bench.phrases import booking_name, booking_opening
from bench.processes import BenchError
from bench.run import Run

QUESTION_TARGET_MS = 60.0
TAP_TARGET_MS = 80.0
# a contact asks a few things, so most turns have a past
QUESTIONS_EACH = 4
BOOKING_STEPS = ("category", "day", "time")
# each patient takes another row, none of them the last ("more")
ROWS_USED = 4


def measure(run: Run) -> Measured:
    """Ask the questions, then make the bookings.

    Raises:
        BenchError: nothing is answered.
    """
    measured = Measured()
    asked = _questions(run, 24 if run.quick else 120)
    measured.add(
        Figure(
            "question to its answer, p50",
            percentile(asked, 0.5),
            "ms",
            QUESTION_TARGET_MS,
            note=f"{len(asked)} one at a time, p99 {percentile(asked, 0.99):.0f} ms",
        )
    )
    bookings = _bookings(run, 4 if run.quick else 20)
    taps = bookings.pop("taps")
    if not taps:
        raise BenchError("no tap of a booking was answered; see var/bench/")
    measured.add(
        Figure(
            "booking tap to its answer, p50",
            percentile(taps, 0.5),
            "ms",
            TAP_TARGET_MS,
            note=f"{len(taps)} taps of whole bookings, p99 {percentile(taps, 0.99):.0f} ms",
        )
    )
    measured.add(Figure("  bookings made", bookings["finished"], "", bookings["begun"], AT_LEAST))
    measured.details = {"question_ms": spread(asked), "tap_ms": spread(taps), **bookings}
    return measured


def _questions(run: Run, count: int) -> List[float]:
    phones = fresh_phones(count // QUESTIONS_EACH)
    run.house.graph().expect(phones)
    phrases = endless([phrase for phrase in run.phrases if phrase.is_question])
    heard: List[Optional[Heard]] = [
        run.line.write(phone, next(phrases).text) for _ in range(QUESTIONS_EACH) for phone in phones
    ]
    answered = [one.ms for one in heard if one is not None]
    if not answered:
        raise BenchError("no question was answered; see var/bench/")
    return answered


def _bookings(run: Run, count: int) -> Dict[str, Any]:
    phones = fresh_phones(count)
    run.house.graph().expect(phones)
    standing = run.house.booked()
    steps: Dict[int, List[float]] = {}
    for position, phone in enumerate(phones):
        for step, ms in enumerate(_book(run, phone, position), start=1):
            steps.setdefault(step, []).append(ms)
    return {
        "taps": [ms for values in steps.values() for ms in values],
        "tap_ms_by_step": {str(step): spread(values) for step, values in steps.items()},
        "begun": count,
        "finished": run.house.booked() - standing,
    }


def _book(run: Run, phone: str, position: int) -> List[float]:
    """Go through a booking: tap what is offered, write the name, tap "yes"; ms of each tap."""
    taps: List[float] = []
    heard = run.line.write(phone, booking_opening().text)
    for _ in BOOKING_STEPS:
        if heard is None or not heard.choices:
            break
        # a day with two times left offers buttons; the last choice is "another day" or "more"
        rows = min(ROWS_USED, max(1, len(heard.choices) - 1))
        heard = run.line.tap(phone, heard.choices[position % rows])
        taps += [heard.ms] if heard else []
    heard = run.line.write(phone, booking_name())
    if heard is not None and heard.choices:
        # the first button is "yes"
        heard = run.line.tap(phone, heard.choices[0])
        taps += [heard.ms] if heard else []
    return taps
