"""Only Meta's own bytes are genuine."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from channels.whatsapp.signature import is_genuine, sign

SECRET = "an-invented-app-secret"
HINDI = "कल शाम का समय मिलेगा? 🙏"


def test_signature_is_the_hmac_meta_documents() -> None:
    raw = b'{"object":"whatsapp_business_account"}'
    expected = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert sign(raw, SECRET) == f"sha256={expected}"


def test_a_known_vector() -> None:
    """RFC 4231, test case 2, so that `sign` and `is_genuine` cannot be wrong together."""
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(b"what do ya want for nothing?", "Jefe") == f"sha256={digest}"


def test_hindi_as_meta_escapes_it_is_genuine_and_reserialised_is_not() -> None:
    escaped = json.dumps({"body": HINDI}, ensure_ascii=True).encode()
    assert b"\\u0915" in escaped
    header = sign(escaped, SECRET)
    assert is_genuine(escaped, header, SECRET)
    same_meaning = json.dumps(json.loads(escaped), ensure_ascii=False).encode("utf-8")
    assert not is_genuine(same_meaning, header, SECRET)


def test_the_same_letter_escaped_otherwise_is_other_bytes() -> None:
    lower, upper = b'{"body":"\\u091c"}', b'{"body":"\\u091C"}'
    assert json.loads(lower) == json.loads(upper)
    assert not is_genuine(upper, sign(lower, SECRET), SECRET)


def test_raw_bytes_need_not_be_text() -> None:
    raw = b"\xff\xfe\x00not json"
    assert is_genuine(raw, sign(raw, SECRET), SECRET)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "sha256=",
        "sha256",
        "sha1=0123456789012345678901234567890123456789",
        "sha256=" + "0" * 64,
        "sha256=" + "0" * 63,
        "sha256=" + "g" * 64,
        "sha256=" + "०" * 64,
        "SHA-256=" + "0" * 64,
    ],
)
def test_missing_malformed_and_wrong_headers_are_refused(header: str | None) -> None:
    assert not is_genuine(b"{}", header, SECRET)


def test_digest_without_its_prefix_is_refused() -> None:
    assert not is_genuine(b"{}", sign(b"{}", SECRET).removeprefix("sha256="), SECRET)


def test_signature_of_another_secret_or_body_is_refused() -> None:
    assert not is_genuine(b"{}", sign(b"{}", "another secret"), SECRET)
    assert not is_genuine(b"{} ", sign(b"{}", SECRET), SECRET)


def test_nothing_is_genuine_without_a_secret() -> None:
    assert not is_genuine(b"{}", sign(b"{}", ""), "")


def test_hex_digits_may_be_upper_case() -> None:
    digest = sign(b"{}", SECRET).removeprefix("sha256=")
    assert is_genuine(b"{}", f"sha256={digest.upper()}", SECRET)
