"""A bubble becomes exactly the JSON that Meta publishes for its kind."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from channels.whatsapp.render import Recipient, mark_read, render
from clinic.bubbles import Choice, Choices, Link, Location, Media, Template, Text

ASHA = Recipient("+919000000001")
HEAD = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": "+919000000001",
    "biz_opaque_callback_data": "outbox-17",
}


def rendered(bubble: Any, **options: Any) -> dict[str, Any]:
    return render(bubble, ASHA, "outbox-17", **options)


def choices(count: int, text: str = "Which day?", **more: Any) -> Choices:
    rows = [Choice(title=f"Day {index}", id=f"t{index}") for index in range(count)]
    return Choices(text=text, choices=rows, **more)


def shape(value: Any) -> Any:
    """The keys and kinds of a JSON value, without what is in it."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else "value"


PUBLISHED: dict[str, tuple[Any, dict[str, Any]]] = {
    "Send Text Message": (Text(text="Hello"), {}),
    "Send Reply to Text Message": (Text(text="Hello"), {"reply_to": "wamid.Q"}),
    "Send Location Message": (
        Location(latitude=12.97, longitude=77.59, name="Sandhi Clinic", address="4 Cross Road"),
        {},
    ),
    "Send Reply Button": (choices(2), {}),
    "Send Image Message by ID": (Media(media="image", id="9"), {}),
    "Send Image Message by URL": (Media(media="image", link="https://clinic.example/a.jpg"), {}),
    "Send Audio Message by ID": (Media(media="audio", id="9"), {}),
    "Send Reply to Audio Message by ID": (Media(media="audio", id="9"), {"reply_to": "wamid.Q"}),
    "Send Video Message by ID": (Media(media="video", id="9", caption="Squats"), {}),
    "Send Video Message by URL": (
        Media(media="video", link="https://clinic.example/a.mp4", caption="Squats"),
        {},
    ),
    "Send Document Message by ID": (
        Media(media="document", id="9", caption="Invoice", filename="invoice.pdf"),
        {},
    ),
    "Send Document Message by URL": (
        Media(media="document", link="https://clinic.example/a.pdf", caption="Invoice"),
        {},
    ),
    "Send Test Message": (Template(name="hello_world", language="en_US", text="Hello"), {}),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_same_shape_as_published(send_examples: dict[str, Any], name: str) -> None:
    bubble, options = PUBLISHED[name]
    body = rendered(bubble, **options)
    assert body.pop("biz_opaque_callback_data") == "outbox-17"
    assert body["recipient_type"] == "individual"
    published = {"recipient_type": "individual", **send_examples[name]}
    assert shape(body) == shape(published)
    assert body["type"] == published["type"]


def test_list_has_the_published_shape_without_titles_we_do_not_use(
    send_examples: dict[str, Any],
) -> None:
    published = copy.deepcopy(send_examples["Send List Message"])
    del published["interactive"]["header"], published["interactive"]["footer"]
    del published["interactive"]["action"]["sections"][0]["title"]
    rows = [Choice(title=f"{hour} am", description="Tue", id=f"t{hour}") for hour in range(4)]
    body = rendered(Choices(text="When?", choices=rows, opener="See times"))
    del body["biz_opaque_callback_data"]
    assert shape(body) == shape(published)


def test_template_has_the_published_shape(send_examples: dict[str, Any]) -> None:
    template = Template(
        name="appointment_reminder",
        language="hi",
        text="कल 10 बजे",
        header=Media(media="image", link="https://clinic.example/logo.png"),
        body=["कल 10 बजे"],
        buttons=[Choice(title="हाँ", id="y"), Choice(title="नहीं", id="n")],
    )
    body = rendered(template)
    published = send_examples["Send Message Template Interactive"]
    for ours, theirs in zip(
        body["template"]["components"], published["template"]["components"], strict=True
    ):
        assert shape(ours) == shape(theirs)
        assert {key: ours.get(key) for key in ("type", "sub_type", "index")} == {
            key: theirs.get(key) for key in ("type", "sub_type", "index")
        }


def test_template_with_a_link_button_counts_it_after_the_quick_replies() -> None:
    template = Template(
        name="invoice",
        language="en",
        text="Your invoice",
        body=["₹ 800", "two\n lines\tand      blanks"],
        buttons=[Choice(title="Thanks", id="t1")],
        url_suffix="inv-17",
    )
    assert rendered(template) == {
        **HEAD,
        "type": "template",
        "template": {
            "name": "invoice",
            "language": {"code": "en"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "₹ 800"},
                        {"type": "text", "text": "two lines and blanks"},
                    ],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "0",
                    "parameters": [{"type": "payload", "payload": "t1"}],
                },
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "1",
                    "parameters": [{"type": "text", "text": "inv-17"}],
                },
            ],
        },
    }


def test_link_as_meta_documents_it() -> None:
    link = Link(text="Directions", label="Open map", url="https://maps.example/x?q=1")
    assert rendered(link) == {
        **HEAD,
        "type": "interactive",
        "interactive": {
            "type": "cta_url",
            "body": {"text": "Directions"},
            "action": {
                "name": "cta_url",
                "parameters": {"display_text": "Open map", "url": "https://maps.example/x?q=1"},
            },
        },
    }


def test_payloads_never_leave_the_house() -> None:
    secret = Choice(title="Yes", id="t1", payload='/book{"category": "knee_hip"}')
    assert "knee_hip" not in str(rendered(Choices(text="Book?", choices=[secret])))


def test_a_bare_location_has_only_its_coordinates() -> None:
    body = rendered(Location(latitude=0, longitude=-180, name=" "))
    assert body["location"] == {"latitude": 0, "longitude": -180}


@pytest.mark.parametrize(
    ("recipient", "address"),
    [
        (Recipient("+919000000001", "IN.7"), {"to": "+919000000001"}),
        (Recipient("+919000000001"), {"to": "+919000000001"}),
        (Recipient(None, "IN.7"), {"recipient": "IN.7"}),
    ],
)
def test_recipients(recipient: Recipient, address: dict[str, str]) -> None:
    body = render(Text(text="hi"), recipient, "r")
    assert {key: body[key] for key in ("to", "recipient") if key in body} == address


@pytest.mark.parametrize(
    "recipient",
    [
        Recipient(None),
        Recipient(""),
        Recipient("919000000001"),
        Recipient("+91 90000"),
        Recipient("+"),
    ],
)
def test_recipients_that_are_none(recipient: Recipient) -> None:
    with pytest.raises(ValueError, match="recipient"):
        render(Text(text="hi"), recipient, "r")


@pytest.mark.parametrize(
    ("typing", "extra"), [(False, {}), (True, {"typing_indicator": {"type": "text"}})]
)
def test_mark_read(typing: bool, extra: dict[str, Any]) -> None:
    assert mark_read("wamid.M", typing) == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.M",
        **extra,
    }


def test_mark_read_with_typing_is_as_published(send_examples: dict[str, Any]) -> None:
    published = send_examples["Send typing indicator and read receipt"]
    assert mark_read(published["message_id"], typing=True) == published
