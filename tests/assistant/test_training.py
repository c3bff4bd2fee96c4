"""Training only when something the model is made of has changed."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from assistant import training


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A small tree of ingredients."""
    for name in ("config.yml", "domain/core.yml", "data/nlu/en/faq.yml", "data/rules/faq.yml"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a: 1\n", encoding="utf-8")
    (tmp_path / "safety").mkdir()
    (tmp_path / "safety" / "decision.py").write_text("A = 1\n", encoding="utf-8")
    monkeypatch.setattr(training, "ROOT", tmp_path)
    monkeypatch.setattr(training, "MODELS", tmp_path / "models")
    return tmp_path


@pytest.fixture
def trainings(house, monkeypatch):
    """Rasa's training, made quick: what it was asked for."""
    asked = []

    def train(**order):
        print("a bar of Rasa's")
        os.write(1, b"a bar of a C library\n")
        print("a warning", file=sys.stderr)
        asked.append(order)
        target = house / "models" / f"{order['fixed_model_name']}.tar.gz"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(b"model")
        return SimpleNamespace(code=0)

    import rasa.model_training

    monkeypatch.setattr(rasa.model_training, "train", train)
    return asked


def test_the_fingerprint_stays_while_nothing_changes(house):
    assert training.fingerprint() == training.fingerprint()
    (house / "README.md").write_text("other", encoding="utf-8")
    (house / "data" / "notes.txt").write_text("other", encoding="utf-8")
    assert len({training.fingerprint() for _ in range(2)}) == 1


@pytest.mark.parametrize(
    "file",
    [
        "config.yml",
        "domain/core.yml",
        "data/nlu/en/faq.yml",
        "data/rules/faq.yml",
        "safety/decision.py",
    ],
)
def test_the_fingerprint_changes_with_every_ingredient(house, file):
    before = training.fingerprint()
    path = house / file
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert training.fingerprint() != before


def test_a_file_that_comes_goes_or_moves_changes_it(house):
    seen = {training.fingerprint()}
    new = house / "domain" / "new.yml"
    new.write_text("a: 1\n", encoding="utf-8")
    seen.add(training.fingerprint())
    new.rename(house / "domain" / "newer.yml")
    seen.add(training.fingerprint())
    assert len(seen) == 3


def test_a_library_changes_it(house, monkeypatch):
    before = training.fingerprint()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99")
    assert training.fingerprint() != before


def test_the_house_itself_has_ingredients():
    names = {str(path.relative_to(training.ROOT)) for path in training.ingredients()}
    assert {"config.yml", "domain/core.yml", "safety/policy.py"} <= names
    assert not any("__pycache__" in name for name in names)


def test_trains_once_and_keeps_one_model(house, trainings):
    log = house / "var" / "train.log"
    first = training.train(log)
    assert training.train(log) == first == training.model_path()
    assert len(trainings) == 1
    (house / "config.yml").write_text("a: 2\n", encoding="utf-8")
    second = training.train(log)
    assert [path.name for path in (house / "models").iterdir()] == [second.name]
    assert len(trainings) == 2


def test_what_training_prints_goes_to_the_log(house, trainings, capfd, monkeypatch):
    # as in a pipe: Python holds back what it prints
    monkeypatch.setattr(sys, "stdout", open(1, "w", closefd=False))  # noqa: SIM115
    log = house / "var" / "train.log"
    training.train(log)
    print("and prints again afterwards", flush=True)
    shown = capfd.readouterr()
    assert "a bar" not in shown.out and "afterwards" in shown.out
    assert "a bar of a C library" in log.read_text(encoding="utf-8")


def test_a_training_without_a_model_says_where_to_look(house, trainings, monkeypatch):
    import rasa.model_training

    monkeypatch.setattr(rasa.model_training, "train", lambda **_: SimpleNamespace(code=1))
    with pytest.raises(RuntimeError, match=r"train\.log"):
        training.train(house / "var" / "train.log")


def test_a_training_that_raises_gives_the_terminal_back(house, trainings, monkeypatch, capfd):
    import rasa.model_training

    def broken(**_order):
        raise ValueError("broken data")

    monkeypatch.setattr(rasa.model_training, "train", broken)
    with pytest.raises(ValueError, match="broken data"):
        training.train(house / "var" / "train.log")
    print("still here", flush=True)
    assert "still here" in capfd.readouterr().out
