"""`python -m assistant`."""

from __future__ import annotations

import os
import tempfile


def main() -> None:
    """Serve, counting together with the thinking process."""
    with tempfile.TemporaryDirectory(prefix="sandhi-metrics-") as folder:
        # prometheus_client looks for it once, when it is imported
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
        from assistant.server import main as serve

        serve()


if __name__ == "__main__":
    main()
