"""The table of planted faults is about the house as it is; `make mutants` runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.planting import ROOT, Fault, NoLongerThere, plant, table

FAULTS = table()


def _house_of(fault: Fault, folder: Path) -> Path:
    for change in fault.changes:
        file = folder / change.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((ROOT / change.file).read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
def test_every_fault_still_finds_its_place(fault: Fault, tmp_path: Path) -> None:
    house = _house_of(fault, tmp_path)
    plant(fault, house)
    for change in fault.changes:
        source = (house / change.file).read_text(encoding="utf-8")
        compile(source, change.file, "exec")
    assert (ROOT / fault.machine).exists()


def test_each_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 12


def test_every_machine_has_faults() -> None:
    machines = {f"tests/clinic/{file.name}" for file in ROOT.glob("tests/clinic/*_machine.py")}
    tested = {name for name in machines if "/test_" in name}
    assert {fault.machine for fault in FAULTS} == tested


def test_a_fault_that_has_lost_its_place_is_named(tmp_path: Path) -> None:
    fault = FAULTS[0]
    house = _house_of(fault, tmp_path)
    plant(fault, house)
    with pytest.raises(NoLongerThere, match=fault.name):
        plant(fault, house)
