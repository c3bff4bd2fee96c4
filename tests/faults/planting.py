"""The table of planted faults, and planting one into a copy of the house."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("planted.yml")
# all that the machines of tests/clinic read
COPIED = ("clinic", "worker", "channels", "domain", "data/templates", "tests")
COPIED_FILES = ("clinic.yml", "pyproject.toml")


class NoLongerThere(Exception):
    """The code that a fault replaces is not in its file, or is there more than once."""


@dataclass(frozen=True)
class Change:
    """In `file`, `replace` becomes `by`; it has to be there exactly once."""

    file: str
    replace: str
    by: str


@dataclass(frozen=True)
class Fault:
    """One broken promise, and the machine (a test file) that has to notice it."""

    name: str
    breaks: str
    machine: str
    changes: List[Change]


def table(path: Optional[Path] = None) -> List[Fault]:
    """Every fault, in the order of the table."""
    entries = YAML(typ="safe", pure=True).load((path or TABLE).read_text(encoding="utf-8"))
    return [
        Fault(
            str(entry["name"]),
            str(entry["breaks"]),
            f"tests/clinic/{entry['machine']}.py",
            [Change(one["file"], one["replace"], one["with"] or "") for one in entry["changes"]],
        )
        for entry in entries
    ]


def copy_house(folder: Path) -> None:
    """Copy what the machines need into an empty folder."""
    unwanted = shutil.ignore_patterns("__pycache__", "heldout", "fixtures")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for name in COPIED_FILES:
        shutil.copy(ROOT / name, folder / name)


def plant(fault: Fault, house: Path) -> None:
    """Break the house in `house` as the fault says.

    Raises:
        NoLongerThere: naming the file.
    """
    for change in fault.changes:
        file = house / change.file
        text = file.read_text(encoding="utf-8")
        if text.count(change.replace) != 1:
            raise NoLongerThere(f"{fault.name}: {change.file}")
        file.write_text(text.replace(change.replace, change.by), encoding="utf-8")


def mend(fault: Fault, house: Path) -> None:
    """Undo `plant`."""
    for change in fault.changes:
        shutil.copy(ROOT / change.file, house / change.file)
