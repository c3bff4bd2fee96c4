"""`python -m inbox`: serve the inbox on SANDHI_HOST:INBOX_PORT."""

from __future__ import annotations

import sys
from typing import Any, Callable, Optional

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from clinic.logs import configure_logs
from clinic.settings import SettingsError, settings
from inbox.app import create_app
from inbox.files import FileLine

THREADS = 16
GRACE_SECONDS = 3


class IdsOnlyLogger(Logger):  # type: ignore[misc]
    """Gunicorn's log in our format, without the request lines it quotes when one is broken."""

    def setup(self, cfg: Any) -> None:
        """Let our format replace gunicorn's."""
        super().setup(cfg)
        configure_logs(settings().log_level)

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """What comes before the first colon: what follows it may be what a client sent."""
        super().warning("%s", str(msg).split(":")[0])

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Where it happened, without the address that was asked for."""
        super().error("request failed in the server", exc_info=True)

    def debug(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: gunicorn's details are addresses and what clients sent."""


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn around the application, set up here instead of on a command line."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        super().__init__()

    def load_config(self) -> None:
        """One process with threads: sign-in limits are counted in it."""
        chosen = settings()
        host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
        for name, value in {
            "bind": f"{host}:{chosen.inbox_port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "graceful_timeout": GRACE_SECONDS,
            "timeout": 60,
            "keepalive": 15,
            "proc_name": "sandhi-inbox",
            "loglevel": chosen.log_level.lower(),
            "logger_class": IdsOnlyLogger,
            "control_socket_disable": True,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application, made before the worker was started."""
        return self._app


def serve(files: Optional[Callable[[], FileLine]] = None) -> int:
    """Serve until told to stop; 1 where the settings do not allow it.

    Args:
        files: makes the way to WhatsApp's files; without it the inbox shows and sends none.
    """
    try:
        app = create_app(files=files() if files is not None else None)
    except (SettingsError, ValueError, FileNotFoundError) as error:
        sys.stderr.write(f"inbox: {error}\n")
        return 1
    Server(app).run()
    return 0


if __name__ == "__main__":
    sys.exit(serve())
