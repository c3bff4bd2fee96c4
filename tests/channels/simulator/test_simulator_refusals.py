"""Every rule of `rules.py` as one refused request, with the code Meta would answer."""

from __future__ import annotations

import copy
import io
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import pytest

from channels.simulator import rules
from channels.simulator.rules import Rule

ASHA = "+919000000101"
NEVER_WROTE = "+919000000199"
DEVANAGARI_TITLE = "क्षि" * 6  # 24 code points, 6 letters to the eye


def text(body: Any = "hi", **more: Any) -> Dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "to": ASHA,
        "type": "text",
        "text": {"body": body},
        **more,
    }


def message(kind: str, content: Any) -> Dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": ASHA, "type": kind, kind: content}


def interactive(**parts: Any) -> Dict[str, Any]:
    return message("interactive", {"body": {"text": "Choose"}, **parts})


def buttons(*pairs: Tuple[str, str], **parts: Any) -> Dict[str, Any]:
    made = [{"type": "reply", "reply": {"id": i, "title": t}} for i, t in pairs]
    return interactive(type="button", action={"buttons": made}, **parts)


def rows(count: int, **first: Any) -> List[Dict[str, Any]]:
    made: List[Dict[str, Any]] = [{"id": f"r{i}", "title": f"Row {i}"} for i in range(count)]
    made[0].update(first)
    return made


def listing(*sections: Dict[str, Any], button: str = "Open", **parts: Any) -> Dict[str, Any]:
    action = {"button": button, "sections": list(sections)}
    return interactive(type="list", action=action, **parts)


def link(label: str = "Open", url: str = "https://example.org/a") -> Dict[str, Any]:
    parameters = {"display_text": label, "url": url}
    return interactive(type="cta_url", action={"name": "cta_url", "parameters": parameters})


def body_parameters(*values: str) -> Dict[str, Any]:
    return {"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}


def template(name: str, *components: Dict[str, Any]) -> Dict[str, Any]:
    content = {"name": name, "language": {"code": "en"}, "components": list(components)}
    return message("template", content)


def url_button(suffix: str = "x", index: int = 1) -> Dict[str, Any]:
    parameters = [{"type": "text", "text": suffix}]
    return {"type": "button", "sub_type": "url", "index": index, "parameters": parameters}


def quick_reply(payload: str) -> Dict[str, Any]:
    parameters = [{"type": "payload", "payload": payload}]
    return {"type": "button", "sub_type": "quick_reply", "index": 0, "parameters": parameters}


VISIT: Dict[str, Any] = {
    "name": "visit",
    "language": "en",
    "category": "UTILITY",
    "components": [
        {"type": "BODY", "text": "See you {{1}} at {{2}}.", "example": {"body_text": [["a", "b"]]}},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Fine"},
                {"type": "URL", "text": "Map", "url": "https://example.org/{{1}}"},
            ],
        },
    ],
}
PICTURE: Dict[str, Any] = {
    "name": "picture",
    "language": "en",
    "category": "MARKETING",
    "components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "New class"}],
}


class Case(NamedTuple):
    what: str
    rule: Rule
    body: Any


