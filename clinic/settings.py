"""Settings of every process, read once from the environment and `.env`.

Names and defaults are those of the design ("Names that do not change"); `.env.example` lists
them for an operator.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
from functools import lru_cache
from typing import Any, List, Optional
from urllib.parse import urlsplit

from pydantic import BaseSettings, Field, ValidationError, validator
from pydantic.fields import ModelField

DEMO_SECRETS = frozenset({"", "demo", "secret", "changeme", "change-me"})
DEMO_PREFIX = "demo-"


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


class Settings(BaseSettings):
    """Every environment variable Sandhi reads."""

    database_url: str = Field("sqlite:///var/sandhi.db", env="DATABASE_URL")
    redis_url: Optional[str] = Field(None, env="REDIS_URL")

    whatsapp_graph_url: str = Field("https://graph.facebook.com", env="WHATSAPP_GRAPH_URL")
    whatsapp_api_version: str = Field("v23.0", env="WHATSAPP_API_VERSION")
    whatsapp_phone_number_id: str = Field("", env="WHATSAPP_PHONE_NUMBER_ID")
    whatsapp_business_account_id: str = Field("", env="WHATSAPP_BUSINESS_ACCOUNT_ID")
    whatsapp_access_token: str = Field("", env="WHATSAPP_ACCESS_TOKEN")
    whatsapp_app_secret: str = Field("", env="WHATSAPP_APP_SECRET")
    whatsapp_verify_token: str = Field("", env="WHATSAPP_VERIFY_TOKEN")

    messages_per_second: float = Field(80.0, env="WHATSAPP_MESSAGES_PER_SECOND", gt=0, le=5000)

    secret_key: str = Field("", env="SANDHI_SECRET_KEY")
    encryption_keys: str = Field("", env="SANDHI_ENCRYPTION_KEYS")
    clinic_profile: str = Field("clinic.yml", env="SANDHI_CLINIC")
    inbox_api_token: str = Field("", env="INBOX_API_TOKEN")
    inbox_public_url: Optional[str] = Field(None, env="INBOX_PUBLIC_URL")
    inbox_idle_minutes: int = Field(120, env="INBOX_IDLE_MINUTES", ge=5, le=1440)
    inbox_session_hours: int = Field(12, env="INBOX_SESSION_HOURS", ge=1, le=168)
    inbox_trusted_proxies: str = Field("", env="INBOX_TRUSTED_PROXIES")

    chatwoot_url: str = Field("", env="CHATWOOT_URL")
    chatwoot_account_id: int = Field(0, env="CHATWOOT_ACCOUNT_ID", ge=0)
    chatwoot_inbox_id: int = Field(0, env="CHATWOOT_INBOX_ID", ge=0)
    chatwoot_token: str = Field("", env="CHATWOOT_TOKEN")
    chatwoot_webhook_secret: str = Field("", env="CHATWOOT_WEBHOOK_SECRET")

    host: str = Field("127.0.0.1", env="SANDHI_HOST")
    assistant_port: int = Field(5005, env="ASSISTANT_PORT", ge=1, le=65535)
    actions_port: int = Field(5055, env="ACTIONS_PORT", ge=1, le=65535)
    inbox_port: int = Field(8000, env="INBOX_PORT", ge=1, le=65535)
    simulator_port: int = Field(8010, env="SIMULATOR_PORT", ge=1, le=65535)

    model_path: str = Field("models", env="SANDHI_MODEL")
    thinkers: Optional[int] = Field(None, env="SANDHI_THINKERS", ge=1, le=32)
    log_level: str = Field("INFO", env="LOG_LEVEL")

    class Config:
        env_file = ".env"
        env_file_encoding = "utf-8"

    @validator("redis_url", "inbox_public_url", "thinkers", pre=True)
    def _empty_means_unset(cls, value: Optional[str]) -> Optional[str]:
        return value or None

    @validator("chatwoot_account_id", "chatwoot_inbox_id", pre=True)
    def _empty_means_none(cls, value: object) -> object:
        return value or 0

    @validator("inbox_trusted_proxies")
    def _networks(cls, value: str) -> str:
        for part in filter(None, (part.strip() for part in value.split(","))):
            try:
                ipaddress.ip_network(part)
            except ValueError:
                raise ValueError("give addresses or networks such as 10.0.0.0/8") from None
        return value

    @validator("log_level")
    def _known_level(cls, value: str) -> str:
        level = value.upper()
        if level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
            raise ValueError("use DEBUG, INFO, WARNING, ERROR or CRITICAL")
        return level

    @validator("whatsapp_graph_url", "chatwoot_url")
    def _https_or_loopback(cls, value: str, field: ModelField) -> str:
        if not value and not field.default:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("give an https address")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("plain http is allowed only on loopback; give an https address")
        return value.rstrip("/")

    @validator("inbox_public_url")
    def _https(cls, value: Optional[str]) -> Optional[str]:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("give the https address under which patients reach the inbox server")
        return value.rstrip("/")

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def thinking_processes(self) -> int:
        """How many processes think beside each other: as set, or one a processor, at most two."""
        return self.thinkers or min(2, os.cpu_count() or 1)

    @property
    def uses_chatwoot(self) -> bool:
        return bool(self.chatwoot_url)

    def chatwoot_problems(self) -> List[str]:
        """What the Chatwoot connector lacks; nothing where it is off."""
        if not self.uses_chatwoot:
            return []
        needed = {
            "CHATWOOT_ACCOUNT_ID": self.chatwoot_account_id,
            "CHATWOOT_INBOX_ID": self.chatwoot_inbox_id,
            "CHATWOOT_TOKEN": self.chatwoot_token,
            "CHATWOOT_WEBHOOK_SECRET": self.chatwoot_webhook_secret,
        }
        return [
            f"{name} is not set, and CHATWOOT_URL is."
            for name, value in needed.items()
            if not value
        ]

    def trusted_networks(self) -> List[Any]:
        """The networks whose word about a caller's address counts."""
        parts = [part.strip() for part in self.inbox_trusted_proxies.split(",")]
        return [ipaddress.ip_network(part) for part in parts if part]

    def encryption_key_list(self) -> List[str]:
        """The keys, newest first.

        Raises:
            SettingsError: if none is set or one is not url-safe base64 of 32 bytes.
        """
        keys = [key.strip() for key in self.encryption_keys.split(",") if key.strip()]
        if not keys:
            raise SettingsError(
                "SANDHI_ENCRYPTION_KEYS is not set: run `sandhi keys` and put its lines into .env."
            )
        for position, key in enumerate(keys, start=1):
            try:
                good = len(base64.urlsafe_b64decode(key.encode())) == 32
            except (binascii.Error, ValueError):
                good = False
            if not good:
                raise SettingsError(
                    f"SANDHI_ENCRYPTION_KEYS: key {position} is not url-safe base64 of 32 bytes; "
                    "run `sandhi keys` for a good one."
                )
        return keys

    def missing_for_real_use(self) -> List[str]:
        """What `make serve` refuses to start without: one sentence each, naming the variable."""
        secrets = {
            "WHATSAPP_PHONE_NUMBER_ID": self.whatsapp_phone_number_id,
            "WHATSAPP_ACCESS_TOKEN": self.whatsapp_access_token,
            "WHATSAPP_APP_SECRET": self.whatsapp_app_secret,
            "WHATSAPP_VERIFY_TOKEN": self.whatsapp_verify_token,
            "SANDHI_SECRET_KEY": self.secret_key,
            "INBOX_API_TOKEN": self.inbox_api_token,
        }
        problems = []
        for name, value in secrets.items():
            if not value:
                problems.append(f"{name} is not set.")
            elif value.lower() in DEMO_SECRETS or value.lower().startswith(DEMO_PREFIX):
                problems.append(f"{name} is a demo value; set your own.")
        problems += self.chatwoot_problems()
        if self.secret_key and len(self.secret_key) < 16:
            problems.append("SANDHI_SECRET_KEY is shorter than 16 characters; run `sandhi keys`.")
        try:
            self.encryption_key_list()
        except SettingsError as error:
            problems.append(str(error))
        return problems


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings() -> Settings:
    """Read the settings afresh.

    Raises:
        SettingsError: one sentence naming the first variable that is wrong.
    """
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        field = Settings.__fields__[str(first["loc"][0])]
        name = next(iter(field.field_info.extra["env_names"])).upper()
        raise SettingsError(f"{name} is wrong: {first['msg']}.") from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return read_settings()
