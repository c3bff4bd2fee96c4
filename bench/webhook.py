"""Webhooks at the rate of a WhatsApp number: how soon each is answered with 200, and what of it."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any, Dict, List

from bench.figures import AT_LEAST, Figure, Measured, percentile, spread
from bench.graph import Watch
from bench.patient import endless, fresh_phones
from bench.processes import BenchError
from bench.run import Run, load

PER_SECOND = 80
P50_TARGET_MS, P99_TARGET_MS = 10.0, 100.0
DRAIN_SECONDS = 300.0
QUIET_SECONDS = 45.0
# time for a second answer that should not come
AFTERWARDS_SECONDS = 3.0


def measure(run: Run) -> Measured:
    """Send a message of its own contact 80 times a second, then wait for every answer.

    Raises:
        BenchError: the load could not be sent, or a process died.
    """
    seconds = 10 if run.quick else 60
    phones = fresh_phones(PER_SECOND * seconds)
    run.house.graph().expect(phones)
    watch = Watch(run.house.graph())
    before = run.house.handoffs()
    sent = load("webhooks", _plan(run, phones, seconds), run.folder, seconds + 120.0)
    last_sent = max(sent["at"])
    run.house.note_resident()
    arrivals = _drained(run, watch, set(phones), len(phones))
    run.house.note_resident()
    answers = _by_contact(arrivals, set(phones))
    measured = _webhook_figures(sent)
    measured.add(*_answer_figures(answers, len(phones), last_sent, sent))
    measured.details["handoffs_by_reason"] = {
        reason: count - before.get(reason, 0) for reason, count in run.house.handoffs().items()
    }
    failed = measured.details["handoffs_by_reason"].get("failure", 0)
    measured.add(Figure("  handed to a person for a failure", failed, "", 0))
    return measured


def _plan(run: Run, phones: List[str], seconds: int) -> Dict[str, Any]:
    # patients do not take turns: their moments are as independent as dice
    dice = random.Random(80)
    moments = sorted(dice.uniform(0, seconds) for _ in phones)
    phrases = endless(run.phrases)
    messages = [
        [moment, phone, next(phrases).text] for moment, phone in zip(moments, phones, strict=True)
    ]
    return {
        "kind": "open",
        "url": run.house.webhook,
        "secret": run.house.secret,
        "messages": messages,
    }


def _webhook_figures(sent: Dict[str, Any]) -> Measured:
    good = [ms for ms, status in zip(sent["ms"], sent["status"], strict=True) if status == 200]
    if not good:
        raise BenchError("no webhook was answered with 200; see var/bench/assistant.log")
    statuses = Counter(str(status) for status in sent["status"])
    errors = len(sent["status"]) - len(good)
    rate = (len(sent["at"]) - 1) / ((max(sent["at"]) - min(sent["at"])) / 1e9)
    details = {
        "webhook_ms": spread(good),
        "sender_late_ms": spread(sent["late_ms"]),
        "statuses": dict(statuses),
        "connections": sent["connections"],
    }
    note = f"{len(sent['ms'])} at {rate:.0f}/s, longest {max(good):.0f} ms"
    return Measured(
        [
            Figure("webhook to 200, p50", percentile(good, 0.5), "ms", P50_TARGET_MS, note=note),
            Figure("webhook to 200, p99", percentile(good, 0.99), "ms", P99_TARGET_MS),
            Figure("  not answered with 200", errors, "", 0),
        ],
        details,
    )


def _drained(run: Run, watch: Watch, phones: "set[str]", count: int) -> List[Dict[str, Any]]:
    """Every arrival until each contact has one, or nothing comes any more."""
    arrivals: List[Dict[str, Any]] = []
    missing = set(phones)
    end = time.monotonic() + DRAIN_SECONDS
    quiet_until = time.monotonic() + QUIET_SECONDS
    while missing and time.monotonic() < min(end, quiet_until):
        found = watch.next(1.0)
        if found:
            quiet_until = time.monotonic() + QUIET_SECONDS
        else:
            run.house.check()
        arrivals += found
        missing -= {item["to"] for item in found}
    time.sleep(AFTERWARDS_SECONDS)
    return arrivals + watch.next(0.0)


def _by_contact(arrivals: List[Dict[str, Any]], phones: "set[str]") -> Dict[str, List[Any]]:
    answers: Dict[str, List[Any]] = {}
    for item in arrivals:
        if item["to"] in phones:
            answers.setdefault(item["to"], []).append(item)
    return answers


def _answer_figures(
    answers: Dict[str, List[Any]], count: int, last_sent: int, sent: Dict[str, Any]
) -> List[Figure]:
    twice = sum(len(items) > 1 for items in answers.values())
    once = len(answers) - twice
    ended = max((item["at"] for items in answers.values() for item in items), default=last_sent)
    seconds = (ended - min(sent["at"])) / 1e9
    return [
        Figure(
            "  answered exactly once",
            once,
            "",
            count,
            AT_LEAST,
            note=f"{count - len(answers)} not at all, {twice} more than once",
        ),
        Figure(
            "  until the last answer was sent",
            max(0.0, (ended - last_sent) / 1e9),
            "s",
            note=f"after the last webhook; {len(answers) / seconds:.0f} answers/s over all",
        ),
    ]
