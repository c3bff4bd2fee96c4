"""At each limit a message passes; one beyond it is shortened, split or refused."""

from __future__ import annotations

from typing import Any

import pytest

from channels.whatsapp.render import Recipient, render, split_long
from clinic.bubbles import Choice, Choices, Link, Location, Media, Template, Text, text_of

ASHA = Recipient("+919000000001")
FAMILY = "👨‍👩‍👧‍👦"
CONJUNCT = "क्ष"


def rendered(bubble: Any) -> dict[str, Any]:
    return render(bubble, ASHA, "outbox-17")


def choices(count: int, text: str = "Which?", **more: Any) -> Choices:
    rows = [Choice(title=f"Day {index}", id=f"t{index}") for index in range(count)]
    return Choices(text=text, choices=rows, **{"opener": "See days", **more})


def template(**more: Any) -> Template:
    return Template(**{"name": "n", "language": "en", "text": "t", **more})


def link(text: str = "Map", label: str = "Open", url: str = "https://maps.example") -> Link:
    return Link(text=text, label=label, url=url)


PASSES: dict[str, Any] = {
    "text-4096": Text(text="x" * 4096),
    "text-4096-of-devanagari": Text(text="क" * 4096),
    "text-one-emoji": Text(text="🙏"),
    "three-buttons": choices(3),
    "one-button": choices(1),
    "buttons-body-1024": choices(3, "x" * 1024),
    "four-rows": choices(4),
    "ten-rows": choices(10),
    "list-body-4096": choices(4, "x" * 4096),
    "link-body-1024": link("x" * 1024),
    "caption-1024": Media(media="image", id="1", caption="x" * 1024),
    "template-body-1024": template(text="x" * 1024),
    "template-payload-128": template(buttons=[Choice(title="a", id="x" * 128)]),
    "button-id-256": Choices(text="t", choices=[Choice(title="a", id="x" * 256)]),
    "north-pole": Location(latitude=90, longitude=180),
}


@pytest.mark.parametrize("row", PASSES)
def test_what_fits_exactly(row: str) -> None:
    assert rendered(PASSES[row])["to"] == ASHA.phone


def with_choice(count: int, **choice: Any) -> Choices:
    first = Choice(**{"title": "a", "id": "x", **choice})
    rest = [Choice(title=f"b{index}", id=f"y{index}") for index in range(count - 1)]
    return Choices(text="t", choices=[first, *rest], opener="o")


# id: (bubble, what the sentence must say)
REFUSED: dict[str, tuple[Any, str]] = {
    "text-empty": (Text(text=""), "empty"),
    "text-blank": (Text(text=" \n\t"), "empty"),
    "text-of-nul": (Text(text="\x00"), "empty"),
    "text-4097": (Text(text="x" * 4097), "split_long"),
    "choices-empty-body": (choices(2, " "), "empty"),
    "choices-none": (choices(0), "single choice"),
    "choices-eleven": (choices(11), "more than 10"),
    "buttons-body-1025": (choices(3, "x" * 1025), "split_long"),
    "list-body-4097": (choices(4, "x" * 4097), "split_long"),
    "list-without-opener": (choices(4, opener=None), "opener"),
    "list-blank-opener": (choices(4, opener=" "), "label is empty"),
    "button-without-id": (with_choice(2, id=None), "id of 1 to 256"),
    "button-id-257": (with_choice(2, id="x" * 257), "id of 1 to 256"),
    "row-id-201": (with_choice(4, id="x" * 201), "id of 1 to 200"),
    "ids-twice": (with_choice(2, id="y0"), "same id"),
    "title-blank": (with_choice(2, title=" "), "label is empty"),
    "link-http": (link(url="http://maps.example"), "https"),
    "link-upi": (link(url="upi://pay?pa=clinic@bank"), "https"),
    "link-without-host": (link(url="https://"), "https"),
    "link-with-a-blank": (link(url="https://maps.example/a b"), "https"),
    "link-broken": (link(url="https://[::1"), "https"),
    "link-body-1025": (link("x" * 1025), "split_long"),
    "link-blank-label": (link(label=""), "label is empty"),
    "media-neither": (Media(media="image"), "either"),
    "media-both": (Media(media="image", id="1", link="https://a.example/b"), "either"),
    "media-http": (Media(media="image", link="http://a.example/b"), "https"),
    "caption-1025": (Media(media="image", id="1", caption="x" * 1025), "split_long"),
    "caption-on-a-sound": (Media(media="audio", id="1", caption="x"), "split_long"),
    "latitude-91": (Location(latitude=91, longitude=0), "globe"),
    "longitude-nan": (Location(latitude=0, longitude=float("nan")), "globe"),
    "template-without-name": (template(name=""), "name"),
    "template-without-language": (template(language=""), "language"),
    "template-body-1025": (template(text="x" * 1025), "1024"),
    "template-empty-parameter": (template(body=["a", " "]), "parameter"),
    "template-payload-129": (template(buttons=[Choice(title="a", id="x" * 129)]), "128"),
    "template-sound-header": (template(header=Media(media="audio", id="1")), "sound"),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_is_refused_and_why(row: str) -> None:
    bubble, reason = REFUSED[row]
    with pytest.raises(ValueError, match=reason):
        rendered(bubble)


def test_errors_do_not_repeat_the_words() -> None:
    with pytest.raises(ValueError) as caught:
        rendered(Text(text="my knee hurts " * 400))
    assert "knee" not in str(caught.value)


@pytest.mark.parametrize("client_ref", ["", "x" * 513])
def test_client_ref_has_one_to_512_characters(client_ref: str) -> None:
    with pytest.raises(ValueError, match="client_ref"):
        render(Text(text="hi"), ASHA, client_ref)
    assert render(Text(text="hi"), ASHA, "x" * 512)["biz_opaque_callback_data"] == "x" * 512


def test_only_bubbles_are_rendered() -> None:
    with pytest.raises(TypeError, match="str is not a bubble"):
        rendered("hello")


def titles(bubble: Choices) -> list[str]:
    action = rendered(bubble)["interactive"]["action"]
    if "buttons" in action:
        return [button["reply"]["title"] for button in action["buttons"]]
    return [row["title"] for row in action["sections"][0]["rows"]]


def named(*names: str, opener: str | None = None) -> Choices:
    rows = [Choice(title=name, id=f"t{index}") for index, name in enumerate(names)]
    return Choices(text="t", choices=rows, opener=opener)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["Yes", "No"], ["Yes", "No"]),
        (["x" * 20], ["x" * 20]),
        (["x" * 21], ["x" * 19 + "…"]),
        (["Talk to a person now"], ["Talk to a person now"]),
        (["Talk to the person now"], ["Talk to the person…"]),
        (["  two\n lines "], ["two lines"]),
        (["Yes", "Yes", "Yes"], ["Yes", "Yes (2)", "Yes (3)"]),
        (["Yes (2)", "Yes", "Yes"], ["Yes (2)", "Yes", "Yes (3)"]),
        (["x" * 25, "x" * 26], ["x" * 19 + "…", "x" * 15 + "… (2)"]),
        ([CONJUNCT * 7, FAMILY * 3], [CONJUNCT * 6 + "…", FAMILY * 2 + "…"]),
    ],
)
def test_button_titles(given: list[str], shown: list[str]) -> None:
    assert titles(named(*given)) == shown
    assert all(len(title) <= 20 for title in shown)


