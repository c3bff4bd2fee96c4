"""The command line tool in a folder, with a database and keys of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Callable, Dict

import pytest

from clinic.crypto import new_key, new_secret
from clinic.settings import Settings
from tests.tool import ROOT, run_sandhi

Done = subprocess.CompletedProcess
Tool = Callable[..., "Done[str]"]


@pytest.fixture
def surroundings(tmp_path: Path) -> Dict[str, str]:
    """The environment of an operator who has set everything; a test takes away or changes."""
    settings = {field.field_info.extra["env"] for field in Settings.__fields__.values()}
    kept = {name: value for name, value in os.environ.items() if name not in settings}
    return {
        **kept,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'clinic.db'}",
        "SANDHI_VAR": str(tmp_path / "var"),
        "SANDHI_SECRET_KEY": new_secret(),
        "SANDHI_ENCRYPTION_KEYS": new_key(),
        "SANDHI_CLINIC": str(ROOT / "clinic.yml"),
        "WHATSAPP_GRAPH_URL": "https://graph.facebook.com",
        "WHATSAPP_PHONE_NUMBER_ID": "100000000000001",
        "WHATSAPP_ACCESS_TOKEN": new_secret(),
        "WHATSAPP_APP_SECRET": new_secret(),
        "WHATSAPP_VERIFY_TOKEN": new_secret(),
        "INBOX_API_TOKEN": new_secret(),
        "REDIS_URL": "",
        "SANDHI_HOST": "127.0.0.1",
        "LOG_LEVEL": "INFO",
        "COLUMNS": "200",
    }


@pytest.fixture
def sandhi(surroundings: Dict[str, str]) -> Tool:
    """Run `sandhi` with these arguments, and with these changes of the environment."""

    def run(*arguments: str, **changes: str) -> "Done[str]":
        return run_sandhi(arguments, {**surroundings, **changes})

    return run


@pytest.fixture
def refused(sandhi: Tool) -> Callable[..., str]:
    """Run `sandhi`, which has to refuse: its sentences, and no traceback."""

    def run(*arguments: str, **changes: str) -> str:
        done = sandhi(*arguments, **changes)
        assert done.returncode == 1, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stderr.strip(), "refused without a word"
        return done.stderr

    return run
