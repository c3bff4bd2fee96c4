"""`python -m assistant.thinker FD`: loads Rasa, and forks the processes in which it thinks.

The assistant's web process starts it and writes to it, over an inherited socket, whose
conversations have something new. All end when that socket does: when the web process asks them
to, and also when that is killed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from typing import Any, Dict

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage

from assistant.agent import load
from assistant.keeping import named_in
from assistant.thinkers import Thinkers
from assistant.thinking_apart import READY, WITHOUT_MODEL
from channels.whatsapp.thinking import Thinking
from clinic.database import database
from clinic.inbound import EVERYBODY, Share
from clinic.logs import configure_logs, logger
from clinic.settings import settings

log = logger("assistant.thinker")

# where both want the processor, a webhook that WhatsApp waits for goes before thinking
GIVES_WAY_BY = 19
# the thread that writes a turn down gets the interpreter sooner from the one that thinks: others
# wait until it has written
SWITCH_SECONDS = 0.001


def thinking_of(agent: Agent, share: Share = EVERYBODY) -> Thinking:
    """Turns with this agent, of the contacts of one share or of all."""

    async def parse(message: UserMessage) -> Dict[str, Any]:
        return dict(await agent.processor.parse_message(message))  # type: ignore[union-attr]

    return Thinking(settings(), database(), agent.handle_message, parse, share)


def serve(line: socket.socket) -> None:
    """Take turns until the line ends; every line of it names contacts by id (`12 15`)."""
    configured = settings()
    agent = asyncio.run(load(configured))
    # Rasa sets up logs of its own while it loads
    configure_logs(configured.log_level)

    def think(own: socket.socket, share: Share) -> None:
        thinking = thinking_of(agent, share)
        thinking.start()
        try:
            with own.makefile("r", encoding="ascii") as reader:
                for named in reader:
                    thinking.wake(named_in(named))
        except OSError:
            log.warning("the process that forked this one is gone")
        finally:
            thinking.stop()

    # two processes can share neither connections nor the files that writers queue at
    database().dispose()
    # what is loaded stays where it is: the collector would touch it, and so copy it
    gc.collect()
    gc.freeze()
    ready = READY if agent.is_ready() else WITHOUT_MODEL
    Thinkers(configured.thinking_processes, think).serve(line, ready)


def main() -> None:
    """Serve on the socket whose number is the first argument."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    # TERM and Ctrl-C reach the whole group; when to end is the web process's to say
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.SIG_IGN)
    configure_logs(settings().log_level)
    os.nice(GIVES_WAY_BY)
    sys.setswitchinterval(SWITCH_SECONDS)
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
