"""What to do about each error of the Graph API: decided on `code`, not on title or status.

Source: Meta, "Cloud API error codes" (2025-2026 copies), as collected in the project's fact
sheet. The same codes come in replies to requests and in `failed` statuses.
"""

from __future__ import annotations

import enum
import random
from datetime import timedelta


class Verdict(enum.Enum):
    """What the sender does next."""

    RETRY = "retry"  # nothing wrong with the message: again after a back-off
    LONG_DELAY = "long_delay"  # Meta holds back: again after hours, not minutes
    USE_TEMPLATE = "use_template"  # the 24-hour window is closed: only a template passes
    NEVER_AGAIN = "never_again"  # this contact cannot or must not be messaged
    FIX = "fix"  # the request or the template is wrong: the same again fails again
    ALERT = "alert"  # token, permission, account or billing: an operator has to act
    MEDIA_RETRY = "media_retry"  # the file did not get up: upload again, then send again
    MEDIA_LOST = "media_lost"  # the patient's file cannot be fetched: ask for it again


PAIR_RATE = 131056
MARKETING_HELD_BACK = 131049

_CODES: dict[Verdict, tuple[int, ...]] = {
    Verdict.RETRY: (1, 2, 4, 80007, 130429, 131000, 131016, PAIR_RATE, 131057, 133004),
    Verdict.LONG_DELAY: (131048, MARKETING_HELD_BACK, 130472),
    Verdict.USE_TEMPLATE: (131047,),
    Verdict.NEVER_AGAIN: (131026, 131050, 130403),
    Verdict.FIX: (
        *(100, 131008, 131009, 131021, 131051),
        *(132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018),
    ),
    Verdict.ALERT: (0, 3, 10, 190, *range(200, 300), 368, 131005, 131031, 131042, 131045),
    Verdict.MEDIA_LOST: (131052,),
    Verdict.MEDIA_RETRY: (131053,),
}
_VERDICTS = {code: verdict for verdict, codes in _CODES.items() for code in codes}

_RETRYABLE = (Verdict.RETRY, Verdict.LONG_DELAY, Verdict.MEDIA_RETRY)
_FIRST = timedelta(seconds=2)
_LONGEST = timedelta(hours=1)
_FIRST_LONG = timedelta(hours=1)
_LONGEST_LONG = timedelta(hours=24)
_DAY = timedelta(hours=24)


def classify(http_status: int | None, code: int | None) -> Verdict:
    """The verdict on an error; `http_status` is None for one from a status webhook.

    A code that is not in Meta's table is judged by the HTTP status; without one, a person
    has to look at it.
    """
    if code in _VERDICTS:
        return _VERDICTS[code]
    if http_status is None or http_status in (401, 403):
        return Verdict.ALERT
    if http_status in (408, 429) or http_status >= 500:
        return Verdict.RETRY
    return Verdict.FIX if http_status >= 400 else Verdict.ALERT


def retry_delay(verdict: Verdict, code: int | None, attempt: int, rng: random.Random) -> timedelta:
    """How long to wait before the next try; `attempt` is how many have failed, from 1.

    - 131056 (too many messages to one person): 4**attempt seconds, as Meta asks, at most a day.
    - 131049 (Meta spares this person marketing): 24 hours and up to one more.
    - else full jitter: anything from zero to a ceiling that doubles with each attempt, from
      2 seconds to 1 hour; for the long delays an hour at least, and up to 24 hours on top.

    `rng` makes it testable; `tenacity`'s jitter draws from the global generator only.

    Raises:
        ValueError: if the verdict is not one to retry, or `attempt` is below 1.
    """
    if verdict not in _RETRYABLE:
        raise ValueError(f"{verdict.value} is not to be retried")
    if attempt < 1:
        raise ValueError("attempt counts from 1")
    if code == PAIR_RATE:
        # 4**9 seconds are more than a day; a bounded exponent keeps the number small.
        return min(timedelta(seconds=4 ** min(attempt, 9)), _DAY)
    if code == MARKETING_HELD_BACK:
        return _DAY + rng.random() * timedelta(hours=1)
    if verdict is Verdict.LONG_DELAY:
        return _FIRST_LONG + rng.random() * _ceiling(_FIRST_LONG, _LONGEST_LONG, attempt)
    return rng.random() * _ceiling(_FIRST, _LONGEST, attempt)


def _ceiling(first: timedelta, longest: timedelta, attempt: int) -> timedelta:
    return min(longest, first * (1 << min(attempt - 1, 16)))