def test_row_titles_descriptions_and_opener() -> None:
    long = Choice(title="क्षत्रिय " * 4, description="d" * 73, id="a")
    exact = Choice(title="x" * 24, description="d" * 72, id="b")
    same = Choice(title="x" * 24, description=" ", id="c")
    bubble = Choices(
        text="t",
        choices=[long, exact, same, Choice(title="e", id="d")],
        opener="See all the free times",
    )
    action = rendered(bubble)["interactive"]["action"]
    assert action["button"] == "See all the free…"
    assert action["sections"] == [
        {
            "rows": [
                {"id": "a", "title": "क्षत्रिय क्षत्रिय…", "description": "d" * 71 + "…"},
                {"id": "b", "title": "x" * 24, "description": "d" * 72},
                {"id": "c", "title": "x" * 19 + "… (2)"},
                {"id": "d", "title": "e"},
            ]
        }
    ]


def test_link_label_is_shortened() -> None:
    body = rendered(link(label="Open the map of the clinic"))
    parameters = body["interactive"]["action"]["parameters"]
    assert parameters["display_text"] == "Open the map of the…"


SENTENCE = "Please bring your earlier papers and wear loose clothes. "  # 57 code points


def test_short_bubbles_are_not_split() -> None:
    for bubble in (*PASSES.values(), template(text="x" * 2000)):
        assert split_long(bubble) == [bubble]


def test_a_long_text_becomes_several_texts() -> None:
    text = SENTENCE * 150
    pieces = split_long(Text(text=text))
    assert [type(piece) for piece in pieces] == [Text, Text, Text]
    assert all(piece.text.endswith("clothes.") for piece in pieces)
    assert " ".join(piece.text for piece in pieces) == text.strip()
    assert all(rendered(piece) for piece in pieces)


@pytest.mark.parametrize(
    ("bubble", "limit"),
    [
        (choices(3, SENTENCE * 100), 1024),
        (choices(4, SENTENCE * 100), 4096),
        (choices(3, "x" * 1025), 1024),
        (link(SENTENCE * 30), 1024),
    ],
)
def test_the_last_bubble_keeps_the_buttons(bubble: Any, limit: int) -> None:
    *ahead, last = split_long(bubble)
    assert ahead
    assert all(isinstance(piece, Text) for piece in ahead)
    assert last == bubble.copy(update={"text": last.text})
    assert len(last.text) <= limit
    spoken = "".join(piece.text for piece in (*ahead, last))
    assert "".join(spoken.split()) == "".join(bubble.text.split())
    assert all(rendered(piece) for piece in (*ahead, last))


@pytest.mark.parametrize(
    "bubble",
    [
        Media(media="video", id="1", caption="x" * 1025),
        Media(media="audio", id="1", caption="Breathe slowly."),
    ],
)
def test_a_caption_that_does_not_fit_follows_the_file(bubble: Media) -> None:
    file, words = split_long(bubble)
    assert file == bubble.copy(update={"caption": None})
    assert text_of(words) == bubble.caption
    assert rendered(file)
    assert rendered(words)
