"""Logs of every process: ids, never words.

Our own loggers write events with ids as key=value (structlog). Records of libraries are cut
down to where they came from, because Rasa, Sanic and SQLAlchemy put patients' words, names and
numbers into their messages: level, logger, place, and for an exception its type and the places
it passed, never its text. A few start-up messages are known to be harmless and pass whole.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import Any, Iterable, List

import structlog

OURS = ("sandhi", "channels")
HARMLESS = frozenset({"supervisor", "gunicorn.error"})
QUIET_AT_DEBUG = ("asyncio", "urllib3", "matplotlib", "h5py", "tensorflow", "absl", "numba")


class IdsOnlyFormatter(logging.Formatter):
    """Formats our records whole and everybody else's as the place they came from."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z")
        head = f"{stamp} {record.levelname.lower():8} {record.name}"
        if record.name.split(".")[0] in OURS or record.name in HARMLESS:
            line = f"{head} {record.getMessage()}"
        else:
            line = f"{head} at={record.filename}:{record.lineno}"
        if record.exc_info and record.exc_info[0] is not None:
            line += " " + describe_exception(record.exc_info)
        return line


def describe_exception(exc_info: Any) -> str:
    """The exception's type and the places it passed; its text may hold a patient's words."""
    kind, _value, trace = exc_info
    frames = traceback.extract_tb(trace)[-4:]
    places = " < ".join(f"{_short(f.filename)}:{f.lineno}" for f in reversed(frames))
    return f"exception={kind.__name__} from={places or 'unknown'}"


def _short(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def _key_values(_logger: Any, _name: str, event: Any) -> Any:
    exc_info = event.pop("exc_info", None)
    words: List[str] = [str(event.pop("event"))]
    words += [f"{key}={value}" for key, value in event.items()]
    return (" ".join(words),), {"exc_info": exc_info}


def configure_logs(level: str, stream: Any = None) -> None:
    """Set up this process's logs; call it last, after any library has set up its own.

    Args:
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(IdsOnlyFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        # a library's own handler would print the words that ours leaves out
        logger.handlers[:] = []
        logger.propagate = True
    _quieten(QUIET_AT_DEBUG)
    logging.captureWarnings(True)
    # what nobody catches would be printed with its text
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda dying: _log_uncaught(
        dying.exc_type, dying.exc_value, dying.exc_traceback
    )
    structlog.configure(
        processors=[_key_values],
        # Rasa's lines below the level, a dozen in every turn, end before they are put together
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _log_uncaught(kind: Any, value: Any, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("sandhi.uncaught").critical("died", exc_info=(kind, value, trace))


def _quieten(names: Iterable[str]) -> None:
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)


def logger(name: str) -> Any:
    """A logger of ours: `logger("channel").info("stored", messages=3)`; pass ids only."""
    return structlog.stdlib.get_logger(f"sandhi.{name}")
