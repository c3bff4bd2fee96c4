"""From a classifier's scores to chances: what is fitted once and what is computed from it."""

from __future__ import annotations

from typing import List, Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def log_odds(chances: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Log odds that the intent is one of the chosen, for each row."""
    inside = chances[:, chosen].sum(axis=1)
    return np.asarray(np.log((inside + 1e-9) / (1 - inside + 1e-9)))


def sigmoid(score: float, odds: float, line: Sequence[float]) -> float:
    return float(1 / (1 + np.exp(-(line[0] * score + line[1] * odds + line[2]))))


def fit_sigmoid(scores: np.ndarray, odds: np.ndarray, truth: np.ndarray) -> List[float]:
    """Platt's calibration of two views of one question, its own output and the intents': their
    weights and the offset.
    """
    model = LogisticRegression(C=1e3).fit(np.stack([scores, odds], axis=1), truth)
    return [float(model.coef_[0, 0]), float(model.coef_[0, 1]), float(model.intercept_[0])]


def fit_sharpness(scores: np.ndarray, truth: np.ndarray) -> float:
    """The factor that makes the softmax of the intent scores most likely."""

    def loss(sharpness: float) -> float:
        z = sharpness * scores
        z = z - z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), truth]))

    return float(minimize_scalar(loss, bounds=(0.5, 40), method="bounded").x)
