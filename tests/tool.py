"""`sandhi` as a process of its own, without a second of importing for each command."""

from __future__ import annotations

import functools
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
from multiprocessing import forkserver
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any, Mapping, Sequence, Tuple

ROOT = Path(__file__).resolve().parent.parent


def run_sandhi(
    arguments: Sequence[str], environment: Mapping[str, str], timeout: float = 120.0
) -> "subprocess.CompletedProcess[str]":
    """What `python -m sandhi` would do and say with these arguments in this environment.

    Every command runs in a fork of one process that has imported the tool and done nothing else.
    That `python -m sandhi` gets there by itself is shown by the tests of supervision.

    Raises:
        subprocess.TimeoutExpired: it has not ended in time; it is killed.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = _imported().Process(
            target=_run,
            args=(list(arguments), dict(environment), _Passed(out), _Passed(err), _largest_file()),
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["sandhi", *arguments], timeout)
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess(["sandhi", *arguments], code, _read(out), _read(err))


@functools.lru_cache(maxsize=1)
def _imported() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sandhi.cli"])
    kept = os.environ.get("COLUMNS")
    # rich asks for the width when it is imported
    os.environ["COLUMNS"] = "200"
    try:
        forkserver.ensure_running()
    finally:
        if kept is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = kept
    return context


class _Passed:
    """An open file that the other process gets too."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __reduce__(self) -> Any:
        return _detached, (DupFd(self._file.fileno()),)


def _detached(passed: Any) -> int:
    return int(passed.detach())


def _largest_file() -> Tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_FSIZE)


def _run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    out: int,
    err: int,
    largest_file: Tuple[int, int],
) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, largest_file)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["sandhi", *arguments]
    from sandhi.cli import main

    main()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8")