L = "x" * 5000
CASES = [
    Case("a list instead of an object", rules.JSON_OBJECT, []),
    Case("no messaging_product", rules.MISSING, {"to": ASHA, "text": {"body": "hi"}}),
    Case("another product", rules.PRODUCT, text(messaging_product="telegram")),
    Case("no text object", rules.MISSING, {"messaging_product": "whatsapp", "to": ASHA}),
    Case("no body in text", rules.MISSING, message("text", {})),
    Case("an unknown field outside", rules.UNKNOWN, text(priority="high")),
    Case("an unknown field inside", rules.UNKNOWN, message("text", {"body": "a", "bold": True})),
    Case("two kinds of content", rules.UNKNOWN, text(image={"link": "https://example.org/a"})),
    Case("text is a string", rules.SHAPE, message("text", "hi")),
    Case("body is a number", rules.SHAPE, text(7)),
    Case("a group", rules.RECIPIENT_TYPE, text(recipient_type="group")),
    Case("nobody", rules.ONE_RECIPIENT, text(to=None)),
    Case("two recipients", rules.ONE_RECIPIENT, text(recipient="IN.1234")),
    Case("not a number", rules.PHONE_FORM, text(to="asha")),
    Case("too long a number", rules.PHONE_FORM, text(to="+" + "9" * 16)),
    Case("a BSUID without country", rules.BSUID_FORM, text(to=None, recipient="1234")),
    Case("too long a BSUID", rules.BSUID_FORM, text(to=None, recipient="IN." + "1" * 129)),
    Case("too long a reference", rules.CALLBACK_DATA, text(biz_opaque_callback_data="x" * 513)),
    Case("an unheard-of type", rules.TYPE, message("hologram", {})),
    Case("a type only patients send", rules.RECEIVE_ONLY, message("order", {})),
    Case("empty text", rules.TEXT_EMPTY, text("")),
    Case("blank text", rules.TEXT_EMPTY, text(" \n ")),
    Case("too long a text", rules.TEXT_LONG, text("क" * 4097)),
    Case("no source", rules.MEDIA_SOURCE, message("image", {"caption": "a"})),
    Case("two sources", rules.MEDIA_SOURCE, message("image", {"id": "1", "link": "https://a.in"})),
    Case("plain http", rules.MEDIA_HTTPS, message("image", {"link": "http://example.org/a.png"})),
    Case("unknown media", rules.MEDIA_UNKNOWN, message("document", {"id": "999"})),
    Case(
        "too long a caption",
        rules.CAPTION_LONG,
        message("image", {"link": "https://example.org/a", "caption": "x" * 1025}),
    ),
    Case(
        "too long a file name",
        rules.FILENAME_LONG,
        message("document", {"link": "https://example.org/a", "filename": "x" * 241}),
    ),
    Case("caption on a sound", rules.UNKNOWN, message("audio", {"id": "1", "caption": "a"})),
    Case("off the globe", rules.COORDINATES, message("location", {"latitude": 91, "longitude": 0})),
    Case("latitude in words", rules.SHAPE, message("location", {"latitude": "N", "longitude": 0})),
    Case(
        "too long a place",
        rules.PLACE_LONG,
        message("location", {"latitude": 1, "longitude": 1, "name": "x" * 1001}),
    ),
    Case("no contacts", rules.CONTACTS_COUNT, message("contacts", [])),
    Case(
        "half a name",
        rules.CONTACT_NAME,
        message("contacts", [{"name": {"formatted_name": "Asha"}}]),
    ),
    Case(
        "a word as reaction", rules.EMOJI, message("reaction", {"message_id": "a", "emoji": "ok"})
    ),
    Case("unknown interactive", rules.INTERACTIVE_TYPE, interactive(type="wheel", action={})),
    Case("blank body", rules.BODY_EMPTY, buttons(("a", "A"), body={"text": " "})),
    Case("long body on buttons", rules.BUTTONS_BODY, buttons(("a", "A"), body={"text": L[:1025]})),
    Case(
        "long body on a list", rules.LIST_BODY, listing({"rows": rows(1)}, body={"text": L[:4097]})
    ),
    Case(
        "long header",
        rules.HEADER_LONG,
        buttons(("a", "A"), header={"type": "text", "text": "x" * 61}),
    ),
    Case(
        "picture over a list",
        rules.HEADER_KIND,
        listing({"rows": rows(1)}, header={"type": "image", "image": {"id": "1"}}),
    ),
    Case("long footer", rules.FOOTER_LONG, buttons(("a", "A"), footer={"text": "x" * 61})),
    Case("four buttons", rules.BUTTON_COUNT, buttons(*[(str(i), str(i)) for i in range(4)])),
    Case("no buttons", rules.BUTTON_COUNT, buttons()),
    Case(
        "a button of another type",
        rules.BUTTON_TYPE,
        interactive(
            type="button",
            action={"buttons": [{"type": "url", "reply": {"id": "a", "title": "A"}}]},
        ),
    ),
    Case("long title", rules.BUTTON_TITLE, buttons(("a", "x" * 21))),
    Case("long title in Devanagari", rules.BUTTON_TITLE, buttons(("a", DEVANAGARI_TITLE))),
    Case("empty title", rules.BUTTON_TITLE, buttons(("a", ""))),
    Case("long button id", rules.BUTTON_ID, buttons(("x" * 257, "A"))),
    Case("a title twice", rules.BUTTON_TITLE_TWICE, buttons(("a", "Yes"), ("b", "Yes"))),
    Case("an id twice", rules.BUTTON_ID_TWICE, buttons(("a", "Yes"), ("a", "No"))),
    Case("long opener", rules.LIST_BUTTON, listing({"rows": rows(1)}, button="x" * 21)),
    Case("no sections", rules.SECTION_COUNT, listing()),
    Case(
        "eleven sections",
        rules.SECTION_COUNT,
        listing(*[{"title": str(i), "rows": rows(1, id=f"{i}")} for i in range(11)]),
    ),
    Case(
        "nameless sections",
        rules.SECTION_TITLE,
        listing({"rows": rows(1)}, {"rows": rows(1, id="z")}),
    ),
    Case("long section title", rules.SECTION_TITLE, listing({"title": "x" * 25, "rows": rows(1)})),
    Case("eleven rows", rules.ROW_COUNT, listing({"rows": rows(11)})),
    Case("a section without rows", rules.ROW_COUNT, listing({"rows": []})),
    Case("long row title", rules.ROW_TITLE, listing({"rows": rows(1, title="x" * 25)})),
    Case("long description", rules.ROW_DESCRIPTION, listing({"rows": rows(1, description=L[:73])})),
    Case("long row id", rules.ROW_ID, listing({"rows": rows(1, id="x" * 201)})),
    Case("a row id twice", rules.ROW_ID_TWICE, listing({"rows": rows(2, id="r1")})),
    Case("long link label", rules.CTA_LABEL, link("x" * 21)),
    Case("a link by http", rules.CTA_HTTPS, link(url="http://example.org")),
    Case("a link to a payment app", rules.CTA_HTTPS, link(url="upi://pay?pa=a@b")),
    Case(
        "another action name",
        rules.ACTION_NAME,
        interactive(type="location_request_message", action={"name": "send_money"}),
    ),
    Case("unknown template", rules.TEMPLATE_UNKNOWN, template("nothing")),
    Case("template in review", rules.TEMPLATE_UNKNOWN, template("visit_pending")),
    Case("paused template", rules.TEMPLATE_PAUSED, template("visit_paused")),
    Case("disabled template", rules.TEMPLATE_DISABLED, template("visit_disabled")),
    Case("one value for two", rules.TEMPLATE_COUNT, template("visit", body_parameters("a"))),
    Case("no values", rules.TEMPLATE_COUNT, template("visit")),
    Case(
        "no picture for the header",
        rules.TEMPLATE_FORMAT,
        template("picture"),
    ),
    Case(
        "no suffix for the link",
        rules.TEMPLATE_URL_SUFFIX,
        template("visit", body_parameters("a", "b")),
    ),
    Case(
        "a button that is not there",
        rules.TEMPLATE_BUTTON,
        template("visit", body_parameters("a", "b"), url_button(index=5)),
    ),
    Case(
        "a line break in a value",
        rules.TEMPLATE_PARAM_SPACES,
        template("visit", body_parameters("a\nb", "c"), url_button()),
    ),
    Case(
        "too long in all",
        rules.TEMPLATE_LONG,
        template("visit", body_parameters("a" * 1020, "b"), url_button()),
    ),
    Case(
        "too long a payload",
        rules.TEMPLATE_PAYLOAD,
        template("visit", body_parameters("a", "b"), quick_reply("x" * 129), url_button()),
    ),
    Case("free text to a stranger", rules.WINDOW, text(to=NEVER_WROTE)),
    Case("not a WhatsApp user", rules.NOT_ON_WHATSAPP, text(to="+919000000198")),
    Case(
        "marketing to one who stopped it",
        rules.MARKETING_STOPPED,
        {
            **template(
                "picture",
                {
                    "type": "header",
                    "parameters": [
                        {"type": "image", "image": {"link": "https://example.org/a.png"}}
                    ],
                },
            ),
            "to": "+919000000197",
        },
    ),
    Case(
        "read what was never received",
        rules.READ_TARGET,
        {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.none"},
    ),
    Case(
        "mark as unread",
        rules.READ_STATUS,
        {"messaging_product": "whatsapp", "status": "unread", "message_id": "wamid.none"},
    ),
]

# Refused by requests that are not a message; each has a test of its own below.
ELSEWHERE = {
    rules.TOKEN,
    rules.OBJECT_ID,
    rules.TYPING,
    rules.MEDIA_KIND,
    rules.MEDIA_TYPE,
    rules.MEDIA_SIZE,
    rules.NUMBER_RATE,
    rules.PAIR_RATE,
    rules.TEMPLATE_NAME,
    rules.TEMPLATE_IN_REVIEW,
    rules.TEMPLATE_CATEGORY_FIXED,
    rules.TEMPLATE_EDITS_A_DAY,
    rules.TEMPLATE_EDITS_A_MONTH,
    rules.TEMPLATE_CATEGORY,
    rules.TEMPLATE_TWICE,
    rules.TEMPLATE_COMPONENT,
    rules.TEMPLATE_TEXT,
    rules.TEMPLATE_EXAMPLE,
    rules.TEMPLATE_EDGES,
    rules.TEMPLATE_BUTTONS,
}


def assert_refused(bench: Any, answer: Any, rule: Rule) -> None:
    error = answer.get_json()["error"]
    last = bench.look("refused")["items"][-1]
    assert (last["rule"], error["code"]) == (rule.name, rule.code), error
    assert error["type"] == "OAuthException"
    assert error["fbtrace_id"]
    assert error["error_data"]["messaging_product"] == "whatsapp"
    assert error["error_data"]["details"]
    if rule.code in (100, 131008, 131009):
        assert answer.status_code == 400


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_refuses(bench: Any, case: Case) -> None:
    bench.writes()
    bench.control("contact", **{"from": "+919000000198", "on_whatsapp": False})
    bench.control("contact", **{"from": "+919000000197", "marketing_stopped": True})
    bench.control("templates", templates=[VISIT, PICTURE])
    for status in ("PENDING", "PAUSED", "DISABLED"):
        bench.control(
            "templates",
            templates=[{**VISIT, "name": f"visit_{status.lower()}", "status": status}],
        )

    answer = bench.post(case.body)

    assert_refused(bench, answer, case.rule)
    assert bench.look("sent")["items"] == [], "a refused message was sent all the same"


def test_every_rule_has_a_case() -> None:
    shown = {case.rule for case in CASES} | ELSEWHERE
    assert {rule.name for rule in rules.ALL} == {rule.name for rule in shown}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "x"}])
