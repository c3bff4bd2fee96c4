"""From the webhook to the Graph, one message at a time: questions, and taps of a booking."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from bench.figures import Figure, Measured, percentile, spread
from bench.patient import Heard, endless, fresh_phones
from bench.phrases import booking_name, booking_opening
from bench.processes import BenchError
from bench.run import Run

QUESTION_TARGET_MS = 60.0
TAP_TARGET_MS = 80.0
# a contact asks a few things, so most turns have a past
QUESTIONS_EACH = 4
MOST_STEPS = 8
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
            note=f"{len(taps)} taps, p99 {percentile(taps, 0.99):.0f} ms, "
            f"{bookings['finished']} of {bookings['begun']} bookings made",
        )
    )
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
    taps: List[float] = []
    steps: Dict[int, List[float]] = {}
    finished = 0
    for position, phone in enumerate(phones):
        booking = _book(run, phone, position)
        finished += booking.finished
        taps += booking.taps
        for step, ms in enumerate(booking.taps):
            steps.setdefault(step, []).append(ms)
    each = {str(step): spread(values) for step, values in steps.items()}
    return {"taps": taps, "tap_ms_by_step": each, "begun": count, "finished": finished}


class _Booking:
    def __init__(self) -> None:
        self.taps: List[float] = []
        self.finished = False


def _book(run: Run, phone: str, position: int) -> _Booking:
    """Go through a booking: lists and buttons are tapped, the one open question is the name."""
    booking = _Booking()
    heard = run.line.write(phone, booking_opening().text)
    confirming = False
    for _ in range(MOST_STEPS):
        if heard is None:
            return booking
        if not heard.choices:
            if confirming:
                booking.finished = True
                return booking
            heard = run.line.write(phone, booking_name())
            continue
        choice = _chosen(heard.choices, position)
        confirming = choice["kind"] == "button_reply"
        heard = run.line.tap(phone, choice)
        if heard is not None:
            booking.taps.append(heard.ms)
    return booking


def _chosen(choices: List[Dict[str, str]], position: int) -> Dict[str, str]:
    """The first button ("yes"); of a list, another of the first rows for each patient."""
    if choices[0]["kind"] == "button_reply":
        return choices[0]
    return choices[position % min(ROWS_USED, len(choices))]
