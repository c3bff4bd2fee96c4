"""The kernel model: what it says of a message it was trained without, without training again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from safety import kernel
from safety.kernel import Inputs, KernelModel
from safety.shared_ngrams import SharedNgrams


def some_messages(count: int) -> tuple[Inputs, np.ndarray]:
    words = ["kal", "slot", "parking", "dard", "ghutna", "address", "time", "doctor"]
    dice = np.random.default_rng(3)
    texts = [" ".join(dice.choice(words, 4)) for _ in range(count)]
    vectors = dice.normal(size=(count, 768)).astype(np.float32)
    targets = np.array([["dard" in text, "slot" in text] for text in texts])
    return Inputs(texts, vectors), targets.astype(np.float32) * 2 - 1


def test_each_left_out_score_belongs_to_the_message_it_is_said_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernel, "_LEFT_OUT", 40)
    inputs, targets = some_messages(120)
    model = KernelModel.fit(inputs, targets, ["dard", "slot"], {})
    assert len(set(model.sample)) == 40 == len(model.left_out)
    right = (model.left_out > 0) == (targets[model.sample] > 0)
    shuffled = (model.left_out > 0) == (targets[model.sample[::-1]] > 0)
    assert right.mean() > 0.8 > shuffled.mean()


def test_common_and_rare_ngrams_together_are_the_whole_product() -> None:
    dice = np.random.default_rng(4)
    counts = scipy.sparse.random(40, 900, density=0.05, random_state=5, format="csr")
    counts = (counts + scipy.sparse.csr_matrix(dice.random((40, 900)) < 0.01)).astype(np.float32)
    whole = (counts @ counts.T).toarray()
    shared = SharedNgrams(counts.tocsr())
    assert np.allclose(shared.block(0, 40), whole, atol=1e-4)
    assert np.allclose(shared.block(25, 40), whole[25:], atol=1e-4)
    assert np.allclose(shared.block(8, 30), whole[8:30, :30], atol=1e-4)


def test_a_loaded_model_scores_as_the_fitted_one(tmp_path: Path) -> None:
    inputs, targets = some_messages(80)
    model = KernelModel.fit(inputs, targets, ["dard", "slot"], {})
    model.save(tmp_path)
    unseen, _ = some_messages(12)
    strange = Inputs([*unseen.texts[:11], "zzz qqq"], unseen.embeddings)
    loaded = KernelModel.load(tmp_path)
    assert np.allclose(loaded.score(strange), model.score(strange), atol=1e-5)


def test_a_kernel_that_cannot_be_solved_says_what_to_do() -> None:
    inputs, targets = some_messages(20)
    with pytest.raises(ValueError, match="raise the ridge"):
        KernelModel.fit(inputs, targets, ["dard", "slot"], {"ridge": -20.0})
