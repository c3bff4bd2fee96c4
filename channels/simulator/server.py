"""Serving the simulator: one gunicorn process with threads, because its state is in memory."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Any, Optional

from flask import Flask
from gunicorn.app.base import BaseApplication

from channels.simulator.app import create_app
from channels.simulator.config import SimulatorConfig

# Long polls of the page and of tests hold a thread each.
THREADS = 64


def _stop_master_at_once(arbiter: Any) -> None:
    """There is nothing to save, and waiting long polls out would hold up `make run`'s end."""

    def stop(_signal: int, _frame: Optional[FrameType]) -> None:
        for worker in list(arbiter.WORKERS):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        os._exit(0)

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, stop)


def _stop_worker_at_once(_worker: Any) -> None:
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda _signal, _frame: os._exit(0))


def _leave_at_once(_arbiter: Any, _worker: Any) -> None:
    """A worker whose master died: Python would wait for every thread, and one may sleep long."""
    os._exit(0)


class SimulatorServer(BaseApplication):  # type: ignore[misc]
    """gunicorn without its command line."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": f"{self._config.host}:{self._config.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "worker_connections": 1000,
            "keepalive": 75,
            "timeout": 0,
            "graceful_timeout": 1,
            "loglevel": "warning",
            "proc_name": "sandhi-simulator",
            "when_ready": _stop_master_at_once,
            "post_worker_init": _stop_worker_at_once,
            "worker_exit": _leave_at_once,
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._config)


def serve(config: SimulatorConfig) -> None:
    """Serve until TERM or INT."""
    SimulatorServer(config).run()
