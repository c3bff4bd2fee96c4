"""One worker that drains what is due: `python -m bench.drain MOMENT GRAPH_URL`, for the bench.

It says `ready`, waits for a line, drains, and prints `{"count", "begin", "end"}` in
`time.monotonic_ns()`, which all processes of a machine share.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import List

from channels.whatsapp.graph import GraphClient
from channels.whatsapp.sender import GraphSender
from clinic.database import Database
from clinic.logs import configure_logs
from clinic.settings import settings
from sandhi.writing import reminder_writer
from worker.sending import Outbox

UNLIMITED = 5000.0


def main(arguments: List[str]) -> None:
    """Drain as of `MOMENT`."""
    moment = datetime.fromisoformat(arguments[0])
    configure_logs("ERROR")
    client = GraphClient(arguments[1], "v23.0", "100000000000001", "bench")
    database = Database(settings().database_url)
    outbox = Outbox(database, GraphSender(client), per_second=UNLIMITED, writer=reminder_writer())
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.monotonic_ns()
    count = outbox.drain(moment)
    end = time.monotonic_ns()
    outbox.close()
    print(json.dumps({"count": count, "begin": begin, "end": end}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
