"""What reaches the clinic: signed bytes, Meta's shapes, statuses in order, retries, batches."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any, Callable, Dict

import pytest

ASHA = "+919000000101"


def test_signature_is_over_the_raw_bytes_with_escaped_unicode(bench: Any, clinic: Any) -> None:
    bench.writes("घुटने में दर्द है / ok 🙏", name="आशा")
    clinic.wait("messages", 1)
    raw, headers = clinic.received[0]

    digest = hmac.new(b"simulator-app-secret", raw, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert raw.isascii()
    assert b"\\u0918" in raw
    assert b" \\/ ok" in raw, "Meta escapes slashes as well"
    again = hmac.new(b"simulator-app-secret", json.dumps(json.loads(raw)).encode(), "sha256")
    assert again.hexdigest() != digest, "a re-serialised body must not verify"
    assert clinic.all("messages")[0]["text"]["body"] == "घुटने में दर्द है / ok 🙏"


def test_a_text_has_the_shape_of_metas_example(bench: Any, clinic: Any) -> None:
    wamid = bench.writes("Namaste", name="Asha Verma")
    sent_at = clinic.wait("messages", 1)[0]["timestamp"]

    assert abs(int(sent_at) - time.time()) < 5
    assert clinic.bodies()[0] == {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": "102290129340398",
                "changes": [
                    {
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {
                                "display_phone_number": "919000000001",
                                "phone_number_id": "106540352242922",
                            },
                            "contacts": [
                                {"profile": {"name": "Asha Verma"}, "wa_id": "919000000101"}
                            ],
                            "messages": [
                                {
                                    "from": "919000000101",
                                    "id": wamid,
                                    "timestamp": sent_at,
                                    "type": "text",
                                    "text": {"body": "Namaste"},
                                }
                            ],
                        },
                        "field": "messages",
                    }
                ],
            }
        ],
    }


ACTS = [
    (
        {"tap": {"id": "a", "title": "Yes"}},
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "a", "title": "Yes"}},
        },
    ),
    (
        {"list_tap": {"id": "a", "title": "Knee", "description": "or hip"}},
        {
            "type": "interactive",
            "interactive": {
                "type": "list_reply",
                "list_reply": {"id": "a", "title": "Knee", "description": "or hip"},
            },
        },
    ),
    (
        {"template_tap": {"payload": "p", "text": "Fine"}},
        {"type": "button", "button": {"payload": "p", "text": "Fine"}},
    ),
    (
        {"location": {"latitude": 18.5, "longitude": 73.8}},
        {"type": "location", "location": {"latitude": 18.5, "longitude": 73.8}},
    ),
    (
        {"reaction": {"message_id": "wamid.x", "emoji": "👍"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}},
    ),
    (
        {"reaction": {"message_id": "wamid.x"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.x"}},
    ),
    (
        {"flow": {"response_json": "{}"}},
        {
            "type": "interactive",
            "interactive": {
                "type": "nfm_reply",
                "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"},
            },
        },
    ),
    (
        {"raw": {"type": "unsupported", "errors": [{"code": 131051}]}},
        {"type": "unsupported", "errors": [{"code": 131051}]},
    ),
    (
        {"text": "yes", "reply_to": "wamid.y"},
        {"type": "text", "context": {"from": "919000000001", "id": "wamid.y"}},
    ),
    ({"text": "ad", "referral": {"source_type": "ad"}}, {"referral": {"source_type": "ad"}}),
    ({"contacts": [{"name": {}}]}, {"type": "contacts", "contacts": [{"name": {}}]}),
]


@pytest.mark.parametrize(("act", "expected"), ACTS, ids=lambda value: "+".join(value))
def test_what_a_patient_can_do(bench: Any, clinic: Any, act: Any, expected: Any) -> None:
    bench.control("inbound", **{"from": ASHA, **act})
    message = clinic.wait("messages", 1)[0]
    assert {name: message.get(name) for name in expected} == expected


@pytest.mark.parametrize("kind", ["image", "video", "document", "audio", "voice", "sticker"])
def test_files_carry_id_hash_and_type(bench: Any, clinic: Any, kind: str) -> None:
    bench.control("inbound", **{"from": ASHA, "media": {"kind": kind, "base64": "aGVsbG8="}})
    message = clinic.wait("messages", 1)[0]
    part = message[message["type"]]
    assert message["type"] == {"voice": "audio"}.get(kind, kind)
    assert part["sha256"] == "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
    assert bench.simulator.media.get(part["id"]).data == b"hello"


def test_a_username_has_no_number(bench: Any, clinic: Any) -> None:
    bench.control("inbound", bsuid="IN.42", name="Meera", text="hi")
    message = clinic.wait("messages", 1)[0]
    assert (message.get("from"), message["from_user_id"]) == (None, "IN.42")
    contacts = clinic.all("contacts")
    assert contacts == [{"profile": {"name": "Meera"}, "user_id": "IN.42"}]


def test_both_identities_are_linked(bench: Any, clinic: Any) -> None:
    bench.control("inbound", bsuid="IN.42", name="Meera", text="first")
    bench.control("inbound", **{"bsuid": "IN.42", "from": "+919000000177", "text": "second"})
    clinic.wait("messages", 2)
    assert clinic.all("contacts")[-1]["wa_id"] == "919000000177"
    assert bench.send("text", {"body": "hi"}, to="+919000000177").status_code == 200


def test_a_new_number_is_a_system_message(bench: Any, clinic: Any) -> None:
    bench.writes()
    bench.control("inbound", **{"from": ASHA, "new_phone": "+919000000155"})
    system = clinic.wait("messages", 2)[1]
    assert (system["from"], system["type"]) == ("919000000101", "system")
    assert system["system"]["type"] == "user_changed_number"
    assert system["system"]["wa_id"] == "919000000155"
    assert len(clinic.all("contacts")) == 1, "system messages bring no contacts"
    assert bench.send("text", {"body": "hi"}, to="+919000000155").status_code == 200


def test_a_preference_is_its_own_field(bench: Any, clinic: Any) -> None:
    bench.control("inbound", **{"from": ASHA, "preference": "stop"})
    preference = clinic.wait("user_preferences", 1)[0]
    assert (preference["value"], preference["category"]) == ("stop", "marketing_messages")
    assert isinstance(preference["timestamp"], int)


def test_statuses_come_in_order_with_price_and_reference(bench: Any, clinic: Any) -> None:
    bench.writes()
    wamid = bench.sent_ok(biz_opaque_callback_data="outbox-7")
    statuses = clinic.wait("statuses", 3)

    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    for status in statuses:
        assert status["id"] == wamid
        assert status["recipient_id"] == "919000000101"
        assert status["biz_opaque_callback_data"] == "outbox-7"
        assert status["pricing"] == {
            "billable": False,
            "pricing_model": "PMP",
            "type": "free_customer_service",
            "category": "service",
        }
    assert statuses[0]["conversation"]["origin"] == {"type": "service"}
    assert bench.look("sent")["items"][0]["status"] == "read"


def test_a_template_outside_the_window_costs(bench: Any, clinic: Any) -> None:
    bench.send("template", {"name": "hello_world", "language": {"code": "en_US"}})
    status = clinic.wait("statuses", 1)[0]
    assert status["pricing"]["billable"] is True
    assert (status["pricing"]["type"], status["pricing"]["category"]) == ("regular", "utility")


def test_statuses_to_a_username_name_the_user_id(bench: Any, clinic: Any) -> None:
    bench.control("inbound", bsuid="IN.42", name="Meera", text="hi")
    bench.post({"messaging_product": "whatsapp", "recipient": "IN.42", "text": {"body": "hi"}})
    status = clinic.wait("statuses", 1)[0]
    assert ("recipient_id" in status, status["recipient_user_id"]) == (False, "IN.42")


def test_what_is_not_taken_is_tried_again_ever_more_slowly(bench: Any, clinic: Any) -> None:
    clinic.answers = [500, 403, 200]
    bench.writes("again")
    bench.idle()
    assert len(clinic.received) == 3
    assert len({raw for raw, _ in clinic.received}) == 1, "a retry is the same bytes"
    counts = bench.look("state")["webhooks"]
    assert (counts["refused"], counts["taken"]) == (2, 1)


def test_nobody_there_is_tried_again_until_somebody_is(
    make_bench: Callable[..., Any], clinic: Any
) -> None:
    bench = make_bench()
    bench.writes("anybody?")
    until = time.monotonic() + 5
    while not bench.look("state")["webhooks"]["unreachable"] and time.monotonic() < until:
        time.sleep(0.01)
    bench.control("settings", webhook_url=clinic.url)
    assert clinic.wait("messages", 1)[0]["text"]["body"] == "anybody?"


def test_duplicates_are_posts_of_their_own(bench: Any, clinic: Any) -> None:
    wamid = bench.writes("twice", duplicate=2)
    assert [m["id"] for m in clinic.wait("messages", 3)] == [wamid] * 3
    bench.idle()
    assert len(clinic.received) == 3


def test_a_delay_holds_a_message_back(bench: Any, clinic: Any) -> None:
    bench.writes("late", delay=0.2)
    bench.writes("early")
    assert [m["text"]["body"] for m in clinic.wait("messages", 2)] == ["early", "late"]


@pytest.mark.parametrize(
    ("layout", "entries", "changes"), [("changes", 1, 3), ("entries", 3, 3), ("messages", 1, 1)]
)
def test_a_batch_is_one_post(
    bench: Any, clinic: Any, layout: str, entries: int, changes: int
) -> None:
    orders = [{"from": f"+91900000020{n}", "text": str(n), "name": f"P{n}"} for n in range(3)]
    wamids = bench.control("batch", messages=orders, layout=layout)["wamids"]

    assert [m["id"] for m in clinic.wait("messages", 3)] == wamids
    assert len(clinic.received) == 1
    body = clinic.bodies()[0]
    assert len(body["entry"]) == entries
    assert sum(len(entry["changes"]) for entry in body["entry"]) == changes


def test_a_thousand_updates_in_one_post(bench: Any, clinic: Any) -> None:
    orders = [{"from": f"+9190001{n:05d}", "text": "x"} for n in range(1000)]
    bench.control("batch", messages=orders)
    clinic.wait("messages", 1000)
    assert len(clinic.received) == 1
    assert len(clinic.received[0][0]) < 3 * 1024 * 1024


def test_batch_of_one_posts_each_status_alone(make_bench: Callable[..., Any], clinic: Any) -> None:
    bench = make_bench(webhook_url=clinic.url, webhook_batch=1)
    bench.writes()
    bench.sent_ok()
    clinic.wait("statuses", 3)
    assert [len(value.get("statuses", [])) for value in clinic.values()] == [0, 1, 1, 1]


@pytest.mark.parametrize("signed", ["good", "bad", "missing", "sha256=zz"])
def test_a_body_of_the_tests_own(bench: Any, clinic: Any, signed: str) -> None:
    answer = bench.control("webhook", body={"anything": "क"}, signature=signed)
    raw, headers = clinic.received[0]
    given = headers.get("X-Hub-Signature-256")
    right = "sha256=" + hmac.new(b"simulator-app-secret", raw, hashlib.sha256).hexdigest()
    assert answer["status"] == 200
    assert raw == b'{"anything":"\\u0915"}'
    assert (given == right) is (signed == "good")
    assert (given is None) is (signed == "missing")


def test_bytes_that_are_not_json_go_out_as_they_are(bench: Any, clinic: Any) -> None:
    bench.control("webhook", base64="//79")
    bench.control("webhook", raw="not json")
    assert [raw for raw, _ in clinic.received] == [b"\xff\xfe\xfd", b"not json"]


def test_verification_asks_with_the_token(bench: Any) -> None:
    right: Dict[str, Any] = bench.control("verify")
    assert (right["status"], right["body"]) == (200, "1158201444")
    wrong = bench.control("verify", **{"hub.verify_token": "no"})
    assert wrong["status"] == 403
