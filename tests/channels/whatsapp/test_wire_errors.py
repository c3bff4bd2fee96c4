"""Each code of Meta's table leads to one decision, and each delay is one Meta can bear."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from channels.whatsapp.errors import Verdict, classify, retry_delay

TABLE = {
    Verdict.RETRY: [1, 2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 133004],
    Verdict.LONG_DELAY: [131048, 131049, 130472],
    Verdict.USE_TEMPLATE: [131047],
    Verdict.NEVER_AGAIN: [131026, 131050, 130403],
    Verdict.FIX: [
        *(100, 131008, 131009, 131021, 131051, 132000, 132001, 132005),
        *(132007, 132012, 132015, 132016, 132018),
    ],
    Verdict.ALERT: [0, 3, 10, 190, 200, 250, 299, 368, 131005, 131031, 131042, 131045],
    Verdict.MEDIA_LOST: [131052],
    Verdict.MEDIA_RETRY: [131053],
}
CODES = [(code, verdict) for verdict, codes in TABLE.items() for code in codes]


@pytest.mark.parametrize("http_status", [None, 200, 400, 401, 429, 500])
@pytest.mark.parametrize(("code", "verdict"), CODES)
def test_the_code_decides_whatever_the_status(
    http_status: int | None, code: int, verdict: Verdict
) -> None:
    assert classify(http_status, code) is verdict


@pytest.mark.parametrize(
    ("http_status", "verdict"),
    [
        (429, Verdict.RETRY),
        (408, Verdict.RETRY),
        (500, Verdict.RETRY),
        (503, Verdict.RETRY),
        (400, Verdict.FIX),
        (404, Verdict.FIX),
        (401, Verdict.ALERT),
        (403, Verdict.ALERT),
        (302, Verdict.ALERT),
        (None, Verdict.ALERT),
    ],
)
@pytest.mark.parametrize("code", [None, 999999])
def test_the_status_decides_where_the_code_is_new(
    http_status: int | None, verdict: Verdict, code: int | None
) -> None:
    assert classify(http_status, code) is verdict


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 4), (2, 16), (3, 64), (5, 1024), (60, 86400)])
def test_pair_rate_waits_four_to_the_power_of_the_attempt(attempt: int, seconds: int) -> None:
    delay = retry_delay(Verdict.RETRY, 131056, attempt, random.Random(1))
    assert delay == timedelta(seconds=seconds)


@pytest.mark.parametrize("attempt", [1, 2, 9, 1000])
def test_marketing_held_back_waits_a_day(attempt: int) -> None:
    for seed in range(50):
        delay = retry_delay(Verdict.LONG_DELAY, 131049, attempt, random.Random(seed))
        assert timedelta(hours=24) <= delay <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("verdict", "code", "attempt", "least", "most"),
    [
        (Verdict.RETRY, 131016, 1, timedelta(0), timedelta(seconds=2)),
        (Verdict.RETRY, 131016, 4, timedelta(0), timedelta(seconds=16)),
        (Verdict.RETRY, None, 1000, timedelta(0), timedelta(hours=1)),
        (Verdict.MEDIA_RETRY, 131053, 2, timedelta(0), timedelta(seconds=4)),
        (Verdict.LONG_DELAY, 131048, 1, timedelta(hours=1), timedelta(hours=2)),
        (Verdict.LONG_DELAY, 130472, 99, timedelta(hours=1), timedelta(hours=25)),
    ],
)
def test_full_jitter_fills_its_range(
    verdict: Verdict, code: int | None, attempt: int, least: timedelta, most: timedelta
) -> None:
    rng = random.Random(7)
    delays = [retry_delay(verdict, code, attempt, rng) for _ in range(400)]
    assert least <= min(delays)
    assert max(delays) <= most
    spread = most - least
    assert min(delays) < least + spread * 0.1
    assert max(delays) > most - spread * 0.1


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict.USE_TEMPLATE,
        Verdict.NEVER_AGAIN,
        Verdict.FIX,
        Verdict.ALERT,
        Verdict.MEDIA_LOST,
    ],
)
def test_what_is_not_to_be_retried_has_no_delay(verdict: Verdict) -> None:
    with pytest.raises(ValueError, match="not to be retried"):
        retry_delay(verdict, None, 1, random.Random(1))


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        retry_delay(Verdict.RETRY, None, 0, random.Random(1))
