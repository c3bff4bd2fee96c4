"""Patients who write one message at a time and wait for the answer."""

from __future__ import annotations

import http.client
import itertools
import random
import time
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional
from urllib.parse import urlsplit

from bench.graph import Watch
from bench.house import House
from bench.phrases import Phrase
from bench.processes import BenchError
from bench.wire import phone_of, tap_part, text_part, webhook_body
from channels.whatsapp.signature import sign

ANSWER_SECONDS = 30.0
# between two messages, so that the worker's look at the outbox is met at any moment of its turn
PAUSE_SECONDS = (0.02, 0.06)

# beyond the phones of the demo's patients
_numbers = itertools.count(10_000)


def fresh_phones(count: int) -> List[str]:
    """Phones of contacts who have not written yet in this run."""
    return [phone_of(number) for number in itertools.islice(_numbers, count)]


@dataclass(frozen=True)
class Heard:
    """An answer: `ms` from the webhook's first byte to the Graph's receipt of the answer."""

    ms: float
    answer: Dict[str, Any]

    @property
    def choices(self) -> List[Dict[str, str]]:
        """What the answer offers to tap."""
        return list(self.answer["choices"])


class Line:
    """The line to one house, kept open."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._target = urlsplit(house.webhook)
        self._connection: Optional[http.client.HTTPConnection] = None
        self._random = random.Random(7)
        self._watch = Watch(house.graph())

    def write(self, phone: str, text: str) -> Optional[Heard]:
        """Type a text; None where no answer comes in time."""
        return self._exchange(phone, text_part(text))

    def tap(self, phone: str, choice: Dict[str, str]) -> Optional[Heard]:
        """Tap an offered choice; None where no answer comes in time."""
        return self._exchange(phone, tap_part(choice))

    def _exchange(self, phone: str, part: Dict[str, Any]) -> Optional[Heard]:
        time.sleep(self._random.uniform(*PAUSE_SECONDS))
        body = webhook_body(phone, part)
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": sign(body, self._house.secret),
        }
        began = self._post(body, headers)
        answer = self._watch.answer_to(phone, ANSWER_SECONDS)
        if answer is None:
            self._house.check()
            return None
        return Heard((answer["at"] - began) / 1e6, answer)

    def _post(self, body: bytes, headers: Dict[str, str]) -> int:
        """Post a webhook; when, in monotonic nanoseconds. A kept connection may have closed."""
        for _ in range(2):
            if self._connection is None:
                host = self._target.netloc
                self._connection = http.client.HTTPConnection(host, timeout=ANSWER_SECONDS)
                self._connection.connect()
            began = time.monotonic_ns()
            try:
                self._connection.request("POST", self._target.path, body, headers)
                answer = self._connection.getresponse()
                answer.read()
            except (http.client.HTTPException, OSError):
                self._connection.close()
                self._connection = None
                continue
            if answer.status != 200:
                raise BenchError(f"the webhook answered {answer.status}; see var/bench/")
            return began
        self._house.check()
        raise BenchError("the webhook does not answer; see var/bench/assistant.log")


@dataclass(frozen=True)
class Checked:
    """Which phrases the assistant reads as meant, and the rest with the reason."""

    good: List[Phrase]
    left_out: Dict[str, str]
    first_ms: Optional[float]


def checked_phrases(house: House, line: Line, phrases: List[Phrase]) -> Checked:
    """Send each phrase from a contact of its own, and see that it is answered as meant.

    Raises:
        BenchError: fewer than five are; the figures would not be about answering patients.
    """
    good: List[Phrase] = []
    left_out: Dict[str, str] = {}
    first_ms: Optional[float] = None
    phones = fresh_phones(len(phrases))
    house.graph().expect(phones)
    for phrase, phone in zip(phrases, phones, strict=True):
        before, handoffs = house.last_contact(), sum(house.handoffs().values())
        heard = line.write(phone, phrase.text)
        first_ms = first_ms or (heard.ms if heard else None)
        read = house.intents_after(before)
        if heard is None:
            left_out[phrase.text] = "no answer"
        elif sum(house.handoffs().values()) > handoffs:
            left_out[phrase.text] = "handed to a person"
        elif read != [phrase.intent]:
            left_out[phrase.text] = f"read as {read[0] if read else 'nothing'}"
        else:
            good.append(phrase)
    if len(good) < 5:
        reasons = ", ".join(sorted(set(left_out.values())))
        raise BenchError(f"only {len(good)} phrases of {len(phrases)} are answered ({reasons})")
    return Checked(good, left_out, first_ms)


def endless(phrases: List[Phrase]) -> Iterator[Phrase]:
    """The phrases over and over."""
    return itertools.cycle(phrases)