def test_refuses_a_wrong_token(bench: Any, header: Dict[str, str]) -> None:
    for method, path in (
        ("POST", f"{bench.path}/messages"),
        ("POST", f"{bench.path}/media"),
        ("GET", "/v23.0/123456"),
        ("GET", f"/v23.0/{bench.config.waba_id}/message_templates"),
    ):
        answer = bench.client.open(path, method=method, headers=header)
        assert answer.status_code == 401, path
        assert_refused(bench, answer, rules.TOKEN)


def test_refuses_another_numbers_id(bench: Any) -> None:
    answer = bench.client.post("/v23.0/999/messages", json=text(), headers=bench.auth)
    assert_refused(bench, answer, rules.OBJECT_ID)
    assert answer.get_json()["error"]["error_subcode"] == 33


def test_refuses_a_typing_indicator_of_another_type(bench: Any) -> None:
    wamid = bench.writes()
    answer = bench.post(
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": wamid,
            "typing_indicator": {"type": "voice"},
        }
    )
    assert_refused(bench, answer, rules.TYPING)


def upload(bench: Any, data: bytes, mime: str) -> Any:
    form = {"messaging_product": "whatsapp", "type": mime, "file": (io.BytesIO(data), "a.bin")}
    return bench.client.post(f"{bench.path}/media", data=form, headers=bench.auth)


