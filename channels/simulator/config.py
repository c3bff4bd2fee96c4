"""What can be set on the simulator, from the environment or at run time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Mapping, Optional, Tuple

# What `POST /control/settings` may change while the simulator runs.
ADJUSTABLE = (
    "number_rate",
    "pair_seconds",
    "pair_burst",
    "sent_after",
    "delivered_after",
    "read_after",
    "auto_read",
    "webhook_batch",
    "retry_delays",
    "webhook_timeout",
    "webhook_url",
    "new_template_status",
    "template_review_seconds",
)


@dataclass
class SimulatorConfig:
    """Settings; times are seconds. The defaults are for a demo on one machine.

    `number_rate` (messages/s) and `pair_seconds` switch their rate limit off at 0.
    `retry_delays` is how long to wait after each failed webhook; the last one repeats.
    `new_template_status` is what the review of a submitted or edited template comes to, after
    `template_review_seconds`, in which it is `PENDING`.
    `webhook_batch` is the most updates one POST may carry (Meta: up to 1,000).
    """

    host: str = "127.0.0.1"
    port: int = 8010
    phone_number_id: str = "106540352242922"
    waba_id: str = "102290129340398"
    access_token: str = "simulator-access-token"  # noqa: S105 (the simulator's own)
    app_secret: str = "simulator-app-secret"  # noqa: S105
    verify_token: str = "simulator-verify-token"  # noqa: S105
    webhook_url: str = "http://127.0.0.1:5005/webhooks/whatsapp/webhook"
    display_name: str = "Sandhi Physiotherapy"
    display_phone_number: str = "919000000001"
    inbox_url: str = ""

    number_rate: float = 80.0
    pair_seconds: float = 6.0
    pair_burst: int = 45

    sent_after: float = 0.05
    delivered_after: float = 0.4
    read_after: float = 1.5
    auto_read: bool = True

    webhook_timeout: float = 10.0
    webhook_batch: int = 100
    retry_delays: Tuple[float, ...] = (1, 2, 4, 8, 15, 30, 60, 300, 900, 3600)

    new_template_status: str = "APPROVED"
    template_review_seconds: float = 0.0
    transcript_limit: int = 20_000
    contact_limit: int = 20_000
    media_limit: int = 500
    media_bytes_limit: int = 256 * 1024 * 1024

    @classmethod
    def from_env(cls, env: Optional[Mapping[str, str]] = None) -> SimulatorConfig:
        """Read the settings that operators may give; absent or empty ones keep the default.

        Raises:
            ValueError: a number that is not one.
        """
        source = os.environ if env is None else env
        config = cls()
        names = {
            "host": "SIMULATOR_HOST",
            "phone_number_id": "WHATSAPP_PHONE_NUMBER_ID",
            "waba_id": "WHATSAPP_BUSINESS_ACCOUNT_ID",
            "access_token": "WHATSAPP_ACCESS_TOKEN",
            "app_secret": "WHATSAPP_APP_SECRET",
            "verify_token": "WHATSAPP_VERIFY_TOKEN",
            "webhook_url": "SIMULATOR_WEBHOOK_URL",
            "display_name": "SIMULATOR_DISPLAY_NAME",
            "inbox_url": "SIMULATOR_INBOX_URL",
        }
        for attribute, name in names.items():
            if source.get(name):
                setattr(config, attribute, source[name])
        if source.get("SIMULATOR_PORT"):
            config.port = int(source["SIMULATOR_PORT"])
        if source.get("SIMULATOR_NUMBER_RATE"):
            config.number_rate = float(source["SIMULATOR_NUMBER_RATE"])
        if source.get("SIMULATOR_PAIR_SECONDS"):
            config.pair_seconds = float(source["SIMULATOR_PAIR_SECONDS"])
        return config
