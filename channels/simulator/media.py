"""Files: uploaded by the business or sent by patients, each with an id that expires."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Callable, Dict, Optional, Tuple

from channels.simulator import rules
from channels.simulator.config import SimulatorConfig
from channels.simulator.refusal import broken


@dataclass(frozen=True)
class StoredMedia:
    id: str
    data: bytes
    mime: str
    filename: Optional[str]
    expires: float

    @property
    def sha256_hex(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def sha256_base64(self) -> str:
        """As webhooks give it."""
        return base64.b64encode(hashlib.sha256(self.data).digest()).decode()


class MediaShelf:
    """Bounded: the oldest files go first. Times are the simulator's clock."""

    def __init__(self, config: SimulatorConfig, now: Callable[[], float]) -> None:
        self._config = config
        self._now = now
        self._lock = threading.Lock()
        self._media: OrderedDict[str, StoredMedia] = OrderedDict()
        self._urls: OrderedDict[str, Tuple[str, float]] = OrderedDict()
        self._bytes = 0
        self._next_id = 1003383421387256

    def upload(self, data: bytes, mime: str, filename: Optional[str]) -> StoredMedia:
        """Store what the business uploads.

        Raises:
            RefusalError: a MIME type WhatsApp does not take, or too large for its kind.
        """
        for kind, (limit, mimes) in rules.MEDIA_TYPES.items():
            if mime in mimes:
                if len(data) > limit:
                    raise broken(rules.MEDIA_SIZE, kind)
                return self.add(data, mime, filename, rules.UPLOAD_LIVES)
        raise broken(rules.MEDIA_TYPE, mime[:60])

    def add(self, data: bytes, mime: str, filename: Optional[str], lives: float) -> StoredMedia:
        with self._lock:
            self._next_id += 1
            stored = StoredMedia(str(self._next_id), data, mime, filename, self._now() + lives)
            self._media[stored.id] = stored
            self._bytes += len(data)
            while len(self._media) > 1 and (
                len(self._media) > self._config.media_limit
                or self._bytes > self._config.media_bytes_limit
            ):
                self._bytes -= len(self._media.popitem(last=False)[1].data)
            return stored

    def get(self, media_id: str) -> Optional[StoredMedia]:
        """The file of an id that is still alive."""
        with self._lock:
            stored = self._media.get(media_id)
        return stored if stored and stored.expires > self._now() else None

    def mime_of(self, media_id: str) -> Optional[str]:
        """The MIME type without its parameters (`audio/ogg; codecs=opus` is `audio/ogg`)."""
        stored = self.get(media_id)
        return stored.mime.split(";")[0].strip() if stored else None

    def new_url_key(self, media_id: str) -> str:
        """A key for an address of the file; it lives five minutes."""
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._urls[key] = (media_id, self._now() + rules.MEDIA_URL_LIVES)
            while len(self._urls) > self._config.media_limit * 4:
                self._urls.popitem(last=False)
        return key

    def by_url_key(self, key: str) -> Optional[StoredMedia]:
        with self._lock:
            media_id, expires = self._urls.get(key, ("", 0.0))
        return self.get(media_id) if expires > self._now() else None

    def totals(self) -> Dict[str, int]:
        with self._lock:
            return {"files": len(self._media), "bytes": self._bytes}
