"""Public holidays have the same names on every machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.house import ROOT

ASK = "from clinic.public_holidays import known_names; print(known_names('IN', 'MH', (2026,)))"


@pytest.mark.parametrize("lang", ["", "C.UTF-8", "en_IN.UTF-8", "hi_IN.UTF-8"])
def test_holidays_are_named_alike_whatever_language_the_machine_speaks(lang: str) -> None:
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env={**surroundings, "LANG": lang},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Prophet's Birthday" in asked.stdout
