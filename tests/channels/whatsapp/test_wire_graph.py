"""The Graph client against every kind of answer; none of it leaves this process."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import urllib3.exceptions as low
from structlog.testing import capture_logs

from channels.whatsapp.errors import Verdict
from channels.whatsapp.graph import (
    Accepted,
    GraphClient,
    GraphError,
    MediaTooLargeError,
    Refused,
    SendResult,
    Unknown,
)

GRAPH = "https://graph.example"
TOKEN = "EAAinventedtoken"
MESSAGES = f"{GRAPH}/v21.0/106540352242922/messages"
BODY = {
    "messaging_product": "whatsapp",
    "to": "+919000000001",
    "biz_opaque_callback_data": "outbox-17",
    "type": "text",
    "text": {"body": "कल मिलते हैं"},
}
TAKEN = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.A"}]}


@pytest.fixture()
def client() -> GraphClient:
    return GraphClient(GRAPH, "v21.0", "106540352242922", TOKEN)


def error(code: Any, message: str = "(#1) Something") -> dict[str, Any]:
    return {"error": {"message": message, "type": "OAuthException", "code": code}}


@responses.activate
def test_a_message_is_sent_as_ascii_json_with_the_token(client: GraphClient) -> None:
    responses.post(MESSAGES, json=TAKEN)
    assert client.send(BODY) == Accepted("wamid.A")
    request = responses.calls[0].request
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Content-Type"] == "application/json"
    assert isinstance(request.body, bytes)
    assert request.body.isascii()
    assert json.loads(request.body) == BODY


def test_every_published_acceptance_is_understood(client: GraphClient) -> None:
    path = Path(__file__).parent / "fixtures" / "send_responses.json"
    published = json.loads(path.read_text("utf-8"))["200"]
    for name, answer in published.items():
        with responses.RequestsMock() as mock:
            mock.post(MESSAGES, json=answer)
            if name == "Send typing indicator and read receipt":
                assert client.mark_read({"status": "read"}) is True
            else:
                assert client.send(BODY) == Accepted(answer["messages"][0]["id"]), name


# id: (status, body of the answer, result)
ANSWERS: dict[str, tuple[int, str, SendResult]] = {
    "201-accepted": (201, json.dumps(TAKEN), Accepted("wamid.A")),
    "200-garbage": (200, "<html>", Unknown("http_200")),
    "200-empty": (200, "", Unknown("http_200")),
    "200-null": (200, "null", Unknown("http_200")),
    "200-no-messages": (200, '{"messages": []}', Unknown("http_200")),
    "200-messages-broken": (200, '{"messages": ["wamid"]}', Unknown("http_200")),
    "200-not-utf8": (200, "\udcff", Unknown("http_200")),
    "200-with-an-error": (
        200,
        json.dumps(error(131047)),
        Refused(Verdict.USE_TEMPLATE, 131047, 200, "(#1) Something"),
    ),
    "204-nothing": (204, "", Unknown("http_204")),
    "302-redirect": (302, "", Refused(Verdict.ALERT, None, 302)),
    "400-parameter": (
        400,
        json.dumps(error(100, "(#100) Invalid parameter")),
        Refused(Verdict.FIX, 100, 400, "(#100) Invalid parameter"),
    ),
    "400-pair-rate": (
        400,
        json.dumps(error(131056, "(#131056) Pair rate limit hit")),
        Refused(Verdict.RETRY, 131056, 400, "(#131056) Pair rate limit hit"),
    ),
    "400-code-as-text": (
        400,
        json.dumps(error("131026")),
        Refused(Verdict.NEVER_AGAIN, 131026, 400, "(#1) Something"),
    ),
    "400-garbage": (400, "<html>", Refused(Verdict.FIX, None, 400)),
    "401-token": (
        401,
        json.dumps(error(190, "Error validating access token")),
        Refused(Verdict.ALERT, 190, 401, "Error validating access token"),
    ),
    "403-of-a-firewall": (403, "<html>", Refused(Verdict.ALERT, None, 403)),
    "429-plain": (429, "slow down", Refused(Verdict.RETRY, None, 429)),
    "429-code": (
        429,
        json.dumps(error(130429)),
        Refused(Verdict.RETRY, 130429, 429, "(#1) Something"),
    ),
    "500-graph": (
        500,
        json.dumps(error(131000)),
        Refused(Verdict.RETRY, 131000, 500, "(#1) Something"),
    ),
    "500-graph-new-code": (
        500,
        json.dumps(error(987654)),
        Refused(Verdict.RETRY, 987654, 500, "(#1) Something"),
    ),
    "503-graph": (503, json.dumps(error(2)), Refused(Verdict.RETRY, 2, 503, "(#1) Something")),
    "500-garbage": (500, "<html>", Unknown("http_500")),
    "502-of-a-gateway": (502, "bad gateway", Unknown("http_502")),
    "503-of-a-gateway": (503, "", Unknown("http_503")),
    "504-of-a-gateway": (504, "", Unknown("http_504")),
    "500-envelope-of-somebody-else": (500, '{"error": {"message": "x"}}', Unknown("http_500")),
    "500-error-is-text": (500, '{"error": "boom"}', Unknown("http_500")),
}


@pytest.mark.parametrize("row", ANSWERS)
@responses.activate
def test_answers_to_a_send(client: GraphClient, row: str) -> None:
    status, body, expected = ANSWERS[row]
    responses.post(MESSAGES, status=status, body=body.encode("utf-8", "surrogateescape"))
    assert client.send(BODY) == expected
    assert len(responses.calls) == 1


def pooled(reason: Exception) -> low.MaxRetryError:
    pool: Any = None
    return low.MaxRetryError(pool, "/v21.0/secret-path", reason)


NO_ROUTE: Any = low.NewConnectionError(None, "Failed to establish")  # type: ignore[arg-type]

# id: (what `requests` raises, result)
BREAKS: dict[str, tuple[Exception, SendResult]] = {
    "connect-timeout": (
        requests.exceptions.ConnectTimeout("to +919000000001"),
        Refused(Verdict.RETRY, title="connect"),
    ),
    "connection-refused": (
        requests.exceptions.ConnectionError(pooled(NO_ROUTE)),
        Refused(Verdict.RETRY, title="connect"),
    ),
    "no-proxy": (
        requests.exceptions.ProxyError(pooled(low.ProxyError("no", OSError()))),
        Refused(Verdict.RETRY, title="connect"),
    ),
    "bad-certificate": (
        requests.exceptions.SSLError(pooled(low.SSLError(ssl.SSLCertVerificationError("bad")))),
        Refused(Verdict.ALERT, title="certificate"),
    ),
    "tls-broke": (
        requests.exceptions.SSLError(pooled(low.SSLError(ssl.SSLEOFError("eof")))),
        Unknown("broken"),
    ),
    "read-timeout": (requests.exceptions.ReadTimeout("secret"), Unknown("timeout")),
    "timeout-in-the-body": (
        requests.exceptions.ConnectionError(low.ReadTimeoutError(None, "", "slow")),  # type: ignore[arg-type]
        Unknown("timeout"),
    ),
    "connection-aborted": (
        requests.exceptions.ConnectionError(low.ProtocolError("aborted", ConnectionResetError())),
        Unknown("broken"),
    ),
    "cut-short": (requests.exceptions.ChunkedEncodingError("secret"), Unknown("broken")),
    "bad-encoding": (requests.exceptions.ContentDecodingError("secret"), Unknown("broken")),
    "plain-os-error": (BrokenPipeError("secret"), Unknown("broken")),
}


@pytest.mark.parametrize("row", BREAKS)
@responses.activate
def test_broken_sends(client: GraphClient, row: str) -> None:
    raised, expected = BREAKS[row]
    responses.post(MESSAGES, body=raised)
    assert client.send(BODY) == expected


@responses.activate
def test_a_redirect_is_not_followed_with_the_token(client: GraphClient) -> None:
    responses.post(MESSAGES, status=307, headers={"Location": "https://elsewhere.example/"})
    elsewhere = responses.post("https://elsewhere.example/", json=TAKEN)
    assert client.send(BODY) == Refused(Verdict.ALERT, None, 307)
    assert elsewhere.call_count == 0


@responses.activate
def test_a_netrc_file_does_not_replace_the_token(
    client: GraphClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine graph.example login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    responses.post(MESSAGES, json=TAKEN)
    client.send(BODY)
    assert responses.calls[0].request.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("row", [*ANSWERS, *BREAKS])
def test_logs_carry_ids_and_codes_only(client: GraphClient, row: str) -> None:
    with responses.RequestsMock() as mock, capture_logs() as logs:
        if row in ANSWERS:
            mock.post(MESSAGES, status=ANSWERS[row][0], json=error(131026, "to +91 90000 00001"))
        else:
            mock.post(MESSAGES, body=BREAKS[row][0])
        client.send(BODY)
    assert len(logs) == 1
    assert logs[0]["client_ref"] == "outbox-17"
    assert set(logs[0]) <= {"event", "log_level", "client_ref", "verdict", "code", "http", "why"}
    written = json.dumps(logs)
    assert not any(secret in written for secret in (TOKEN, "90000", "wamid", "मिलते", "secret"))


@responses.activate
def test_numbers_in_a_title_are_blotted_out(client: GraphClient) -> None:
    message = "(#131030) Recipient +91 90000-00001 is not in 106540352242922's list"
    responses.post(MESSAGES, status=400, json=error(131030, message))
    result = client.send(BODY)
    assert isinstance(result, Refused)
    assert result.title == "(#131030) Recipient … is not in …'s list"


def test_a_body_that_is_not_json_is_a_mistake_of_ours(client: GraphClient) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        client.send({"text": float("nan")})
    with pytest.raises(ValueError, match="not JSON"):
        client.send({"text": object()})


@pytest.mark.parametrize(
    ("status", "answer", "taken"),
    [
        (200, {"success": True}, True),
        (200, {}, False),
        (400, error(131009), False),
        (500, 7, False),
    ],
)
@responses.activate
def test_mark_read(client: GraphClient, status: int, answer: Any, taken: bool) -> None:
    responses.post(MESSAGES, status=status, json=answer)
    assert client.mark_read({"status": "read", "message_id": "wamid.M"}) is taken


@responses.activate
def test_mark_read_survives_a_broken_connection(client: GraphClient) -> None:
    responses.post(MESSAGES, body=requests.exceptions.ReadTimeout())
    assert client.mark_read({"status": "read", "message_id": "wamid.M"}) is False


MEDIA = f"{GRAPH}/v21.0/900000001"
FILE = "https://files.example/attachment?mid=1"


@responses.activate
def test_upload(client: GraphClient) -> None:
    responses.post(f"{GRAPH}/v21.0/106540352242922/media", json={"id": "900000002"})
    assert client.upload(b"%PDF-", "application/pdf", "बिल.pdf") == "900000002"
    sent = responses.calls[0].request.body
    assert isinstance(sent, bytes)
    for part in (b'name="messaging_product"', b"whatsapp", b"application/pdf", b"%PDF-"):
        assert part in sent


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (b"", "image/png"),
        (b"x" * (5 * 1024 * 1024 + 1), "image/png"),
        (b"x" * (16 * 1024 * 1024 + 1), "video/mp4"),
    ],
    ids=["empty", "image", "video"],
)
def test_files_whatsapp_would_not_take(client: GraphClient, content: bytes, mime: str) -> None:
    with pytest.raises(ValueError, match="too large"):
        client.upload(content, mime, "f")


@pytest.mark.parametrize(
    ("status", "answer", "verdict"),
    [
        (400, error(131053), Verdict.MEDIA_RETRY),
        (401, error(190), Verdict.ALERT),
        (502, "<html>", Verdict.RETRY),
        (200, {"no": "id"}, Verdict.RETRY),
        (200, "garbage", Verdict.RETRY),
    ],
)
@responses.activate
def test_upload_refused(client: GraphClient, status: int, answer: Any, verdict: Verdict) -> None:
    responses.post(f"{GRAPH}/v21.0/106540352242922/media", status=status, json=answer)
    with pytest.raises(GraphError) as caught:
        client.upload(b"x", "image/png", "f.png")
    assert caught.value.verdict is verdict
    assert caught.value.__context__ is None


@responses.activate
def test_fetch_media_in_two_steps_with_the_token(client: GraphClient) -> None:
    responses.get(MEDIA, json={"url": FILE, "mime_type": "audio/ogg", "file_size": 5})
    responses.get(FILE, body=b"hello", content_type="application/octet-stream")
    assert client.fetch_media("900000001", 5) == (b"hello", "audio/ogg")
    assert [call.request.headers["Authorization"] for call in responses.calls] == [
        f"Bearer {TOKEN}"
    ] * 2


@responses.activate
def test_fetch_media_takes_the_type_of_the_file_where_meta_names_none(client: GraphClient) -> None:
    responses.get(MEDIA, json={"url": FILE})
    responses.get(FILE, body=b"hello", content_type="image/png; charset=x")
    assert client.fetch_media("900000001", 100) == (b"hello", "image/png")


@pytest.mark.parametrize("declared", [6, "6", None, 2])
@responses.activate
def test_too_large_media_is_not_kept(client: GraphClient, declared: Any) -> None:
    """Whatever size Meta declares, at most the allowed bytes are read."""
    responses.get(MEDIA, json={"url": FILE, "file_size": declared})
    responses.get(FILE, body=b"x" * 200_000)
    with pytest.raises(MediaTooLargeError):
        client.fetch_media("900000001", 5)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://files.example/a",
        "http://127.0.0.1:8010/a",
        "ftp://graph.example/a",
        "https://user@files.example/a",
        "https://[::1",
        "/relative",
    ],
)
@responses.activate
def test_the_token_goes_to_https_only(client: GraphClient, url: str | None) -> None:
    responses.get(MEDIA, json={"url": url})
    with pytest.raises(GraphError) as caught:
        client.fetch_media("900000001", 5)
    assert caught.value.verdict is Verdict.ALERT
    assert len(responses.calls) == 1


@pytest.mark.parametrize("allowed", [True, False])
@responses.activate
def test_a_local_graph_may_name_its_own_address_only(allowed: bool) -> None:
    local = GraphClient("http://127.0.0.1:8010", "v21.0", "1", TOKEN)
    port = 8010 if allowed else 80
    url = f"http://127.0.0.1:{port}/files/1"
    responses.get("http://127.0.0.1:8010/v21.0/900000001", json={"url": url})
    responses.get(url, body=b"hello")
    if allowed:
        assert local.fetch_media("900000001", 5)[0] == b"hello"
    else:
        with pytest.raises(GraphError):
            local.fetch_media("900000001", 5)


@pytest.mark.parametrize(
    ("status", "verdict"), [(404, Verdict.FIX), (302, Verdict.ALERT), (500, Verdict.RETRY)]
)
@responses.activate
def test_fetch_media_refused(client: GraphClient, status: int, verdict: Verdict) -> None:
    responses.get(MEDIA, json={"url": FILE})
    responses.get(FILE, status=status)
    with pytest.raises(GraphError) as caught:
        client.fetch_media("900000001", 5)
    assert caught.value.verdict is verdict
    assert "files.example" not in str(caught.value)


@pytest.mark.parametrize("media_id", ["", "../me", "1?x=2", "a b", "https://x.example", "1/"])
def test_media_ids_are_ids(client: GraphClient, media_id: str) -> None:
    with pytest.raises(ValueError, match="ids joined by slashes"):
        client.fetch_media(media_id, 5)


TEMPLATES = f"{GRAPH}/v21.0/1029/message_templates"


@responses.activate
def test_templates_are_listed_and_made(client: GraphClient) -> None:
    responses.get(TEMPLATES, json={"data": [{"name": "reminder", "status": "APPROVED"}]})
    responses.post(TEMPLATES, json={"id": "1", "status": "PENDING"})
    found = client.get("1029/message_templates", {"limit": "50"})
    assert found["data"][0]["status"] == "APPROVED"
    assert client.post("1029/message_templates", {"name": "reminder"})["status"] == "PENDING"
    assert "limit=50" in str(responses.calls[0].request.url)


@responses.activate
def test_an_error_of_get_carries_no_words(client: GraphClient) -> None:
    responses.get(TEMPLATES, status=400, json=error(100, "name reminder_for_asha"))
    with pytest.raises(GraphError) as caught:
        client.get("1029/message_templates")
    assert str(caught.value) == "Graph request failed: fix, code 100, HTTP 400"
    assert (caught.value.code, caught.value.http_status) == (100, 400)


@responses.activate
def test_a_broken_get_carries_no_address(client: GraphClient) -> None:
    responses.get(TEMPLATES, body=requests.exceptions.ConnectionError(pooled(NO_ROUTE)))
    with pytest.raises(GraphError) as caught:
        client.get("1029/message_templates")
    assert caught.value.verdict is Verdict.RETRY
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
