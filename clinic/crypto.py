"""Encryption at rest and keyed look-ups.

Words, names, notes and numbers are stored as Fernet tokens (AES-128-CBC with HMAC-SHA256,
authenticated) by `cryptography`; `MultiFernet` reads every key of SANDHI_ENCRYPTION_KEYS and
writes with the newest. What must be found again without being readable (a phone number) is
stored beside it as an HMAC under a key derived from SANDHI_SECRET_KEY; what is both key and
value (a wamid, which holds the phone number in base64) as AES-SIV under another such key, whose
ciphertext is the same for the same value.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from functools import lru_cache
from typing import Any, Optional

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator

from clinic.settings import SettingsError, settings


class CannotDecrypt(Exception):
    """A stored value fits none of the keys in SANDHI_ENCRYPTION_KEYS."""


def new_key() -> str:
    """A fresh encryption key in the form SANDHI_ENCRYPTION_KEYS takes."""
    return Fernet.generate_key().decode()


def new_secret() -> str:
    """A fresh url-safe secret of 32 random bytes."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


@lru_cache(maxsize=4)
def _cipher(_setting: str) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings().encryption_key_list()])


def _current_cipher() -> MultiFernet:
    # by the setting as it is written: to read the keys from it each time would cost as much as
    # to encrypt a short text
    return _cipher(settings().encryption_keys)


def encrypt(clear: bytes) -> bytes:
    """Encrypt and authenticate.

    Raises:
        SettingsError: if no usable key is set.
    """
    return _current_cipher().encrypt(clear)


def decrypt(stored: bytes) -> bytes:
    """Undo `encrypt`.

    Raises:
        CannotDecrypt: if the value was changed or written with a key no longer listed.
    """
    try:
        return _current_cipher().decrypt(stored)
    except InvalidToken:
        raise CannotDecrypt(
            "A stored value cannot be decrypted: a key is missing from SANDHI_ENCRYPTION_KEYS "
            "or the value was changed."
        ) from None


def rotate(stored: bytes) -> bytes:
    """The same clear value under the newest key.

    Raises:
        CannotDecrypt: as `decrypt`.
    """
    return encrypt(decrypt(stored))


@lru_cache(maxsize=4)
def _lookup_key(secret: str) -> bytes:
    return hashlib.sha256(b"sandhi lookup\x00" + secret.encode()).digest()


def lookup_hash(value: str) -> str:
    """A keyed hash by which an encrypted identifier is found again (hex, 64 characters).

    Raises:
        SettingsError: if SANDHI_SECRET_KEY is not set.
    """
    secret = settings().secret_key
    if not secret:
        raise SettingsError("SANDHI_SECRET_KEY is not set: run `sandhi keys`.")
    return hmac.new(_lookup_key(secret), value.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=4)
def _sealer(secret: str) -> AESSIV:
    return AESSIV(hashlib.sha512(b"sandhi sealed\x00" + secret.encode()).digest())


def _current_sealer() -> AESSIV:
    secret = settings().secret_key
    if not secret:
        raise SettingsError("SANDHI_SECRET_KEY is not set: run `sandhi keys`.")
    return _sealer(secret)


class SealedText(TypeDecorator):  # type: ignore[type-arg]
    """A short text column that is unreadable at rest and can still be unique and looked up.

    Only equality can be asked of it. It does not follow the rotation of
    SANDHI_ENCRYPTION_KEYS: its key comes from SANDHI_SECRET_KEY, as that of `lookup_hash`.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Optional[str], dialect: Any) -> Optional[bytes]:
        return None if value is None else _current_sealer().encrypt(value.encode(), None)

    def process_result_value(self, value: Optional[bytes], dialect: Any) -> Optional[str]:
        if value is None:
            return None
        try:
            return _current_sealer().decrypt(bytes(value), None).decode()
        except InvalidTag:
            raise CannotDecrypt("A sealed value does not fit SANDHI_SECRET_KEY.") from None


class Ciphertext(bytes):
    """A value for an encrypted column that is encrypted already.

    SQLite has one place for writers: what is encrypted before its door is not waited for inside.
    """


def encrypted_json(value: Any) -> Ciphertext:
    """A JSON value as an `EncryptedJson` column keeps it.

    Raises:
        SettingsError: as `encrypt`.
    """
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Ciphertext(encrypt(content.encode("utf-8", "replace")))


class EncryptedText(TypeDecorator):  # type: ignore[type-arg]
    """A text column whose stored form is an authenticated ciphertext."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Optional[str], dialect: Any) -> Optional[bytes]:
        # a lone surrogate, which JSON can bring, is no character and has no UTF-8
        return None if value is None else encrypt(value.encode("utf-8", "replace"))

    def process_result_value(self, value: Optional[bytes], dialect: Any) -> Optional[str]:
        return None if value is None else decrypt(bytes(value)).decode()


class EncryptedJson(TypeDecorator):  # type: ignore[type-arg]
    """A JSON column whose stored form is an authenticated ciphertext."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Optional[bytes]:
        if value is None or isinstance(value, Ciphertext):
            return value
        return encrypted_json(value)

    def process_result_value(self, value: Optional[bytes], dialect: Any) -> Any:
        return None if value is None else json.loads(decrypt(bytes(value)))