def test_refuses_an_upload_of_the_wrong_kind_or_size(bench: Any) -> None:
    assert_refused(bench, upload(bench, b"x", "image/gif"), rules.MEDIA_TYPE)
    assert_refused(bench, upload(bench, b"x" * (5 * rules.MB + 1), "image/png"), rules.MEDIA_SIZE)
    assert upload(bench, b"x" * (5 * rules.MB), "image/png").status_code == 200


def test_refuses_a_document_sent_as_a_picture(bench: Any) -> None:
    bench.writes()
    media_id = upload(bench, b"%PDF", "application/pdf").get_json()["id"]
    assert_refused(bench, bench.send("image", {"id": media_id}), rules.MEDIA_KIND)
    assert bench.send("document", {"id": media_id}).status_code == 200


def test_refuses_above_the_numbers_rate(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(number_rate=5, pair_seconds=0)
    bench.writes()
    answers = [bench.send("text", {"body": "hi"}) for _ in range(8)]
    assert [a.status_code for a in answers[:5]] == [200] * 5
    assert_refused(bench, answers[-1], rules.NUMBER_RATE)
    bench.control("clock", shift_seconds=1)
    assert bench.send("text", {"body": "hi"}).status_code == 200


def test_refuses_above_the_rate_of_one_recipient(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(number_rate=0)
    bench.writes()
    bench.writes(phone="+919000000102")
    answers = [bench.send("text", {"body": "hi"}) for _ in range(46)]
    assert [a.status_code for a in answers[:45]] == [200] * 45
    assert_refused(bench, answers[45], rules.PAIR_RATE)
    assert bench.send("text", {"body": "hi"}, to="+919000000102").status_code == 200
    bench.control("clock", shift_seconds=6.5)
    assert bench.send("text", {"body": "hi"}).status_code == 200
    assert bench.send("text", {"body": "hi"}).status_code == 400


def changed(where: str, value: Any) -> Dict[str, Any]:
    submission = copy.deepcopy(VISIT)
    target: Any = submission
    *parents, last = where.split(".")
    for name in parents:
        target = target[int(name)] if name.isdigit() else target[name]
    target[int(last) if last.isdigit() else last] = value
    return submission


@pytest.mark.parametrize(
    ("rule", "submission"),
    [
        (rules.TEMPLATE_NAME, changed("name", "Visit!")),
        (rules.TEMPLATE_CATEGORY, changed("category", "FUN")),
        (rules.TEMPLATE_COMPONENT, changed("components", [])),
        (rules.TEMPLATE_TEXT, changed("components.0.text", "x" * 1025)),
        (rules.TEMPLATE_TEXT, changed("components.0.text", "See {{1}} and {{3}} there.")),
        (rules.TEMPLATE_EXAMPLE, changed("components.0.example", None)),
        (rules.TEMPLATE_EDGES, changed("components.0.text", "See you {{1}}")),
        (rules.TEMPLATE_BUTTONS, changed("components.1.buttons.0.text", "x" * 26)),
    ],
    ids=lambda value: value.name if isinstance(value, Rule) else "",
)
def test_refuses_to_create_a_template(bench: Any, rule: Rule, submission: Dict[str, Any]) -> None:
    path = f"/v23.0/{bench.config.waba_id}/message_templates"
    assert_refused(bench, bench.client.post(path, json=submission, headers=bench.auth), rule)


def test_refuses_a_template_that_exists(bench: Any) -> None:
    path = f"/v23.0/{bench.config.waba_id}/message_templates"
    first = bench.client.post(path, json=VISIT, headers=bench.auth)
    assert first.get_json()["status"] == "APPROVED"
    second = bench.client.post(path, json=VISIT, headers=bench.auth)
    assert_refused(bench, second, rules.TEMPLATE_TWICE)


def edited(bench: Any, **change: Any) -> Any:
    """The answer to an edit of the template VISIT, which is submitted where it is missing."""
    path = f"/v23.0/{bench.config.waba_id}/message_templates"
    bench.client.post(path, json=VISIT, headers=bench.auth)
    known = bench.client.get(f"{path}?name={VISIT['name']}", headers=bench.auth).get_json()
    ident = known["data"][0]["id"]
    return bench.client.post(f"/v23.0/{ident}", json=change, headers=bench.auth)


def words(number: int) -> Dict[str, Any]:
    return {"components": [{"type": "BODY", "text": f"Hello number {number}"}]}


def test_an_approved_template_is_edited_once_a_day_and_ten_times_a_month(bench: Any) -> None:
    for number in range(10):
        assert edited(bench, **words(number)).get_json() == {"success": True}
        assert_refused(bench, edited(bench, **words(99)), rules.TEMPLATE_EDITS_A_DAY)
        bench.simulator.clock.offset += rules.DAY + 1
    assert_refused(bench, edited(bench, **words(99)), rules.TEMPLATE_EDITS_A_MONTH)


def test_the_category_of_an_approved_template_stays(bench: Any) -> None:
    assert_refused(bench, edited(bench, category="MARKETING"), rules.TEMPLATE_CATEGORY_FIXED)


def test_a_template_in_review_is_not_edited_and_is_approved_in_time(bench: Any) -> None:
    bench.config.template_review_seconds = 60.0
    assert_refused(bench, edited(bench, **words(1)), rules.TEMPLATE_IN_REVIEW)
    found = bench.simulator.templates.find(VISIT["name"], VISIT["language"])
    assert found.status == "PENDING"
    bench.simulator.clock.offset += 61
    assert edited(bench, **words(1)).status_code == 200
    again = bench.simulator.templates.find(VISIT["name"], VISIT["language"])
    assert (again.status, again.text("BODY")) == ("PENDING", "Hello number 1")


def test_a_rejected_template_is_edited_freely_its_category_too(bench: Any) -> None:
    bench.config.new_template_status = "REJECTED"
    for _ in range(3):
        assert edited(bench, category="MARKETING", **words(1)).status_code == 200


def test_an_edit_keeps_the_rules_of_submission(bench: Any) -> None:
    long = {"components": [{"type": "BODY", "text": "x" * 1025}]}
    assert_refused(bench, edited(bench, **long), rules.TEMPLATE_TEXT)
    answer = bench.client.post("/v23.0/1", json=words(1), headers=bench.auth)
    assert_refused(bench, answer, rules.OBJECT_ID)


AT_THE_LIMIT = [
    text("क" * 4096),
    text(biz_opaque_callback_data="x" * 512),
    buttons(("x" * 256, "x" * 20), ("b", "क्षि" * 5), ("c", "C"), body={"text": L[:1024]}),
    buttons(("a", "A"), header={"type": "text", "text": "x" * 60}, footer={"text": "x" * 60}),
    listing(
        {"rows": rows(10, title="x" * 24, description="x" * 72, id="x" * 200)}, button="x" * 20
    ),
    listing(
        *[{"title": f"{i}" + "x" * 23, "rows": rows(1, id=f"{i}")} for i in range(10)],
        body={"text": L[:4096]},
    ),
    link("x" * 20),
]


@pytest.mark.parametrize("body", AT_THE_LIMIT, ids=range(len(AT_THE_LIMIT)))
def test_takes_what_is_exactly_at_the_limit(bench: Any, body: Dict[str, Any]) -> None:
    bench.writes()
    answer = bench.post(body)
    assert answer.status_code == 200, answer.text
