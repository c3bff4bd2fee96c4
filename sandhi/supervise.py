"""Running all processes under supervisord, which restarts what dies and says why."""

from __future__ import annotations

import errno
import os
import shlex
import socket
import sys
from pathlib import Path
from typing import Dict, List, Tuple

from channels.whatsapp.graph import TIMEOUT
from clinic.settings import Settings
from sandhi.surroundings import ROOT, logs, var, write_private

# a letter on its way gets its answer, or its time-out, and what became of it is written down
STOP_SECONDS = int(sum(TIMEOUT)) + 12


HEAD = """\
[supervisord]
nodaemon=true
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={var}/supervisord.pid
childlogdir={logs}
loglevel=info
"""
# without it supervisord warns whoever starts it as root (a container, say) that they are root
AS_ROOT = "user=root\n"

# startsecs: one that dies sooner is started again after a pause that grows with each attempt
PROGRAM = """
[program:{name}]
command={command}
directory={root}
autostart=true
autorestart={again}
startsecs={startsecs}
startretries=1000000
stopsignal=TERM
stopwaitsecs={stop}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes={log_size}
stdout_logfile_backups={log_backups}
"""


def programs(demo: bool) -> List[Tuple[str, str]]:
    """Name and command of every process."""
    python = shlex.quote(sys.executable)
    listed = [
        ("actions", f"{python} -m actions"),
        ("assistant", f"{python} -m assistant"),
        ("worker", f"{python} -m sandhi worker"),
        ("inbox", f"{python} -m sandhi.inbox"),
    ]
    if demo:
        listed.append(("simulator", f"{python} -m channels.simulator"))
    return listed


def busy_ports(settings: Settings, demo: bool) -> List[str]:
    """One sentence for each port that cannot be had: somebody has it, or it is named twice."""
    wanted: Dict[str, Tuple[str, int]] = {
        "ASSISTANT_PORT": (settings.host, settings.assistant_port),
        "ACTIONS_PORT": ("127.0.0.1", settings.actions_port),
        "INBOX_PORT": (settings.host, settings.inbox_port),
    }
    if demo:
        wanted["SIMULATOR_PORT"] = ("127.0.0.1", settings.simulator_port)
    problems = []
    named: Dict[int, str] = {}
    for name, (host, port) in wanted.items():
        if port in named:
            problems.append(f"{named[port]} and {name} are both {port}: set one to another port.")
            continue
        named[port] = name
        try:
            _try_port(host, port)
        except socket.gaierror:
            problems.append("SANDHI_HOST is no address of this machine: 127.0.0.1 is the default.")
            break
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                why = "is in use: stop what has it"
            else:
                why = f"of {host} cannot be had ({os.strerror(error.errno or 0)}): set SANDHI_HOST"
            problems.append(f"Port {port} {why}, or set {name} to another.")
    return problems


def _try_port(host: str, port: int) -> None:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def write_config(demo: bool) -> Path:
    """The supervisor's configuration; it holds no secret (those are in the environment)."""
    log_folder = logs()
    log_folder.mkdir(parents=True, exist_ok=True)
    text = HEAD.format(logs=log_folder, var=var())
    if os.geteuid() == 0:
        text += AS_ROOT
    for name, command in programs(demo):
        text += PROGRAM.format(
            name=name,
            command=command,
            root=ROOT,
            again="true",
            stop=STOP_SECONDS,
            startsecs=3,
            log=log_folder / f"{name}.log",
            log_size="10MB",
            log_backups=3,
        )
    text += PROGRAM.format(
        name="welcome",
        command=f"{shlex.quote(sys.executable)} -m sandhi welcome{' --demo' if demo else ''}",
        root=ROOT,
        again="false",
        stop=STOP_SECONDS,
        startsecs=0,
        log="/dev/fd/1",
        log_size=0,
        log_backups=0,
    )
    config = var() / "supervisord.conf"
    write_private(config, text)
    return config


def run(environment: Dict[str, str], demo: bool) -> None:
    """Become the supervisor; does not return."""
    config = write_config(demo)
    supervisord = str(Path(sys.executable).with_name("supervisord"))
    whole = {**os.environ, **environment, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    whole["RASA_TELEMETRY_ENABLED"] = "false"
    whole.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    os.chdir(ROOT)
    os.execve(supervisord, [supervisord, "-n", "-c", str(config)], whole)  # noqa: S606
