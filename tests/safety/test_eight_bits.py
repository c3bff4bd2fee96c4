"""Stored vectors at eight bits: near to what they were, and multiplied as what they are."""

from __future__ import annotations

import numpy as np
import pytest

from safety.eight_bits import EightBits, Products


@pytest.mark.parametrize("count", [1, 7, 2000])
def test_products_are_those_of_the_vectors(count: int) -> None:
    dice = np.random.default_rng(3)
    rows = dice.normal(size=(count, 256)).astype(np.float32)
    asked = dice.normal(size=(3, 256)).astype(np.float32)
    found = Products(EightBits.of(rows)).of(asked)
    lengths = np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(rows, axis=1)[None, :]
    assert np.abs(found - asked @ rows.T).max() < 0.005 * lengths.max()


def test_what_is_stored_is_near_to_what_was_given() -> None:
    rows = np.random.default_rng(4).normal(size=(50, 64)).astype(np.float32)
    rows[7] = 0
    stored = EightBits.of(rows)
    assert np.abs(stored.rows() - rows).max() < 0.02
    assert not stored.rows()[7].any()


def test_a_length_that_leaves_a_rest_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        EightBits.of(np.ones((2, 33), dtype=np.float32))
