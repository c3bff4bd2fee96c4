"""Logs carry ids: whatever a library says of a patient, our format leaves it out."""

from __future__ import annotations

import io
import logging
import sys
import threading
import warnings
from typing import Any, Callable, Iterator

import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from clinic.database import Database
from clinic.logs import IdsOnlyFormatter, configure_logs, describe_exception, logger
from clinic.models import Contact

WORDS = "my knee hurts, says Sunitha +919000012345"
PIECES = ("knee", "Sunitha", "+919000012345", "919000012345")


@pytest.fixture
def lines() -> Iterator[Callable[[], str]]:
    """Logs as a process at DEBUG writes them; `lines()` is what was written."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, structlog.get_config())
    hooks = (sys.excepthook, threading.excepthook)
    levels = {
        name: (logging.getLogger(name).level, logging.getLogger(name).handlers[:])
        for name in list(logging.root.manager.loggerDict)
    }
    propagating = {name: logging.getLogger(name).propagate for name in levels}
    stream = io.StringIO()
    # the run's own logs took warnings already, and pytest has put its hook over theirs since
    logging.captureWarnings(False)
    configure_logs("DEBUG", stream)
    yield stream.getvalue
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    root.handlers[:], root.level = before[0], before[1]
    structlog.configure(**before[2])
    for name, (level, handlers) in levels.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers[:] = handlers
        logging.getLogger(name).propagate = propagating[name]


def nobody_is_in(written: str) -> bool:
    return not any(piece in written for piece in PIECES)


def raised(error: Exception) -> Any:
    try:
        raise error
    except Exception:
        return sys.exc_info()


def _nested() -> Any:
    try:
        try:
            raise KeyError(WORDS)
        except KeyError as inner:
            raise RuntimeError(f"while reading {WORDS}") from inner
    except RuntimeError:
        return sys.exc_info()


THIRD_PARTY: dict[str, Callable[[logging.Logger], Any]] = {
    "f-string, as Rasa": lambda log: log.debug(f"Received user message '{WORDS}' with intent"),
    "argument": lambda log: log.info("request body: %s", WORDS),
    "named argument": lambda log: log.info("body %(text)s", {"text": WORDS}),
    "extra": lambda log: log.info("x", extra={"body": WORDS}),
    "message that is an object": lambda log: log.error(ValueError(WORDS)),
    "exception": lambda log: log.error("x", exc_info=raised(ValueError(WORDS))),
    "exception caused by another": lambda log: log.error(WORDS, exc_info=_nested()),
    "exception in the message": lambda log: log.warning("failed: %r", ValueError(WORDS)),
    "stack": lambda log: log.info(WORDS, stack_info=True),
    "broken placeholders": lambda log: log.info("%d of %d", WORDS),
    "bytes": lambda log: log.info(WORDS.encode()),
    "lines": lambda log: log.critical("first\n" + WORDS),
    "unicode error": lambda log: log.error(
        "x", exc_info=raised(UnicodeDecodeError("utf-8", WORDS.encode(), 0, 1, WORDS))
    ),
}


@pytest.mark.parametrize("said", THIRD_PARTY)
@pytest.mark.parametrize(
    "name", ["rasa.core.processor", "sqlalchemy.engine.Engine", "sanic.error", "sandhisomething"]
)
def test_a_library_is_cut_down_to_the_place_it_speaks_from(
    lines: Callable[[], str], name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root, log = logging.getLogger(), logging.getLogger(name)
    # without pytest's own, which trip over broken records
    root.handlers[:] = [h for h in root.handlers if isinstance(h.formatter, IdsOnlyFormatter)]
    log.setLevel(logging.DEBUG)
    THIRD_PARTY[said](log)
    written = lines()
    assert nobody_is_in(written), written
    assert name in written
    assert "test_log_formatter.py:" in written
    assert written.count("\n") == 1
    printed = capsys.readouterr()
    assert nobody_is_in(printed.out + printed.err), "logging printed its own complaint"


def test_sqlalchemys_echo_says_nothing_of_the_rows(lines: Callable[[], str], db: Database) -> None:
    logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
    with db.transaction() as session:
        session.add(Contact(profile_name=WORDS, language="en", phone_hash=WORDS[:64]))
    assert "sqlalchemy.engine" in lines()
    assert nobody_is_in(lines())


def test_an_integrity_error_with_its_parameters_is_type_and_place(
    lines: Callable[[], str],
) -> None:
    error = IntegrityError(f"INSERT '{WORDS}'", {"text": WORDS}, Exception(WORDS))
    assert WORDS in str(error), "this test would show nothing"
    try:
        raise error
    except IntegrityError:
        logging.getLogger("rasa").exception("could not store %s", error)
        logger("worker").exception("not stored", message=7)
    assert nobody_is_in(lines())
    assert lines().count("exception=IntegrityError") == 2
    assert "message=7" in lines()


def test_a_warning_of_a_library_is_a_place(lines: Callable[[], str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(WORDS, UserWarning, stacklevel=1)
    assert "py.warnings" in lines()
    assert nobody_is_in(lines())


def test_a_handler_that_a_library_brought_is_taken_away() -> None:
    chatty = io.StringIO()
    log = logging.getLogger("rasa.shared.chatty")
    log.addHandler(logging.StreamHandler(chatty))
    log.propagate = False
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    hooks = (sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    try:
        configure_logs("DEBUG", stream)
        log.warning(WORDS)
    finally:
        logging.captureWarnings(False)
        sys.excepthook, threading.excepthook = hooks
        root.handlers[:], root.level = before, level
    assert chatty.getvalue() == ""
    assert "rasa.shared.chatty" in stream.getvalue()
    assert nobody_is_in(stream.getvalue())


def test_our_own_lines_say_what_happened_to_which_row(lines: Callable[[], str]) -> None:
    logger("channel").info("stored", messages=3, contact=17)
    structlog.get_logger("channels.whatsapp.graph").warning("graph.refused", code=131056)
    written = lines().splitlines()
    assert written[0].endswith("sandhi.channel stored messages=3 contact=17")
    assert written[1].endswith("channels.whatsapp.graph graph.refused code=131056")
    assert " info " in written[0]
    assert " warning " in written[1]


def test_our_own_exceptions_are_type_and_place(lines: Callable[[], str]) -> None:
    try:
        raise ValueError(WORDS)
    except ValueError:
        logger("worker").exception("turn failed", message=12)
    written = lines()
    assert "turn failed message=12 exception=ValueError from=clinic/test_log_formatter.py:" in (
        written
    )
    assert nobody_is_in(written)


def test_details_are_for_debug_only(lines: Callable[[], str]) -> None:
    logging.getLogger().setLevel("INFO")
    logger("worker").debug("detail", message=1)
    logger("worker").info("fact", message=2)
    assert "detail" not in lines()
    assert "fact message=2" in lines()


def test_noisy_libraries_are_quiet_at_debug(lines: Callable[[], str]) -> None:
    logging.getLogger("urllib3.connectionpool").debug("GET /%s", WORDS)
    assert lines() == ""


def test_an_exception_without_a_trace_can_be_described() -> None:
    assert describe_exception((ValueError, ValueError(WORDS), None)) == (
        "exception=ValueError from=unknown"
    )


def test_a_thread_that_dies_is_a_type_and_a_place(
    lines: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody caught goes to the log as well, not with its words to stderr."""

    def dies() -> None:
        raise ValueError(WORDS)

    thread = threading.Thread(target=dies)
    thread.start()
    thread.join()
    assert nobody_is_in(capsys.readouterr().err)
    assert "exception=ValueError" in lines()
    assert nobody_is_in(lines())


def test_a_process_that_dies_says_type_and_place(
    lines: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    sys.excepthook(*raised(RuntimeError(WORDS)))
    assert nobody_is_in(capsys.readouterr().err)
    assert "exception=RuntimeError" in lines()
