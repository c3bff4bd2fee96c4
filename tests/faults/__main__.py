"""`make mutants`: plants each fault into a copy of the house and says whether its machine fails.

    python -m tests.faults [NAME …] [--engine sqlite|postgresql] [--jobs N]

A machine that does not fail proves nothing: strengthen it. First each machine runs in a copy
without any fault, where it has to pass. Ends with 1 where a fault was missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Dict, List

from tests.faults.planting import Fault, copy_house, mend, plant, table

CAUGHT, PASSED = 1, 0
LONGEST_SECONDS = 900


def run_machine(house: Path, machine: str, engine: str) -> int:
    """Run a machine in a copy of the house; pytest's exit code (1: a test failed)."""
    found = {"SANDHI_TEST_SHRINK": "no", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(house)}
    environment = {name: value for name, value in os.environ.items() if name != "SANDHI_CLINIC"}
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", machine, "-x", "-k", engine),
            *("-p", "no:randomly", "-p", "no:cacheprovider", "--no-header"),
        ],
        cwd=house,
        env={**environment, **found},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if ran.returncode not in (CAUGHT, PASSED):
        print(ran.stdout.decode(errors="replace")[-2000:])
    return ran.returncode


def main() -> int:
    """Read the arguments, run, print one line for each fault; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these faults")
    parser.add_argument("--engine", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--jobs", type=int, default=1, help="so many at once")
    chosen = parser.parse_args()
    faults = [one for one in table() if not chosen.names or one.name in chosen.names]
    if not faults:
        parser.error("no fault of that name")
    with tempfile.TemporaryDirectory(prefix="sandhi-faults-") as folder:
        houses: "Queue[Path]" = Queue()
        for number in range(chosen.jobs):
            house = Path(folder) / str(number)
            house.mkdir()
            copy_house(house)
            houses.put(house)
        with ThreadPoolExecutor(chosen.jobs) as pool:
            sound = [pool.submit(_sound, houses, m, chosen.engine) for m in _machines(faults)]
            broken = [one for one in sound if not one.result()]
            caught = list(pool.map(lambda one: _is_caught(houses, one, chosen.engine), faults))
    print(f"{sum(caught)} of {len(faults)} faults caught")
    return 0 if all(caught) and not broken else 1


def _machines(faults: List[Fault]) -> List[str]:
    return list({fault.machine: None for fault in faults})


def _sound(houses: "Queue[Path]", machine: str, engine: str) -> bool:
    house, begun = houses.get(), time.monotonic()
    try:
        code = run_machine(house, machine, engine)
    finally:
        houses.put(house)
    _say({PASSED: "passes"}.get(code, "FAILS"), machine, "without a fault", begun)
    return code == PASSED


def _is_caught(houses: "Queue[Path]", fault: Fault, engine: str) -> bool:
    house, begun = houses.get(), time.monotonic()
    try:
        plant(fault, house)
        code = run_machine(house, fault.machine, engine)
    finally:
        mend(fault, house)
        houses.put(house)
    words: Dict[int, str] = {CAUGHT: "caught", PASSED: "MISSED"}
    _say(words.get(code, "BROKEN"), fault.name, fault.breaks, begun)
    return code == CAUGHT


def _say(word: str, name: str, what: str, begun: float) -> None:
    print(f"{word:8}{time.monotonic() - begun:6.0f} s  {name}: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
