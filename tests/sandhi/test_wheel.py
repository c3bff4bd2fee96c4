"""An installation that is not the checkout has everything it reads: templates, styles, words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Iterator, List

import pytest

from tests.house import ROOT

ROOMS = ("actions", "assistant", "channels", "clinic", "inbox", "safety", "sandhi", "worker")
# what the rooms read beside themselves
BESIDE = ("data", "domain")
SCRAP = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
# run from an empty folder: a page, a fixed text, the clinical words, the templates, the simulator
LOOK = """
import inbox, channels.simulator
from pathlib import Path
from clinic.database import Database
from clinic.texts import domain_texts
from inbox.app import create_app
from inbox.language import hindi
from inbox.template_book import staff_templates
from safety.lexicon import read_folder

app = create_app(Database("sqlite:///look.db"))
page = app.test_client().get("/nowhere")
assert page.status_code in (302, 404), page.status_code
style = app.test_client().get("/static/inbox.css")
assert style.status_code == 200 and b"--accent" in style.data
assert staff_templates() and hindi() and domain_texts() and read_folder()
assert (Path(channels.simulator.__file__).parent / "templates" / "phone.html").is_file()
print(Path(inbox.__file__).parent)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The wheel of a copy of this checkout, built without a network and without isolation."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for room in (*ROOMS, *BESIDE):
        shutil.copytree(ROOT / room, copy / room, ignore=SCRAP)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (built,) = out.glob("*.whl")
    yield built


def files_of(folder: Path) -> List[str]:
    return [
        str(file.relative_to(ROOT))
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts and ".egg-info" not in str(file)
    ]


def test_every_file_of_every_room_is_in_it(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name for room in (*ROOMS, *BESIDE) for name in files_of(ROOT / room)}
    assert len(wanted) > 300, "the rooms are not where this test looks"
    assert sorted(wanted - packed) == [], (
        "name them in pyproject.toml: tool.setuptools.package-data"
    )
    assert not [name for name in packed if name.startswith(("tests/", "docs/", "bench/"))]


def test_it_works_where_there_is_no_checkout(wheel: Path, tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "site", tmp_path / "empty"
    elsewhere.mkdir()
    zipfile.ZipFile(wheel).extractall(place)
    secrets = dict.fromkeys(("SANDHI_SECRET_KEY", "INBOX_API_TOKEN"), "of-this-test-only-" * 2)
    environment = {**os.environ, **secrets, "PYTHONPATH": str(place)}
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=elsewhere, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().splitlines()[-1] == str(place / "inbox")
