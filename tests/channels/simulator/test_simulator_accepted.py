"""Meta's own examples are accepted and answered as Meta answers."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any, Dict, List

import pytest

EXAMPLES: Dict[str, Dict[str, Any]] = json.loads(
    (Path(__file__).parent / "fixtures" / "send_examples.json").read_text("utf-8")
)
ASHA = "+919000000101"

# Meta's page gives this one without a `type`, which then means text; the request would fail.
SLIPS = {"Send Reply to List Message": {"type": "interactive"}}


def variables(count: int) -> str:
    return "Hello " + " and ".join(f"{{{{{n}}}}}" for n in range(1, count + 1)) + " there."


def templates_for(content: Dict[str, Any]) -> Dict[str, Any]:
    """A template as the example must have been made for: as many variables and buttons."""
    components: List[Dict[str, Any]] = []
    given = content.get("components", [])
    body = next((c for c in given if c["type"] == "body"), None)
    buttons = [c for c in given if c["type"] == "button"]
    if any(c["type"] == "header" for c in given):
        components.append({"type": "HEADER", "format": "IMAGE"})
    count = len(body["parameters"]) if body else 0
    text = {"type": "BODY", "text": variables(count) if count else "Hello there."}
    components.append({**text, "example": {"body_text": [["x"] * count]}} if count else text)
    if buttons:
        made = [
            {"type": c["sub_type"].upper(), "text": f"Button {i}"} for i, c in enumerate(buttons)
        ]
        components.append({"type": "BUTTONS", "buttons": made})
    return {
        "name": content["name"],
        "language": content["language"]["code"],
        "category": "UTILITY",
        "components": components,
    }


def filled(bench: Any, name: str) -> Dict[str, Any]:
    """The example with its placeholders replaced by what exists."""
    text = json.dumps({**EXAMPLES[name], **SLIPS.get(name, {})})
    text = re.sub(r'"(<?https?|<?http\(s\))[^"]*"', '"https://example.org/file"', text)
    text = text.replace("<TEMPLATE_NAME>", "flow_template").replace("template-name", "a_template")
    body: Dict[str, Any] = json.loads(text)
    if "to" in body:
        body["to"] = ASHA
    kind = body.get("type")
    if kind in ("audio", "document", "image", "sticker", "video") and "id" in body[kind]:
        body[kind]["id"] = uploaded(bench, kind)
    if kind == "interactive" and body["interactive"]["type"] == "product_list":
        body["interactive"]["header"]["type"] = "text"
    if kind == "template":
        template = templates_for(body["template"])
        if template["name"] != "hello_world":
            bench.control("templates", templates=[template])
    if "status" in body:
        body["message_id"] = bench.writes("read me")
    # Placeholders in angle brackets are longer than the fields they stand for.
    short: Dict[str, Any] = json.loads(
        re.sub(r"<([A-Z0-9_]+)>", lambda m: m[1][-19:], json.dumps(body))
    )
    return short


def uploaded(bench: Any, kind: str) -> str:
    mime = {
        "audio": "audio/ogg",
        "document": "application/pdf",
        "image": "image/png",
        "sticker": "image/webp",
        "video": "video/mp4",
    }[kind]
    form = {"messaging_product": "whatsapp", "type": mime, "file": (io.BytesIO(b"x"), "a.bin")}
    answer = bench.client.post(f"{bench.path}/media", data=form, headers=bench.auth)
    return str(answer.get_json()["id"])


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_takes_metas_example(bench: Any, name: str) -> None:
    bench.writes()
    body = filled(bench, name)

    answer = bench.post(body)

    assert answer.status_code == 200, answer.text
    if "status" in body:
        assert answer.get_json() == {"success": True}
        return
    wamid = answer.get_json()["messages"][0]["id"]
    assert wamid.startswith("wamid.")
    assert answer.get_json() == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": ASHA, "wa_id": "919000000101"}],
        "messages": [{"id": wamid}],
    }
    sent = bench.look("sent?to=%2B919000000101")["items"]
    assert [(item["wamid"], item["body"]) for item in sent] == [(wamid, body)]


def test_refuses_the_example_that_lacks_its_type(bench: Any) -> None:
    bench.writes()
    body = {**EXAMPLES["Send Reply to List Message"], "to": ASHA}
    assert bench.post(body).get_json()["error"]["code"] == 100


def test_answers_a_username_with_its_user_id(bench: Any) -> None:
    bench.control("inbound", bsuid="IN.12345", name="Meera", text="hi")
    answer = bench.post(
        {"messaging_product": "whatsapp", "recipient": "IN.12345", "text": {"body": "hi"}}
    )
    assert answer.get_json()["contacts"] == [{"input": "IN.12345", "user_id": "IN.12345"}]


def test_a_sent_template_shows_what_the_patient_reads(bench: Any) -> None:
    bench.control(
        "templates",
        templates=[
            {
                "name": "visit",
                "language": "hi",
                "category": "UTILITY",
                "parameter_format": "NAMED",
                "components": [
                    {
                        "type": "BODY",
                        "text": "नमस्ते {{name}}, {{time}} पर मिलते हैं।",
                        "example": {"body_text_named_params": []},
                    }
                    | {"example": {"body_text_named_params": [{"param_name": "name"}]}},
                    {
                        "type": "BUTTONS",
                        "buttons": [
                            {"type": "QUICK_REPLY", "text": "ठीक है"},
                            {"type": "URL", "text": "Map", "url": "https://example.org/{{1}}"},
                        ],
                    },
                ],
            }
        ],
    )
    named = [
        {"type": "text", "parameter_name": "time", "text": "5:30"},
        {"type": "text", "parameter_name": "name", "text": "Asha"},
    ]
    button = {"type": "button", "sub_type": "quick_reply", "index": "0"}
    link = {"type": "button", "sub_type": "url", "index": "1"}
    components = [
        {"type": "body", "parameters": named},
        {**button, "parameters": [{"type": "payload", "payload": "yes-7"}]},
        {**link, "parameters": [{"type": "text", "text": "pune"}]},
    ]
    content = {"name": "visit", "language": {"code": "hi"}, "components": components}

    answer = bench.send("template", content)

    assert answer.status_code == 200, answer.text
    assert bench.look("sent")["items"][0]["shown"] == {
        "header": None,
        "body": "नमस्ते Asha, 5:30 पर मिलते हैं।",
        "footer": "",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "ठीक है", "payload": "yes-7"},
            {"type": "URL", "text": "Map", "url": "https://example.org/pune"},
        ],
        "category": "utility",
    }


def test_templates_are_listed_and_filtered(bench: Any) -> None:
    path = f"/v23.0/{bench.config.waba_id}/message_templates"
    for name in ("one", "two"):
        submission = {
            "name": name,
            "language": "en",
            "category": "UTILITY",
            "components": [{"type": "BODY", "text": "Hello"}],
        }
        created = bench.client.post(path, json=submission, headers=bench.auth).get_json()
        assert created == {"id": created["id"], "status": "APPROVED", "category": "UTILITY"}

    listed = bench.client.get(path + "?name=two", headers=bench.auth).get_json()
    first = bench.client.get(path + "?limit=2", headers=bench.auth).get_json()
    rest = bench.client.get(first["paging"]["next"], headers=bench.auth).get_json()

    assert [template["name"] for template in listed["data"]] == ["two"]
    assert [t["name"] for t in first["data"] + rest["data"]] == ["hello_world", "one", "two"]
    assert "next" not in rest["paging"]


def test_media_comes_in_two_steps_and_expires(bench: Any) -> None:
    bench.writes()
    bench.control("inbound", **{"from": ASHA, "media": {"kind": "voice"}})
    contact = bench.simulator.store.find(ASHA, None)
    part = contact.transcript[-1].content["audio"]
    assert part["voice"] is True

    step = bench.client.get(f"/v23.0/{part['id']}", headers=bench.auth).get_json()
    url = step["url"].removeprefix("http://localhost")
    file = bench.client.get(url, headers=bench.auth)

    assert file.data[:4] == b"OggS"
    assert step["file_size"] == len(file.data)
    assert step["mime_type"] == part["mime_type"] == "audio/ogg; codecs=opus"
    assert bench.client.get(url).status_code == 401, "the file itself needs the token too"
    bench.control("clock", shift_seconds=5 * 60 + 1)
    assert bench.client.get(url, headers=bench.auth).status_code == 404
    assert bench.client.get(f"/v23.0/{part['id']}", headers=bench.auth).status_code == 200
    bench.control("clock", shift_seconds=7 * 24 * 3600)
    assert bench.client.get(f"/v23.0/{part['id']}", headers=bench.auth).status_code == 400


def test_window_closes_after_24_hours_and_opens_again(bench: Any) -> None:
    bench.writes()
    bench.control("clock", shift_seconds=24 * 3600 - 60)
    assert bench.send("text", {"body": "in time"}).status_code == 200
    bench.control("clock", shift_seconds=120)
    assert bench.send("text", {"body": "late"}).get_json()["error"]["code"] == 131047
    hello = {"name": "hello_world", "language": {"code": "en_US"}}
    assert bench.send("template", hello).status_code == 200
    bench.writes("I am back")
    assert bench.send("text", {"body": "welcome"}).status_code == 200


def test_number_tells_its_name(bench: Any) -> None:
    number = bench.client.get(bench.path, headers=bench.auth).get_json()
    assert number["verified_name"] == "Sandhi Physiotherapy"
    assert number["id"] == bench.config.phone_number_id
