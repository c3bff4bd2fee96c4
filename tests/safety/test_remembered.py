"""What is remembered of costly results, and for how long."""

from __future__ import annotations

import numpy as np
import pytest

from safety.remembered import Remembered


class Counting:
    def __init__(self) -> None:
        self.computed = 0

    def __call__(self) -> np.ndarray:
        self.computed += 1
        return np.full(3, self.computed)


def test_the_same_is_computed_once_and_another_anew() -> None:
    remembered, costly = Remembered(4), Counting()
    first = remembered.of(b"when do you open", costly)
    assert remembered.of(b"when do you open", costly) is first
    assert remembered.of(b"when do you close", costly)[0] == 2
    assert costly.computed == 2


def test_what_nobody_asked_for_longest_goes_first() -> None:
    remembered, costly = Remembered(2), Counting()
    for asked in (b"a", b"b", b"a", b"c", b"a"):
        remembered.of(asked, costly)
    assert costly.computed == 3
    remembered.of(b"b", costly)
    assert costly.computed == 4


def test_what_is_remembered_cannot_be_changed() -> None:
    found = Remembered(1).of(b"a", Counting())
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 9


def test_no_words_are_kept() -> None:
    remembered = Remembered(2)
    remembered.of(b"my knee hurts", Counting())
    assert b"knee" not in b"".join(remembered._recent)


def test_what_fails_is_not_remembered() -> None:
    def fails() -> np.ndarray:
        raise RuntimeError("broken")

    remembered, costly = Remembered(2), Counting()
    with pytest.raises(RuntimeError):
        remembered.of(b"a", fails)
    assert remembered.of(b"a", costly)[0] == 1
