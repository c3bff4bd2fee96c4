"""A matrix solved in halves gives what the whole gives, and what leaving each row out gives."""

from __future__ import annotations

import numpy as np
import pytest

from safety.halves import HalvedMatrix

RIDGE = 0.2


def a_matrix(size: int) -> np.ndarray:
    """A kernel matrix with its ridge."""
    rows = np.random.default_rng(1).normal(size=(size, 8)).astype(np.float32)
    squares = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-squares / 8) + RIDGE * np.eye(size), dtype=np.float32)


def halved(matrix: np.ndarray, last: int, at_once: int = 4) -> HalvedMatrix:
    """The same matrix, put in by blocks of rows."""
    made = HalvedMatrix(len(matrix), last)
    for begin, stop in ((0, made.first), (made.first, len(matrix))):
        for start in range(begin, stop, at_once):
            end = min(stop, start + at_once)
            made.put(start, matrix[start:end, :end])
    return made


def some_targets(size: int) -> np.ndarray:
    return np.random.default_rng(2).choice([-1.0, 1.0], size=(size, 3)).astype(np.float32)


@pytest.mark.parametrize(("size", "last"), [(30, 1), (31, 7), (30, 20), (30, 30), (2, 1), (1, 1)])
def test_the_solution_is_that_of_the_whole(size: int, last: int) -> None:
    matrix, targets = a_matrix(size), some_targets(size)
    solved, diagonal = halved(matrix, last).solve(targets, last)
    assert np.allclose(solved, np.linalg.solve(matrix, targets), atol=1e-3)
    assert np.allclose(diagonal, np.diag(np.linalg.inv(matrix))[-last:], atol=1e-3)


def test_panels_end_where_the_matrix_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safety.halves._PANEL", 4)
    matrix, targets = a_matrix(30), some_targets(30)
    solved, _ = halved(matrix, 7).solve(targets, 7)
    assert np.allclose(solved, np.linalg.solve(matrix, targets), atol=1e-3)


@pytest.mark.parametrize("tail", [1, 7, 30])
def test_leaving_one_out_is_what_training_without_it_gives(tail: int) -> None:
    matrix, targets = a_matrix(30), some_targets(30)
    alpha, diagonal = halved(matrix, tail).solve(targets, tail)
    left_out = targets[-tail:] - alpha[-tail:] / diagonal[:, None]
    for place, row in enumerate(range(30 - tail, 30)):
        others = np.delete(np.arange(30), row)
        without = np.linalg.solve(matrix[np.ix_(others, others)], targets[others])
        assert np.allclose(left_out[place], matrix[row, others] @ without, atol=1e-3), row


def test_what_is_added_to_the_diagonal_is_a_ridge() -> None:
    matrix, targets = a_matrix(9), some_targets(9)
    made = halved(matrix - RIDGE * np.eye(9, dtype=np.float32), 3)
    made.add_to_diagonal(RIDGE)
    assert len(made) == 9
    assert np.allclose(made.solve(targets, 3)[0], np.linalg.solve(matrix, targets), atol=1e-3)


@pytest.mark.parametrize("last", [1, 5])
def test_a_matrix_that_cannot_be_solved_is_refused(last: int) -> None:
    with pytest.raises(ValueError, match="positive definite"):
        halved(-a_matrix(5), last).solve(np.ones((5, 1), dtype=np.float32), last)
