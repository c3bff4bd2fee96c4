"""What the sentence model was taught: the file it is kept in, and the teaching itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from safety import e5_tuning, embedding
from safety.e5 import E5, Rows, Tokens
from safety.e5_file import UnreadableWeights, read_weights
from safety.e5_tuning import kept_apart, tuned, write_changes
from safety.embedding import EmbeddingUnavailable, SentenceEmbedder
from safety.normalise import clean

TEXTS = ["kal subah aana hai", "मेरे घुटने में दर्द है", "where do i park my scooter", "ok"]


def test_the_matrices_stay_as_the_package_has_them() -> None:
    untouched, taught = read_weights(), tuned(read_weights())
    before, scales_before = untouched.blocks("l3.fi.w", untouched.shape.width)
    after, scales_after = taught.blocks("l3.fi.w", taught.shape.width)
    assert (before == after).all()
    share = scales_after / scales_before.astype(np.float32)
    assert 0.5 < share.min() < share.max() < 1.5, "that was not learned but broken"
    assert np.allclose(share, share[:, :1]), "a row grows as a whole"


def test_what_was_taught_changes_what_is_computed_but_not_what_a_text_is_about() -> None:
    before, after = (E5(w).vectors(TEXTS) for w in (read_weights(), tuned(read_weights())))
    assert not np.allclose(before, after, atol=0.01)
    alike = after[:, :384] @ after[:, :384].T
    assert alike[0, 3] < 0.99, "everything has become the same"


def test_adding_a_change_twice_is_not_adding_it_once() -> None:
    weights = read_weights()
    change = np.full(384, 0.5, dtype=np.float32)
    changed = weights.changed({"l0.q.b": change, "l0.q.w": change})
    assert np.allclose(changed.numbers("l0.q.b"), weights.numbers("l0.q.b") + 0.5)
    scales = weights.blocks("l0.q.w", 384)[1].astype(np.float32)
    assert np.allclose(changed.blocks("l0.q.w", 384)[1], 1.5 * scales)
    assert np.array_equal(changed.numbers("l0.k.b"), weights.numbers("l0.k.b"))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off", b"not an archive"])
def test_a_file_that_is_missing_or_damaged_is_refused(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "e5_tuning.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnreadableWeights, match=r"e5_tuning\.npz is missing or damaged"):
        tuned(read_weights(), file)
    monkeypatch.setattr(embedding, "tuned", lambda weights: tuned(weights, file))
    with pytest.raises(EmbeddingUnavailable):
        SentenceEmbedder()


@pytest.mark.parametrize(
    "changes",
    [{"l99.q.b": np.zeros(384)}, {"l0.q.b": np.zeros(383)}, {"l0.q.w": np.zeros(12)}],
    ids=["no such tensor", "another length", "another number of rows"],
)
def test_a_file_that_was_made_for_other_weights_is_refused(
    changes: dict[str, np.ndarray], tmp_path: Path
) -> None:
    file = tmp_path / "other.npz"
    write_changes(changes, file)
    with pytest.raises(UnreadableWeights):
        tuned(read_weights(), file)


def test_a_fifth_is_kept_apart_however_it_is_written() -> None:
    messages = [f"message number {number} about a booking" for number in range(2000)]
    apart = [message for message in messages if kept_apart(message)]
    assert 0.17 < len(apart) / len(messages) < 0.23
    assert all(kept_apart(f"  {m.upper()} ") == kept_apart(clean(m)) for m in messages[:50])


def test_another_file_is_another_model_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = e5_tuning.tuning_hash()
    other = tmp_path / "other.npz"
    write_changes({"l0.q.b": np.zeros(384)}, other)
    monkeypatch.setattr(e5_tuning, "FILE", other)
    assert e5_tuning.tuning_hash() != before


def test_the_network_that_learns_is_the_one_that_is_used() -> None:
    from safety.tune.network import Network

    weights = tuned(read_weights())
    tokens, rows, network = Tokens(weights.vocabulary, 512), Rows(weights), Network(weights)
    for text, used in zip(TEXTS, E5(weights).vectors(TEXTS), strict=True):
        last, earlier = network(rows.of(np.asarray([tokens.ids(text)])), learning=False)
        assert used[:384] @ last[0].numpy() > 0.999, text
        assert used[384:] @ earlier[0].numpy() > 0.999, text


def test_the_vector_that_is_checked_is_that_of_what_was_taught() -> None:
    # the third digit depends on the processor (0.0011 was seen); what was taught moves the second
    close = embedding._CHECK_TOLERANCE
    known = embedding.known_vector(tuned(read_weights()))
    assert known == pytest.approx(embedding._CHECK_VECTOR, abs=close)
    assert embedding.known_vector(read_weights()) != pytest.approx(known, abs=close)


def test_teaching_writes_a_file_that_teaches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safety.tune.__main__ import main

    asks = [("where do i park", "ask_parking"), ("my knee hurts", "pain_report")]
    lines = ["version: '3.1'", "nlu:"]
    for text, intent in asks:
        lines += [f"- intent: {intent}", "  examples: |"]
        lines += [f"    - {text} {number}" for number in range(20)]
    (tmp_path / "nlu.yml").write_text("\n".join(lines), encoding="utf-8")
    file = tmp_path / "taught.npz"
    assert main(["--data", str(tmp_path), "--epochs", "3", "--to", str(file)]) == 0
    assert "now set _CHECK_VECTOR" in capsys.readouterr().err
    before = E5(read_weights()).vectors([text for text, _ in asks])[:, :384]
    after = E5(tuned(read_weights(), file)).vectors([text for text, _ in asks])[:, :384]
    assert after[0] @ after[1] < before[0] @ before[1], "parking and a knee are as near as before"


def test_teaching_without_examples_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safety.tune.__main__ import main

    (tmp_path / "nlu.yml").write_text("version: '3.1'\nnlu: []\n", encoding="utf-8")
    file = tmp_path / "taught.npz"
    assert main(["--data", str(tmp_path), "--to", str(file)]) == 1
    assert "no training examples" in capsys.readouterr().err
    assert not file.exists()
