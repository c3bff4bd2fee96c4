"""Rasa's responses as bubbles, and a turn's bubbles as few as possible."""

from __future__ import annotations

import pytest

from channels.bubbling import UnknownResponse, bubbles_of, joined
from clinic.bubbles import Choice, Choices, Link, Location, Media, Text

YES = {"title": "Yes", "payload": "/affirm"}
PIN = {"latitude": 18.5, "longitude": 73.8, "name": "Clinic"}
LINK = {"label": "Open", "url": "https://example.org"}


@pytest.mark.parametrize(
    ("response", "bubbles"),
    [
        ({"text": " Hello "}, [Text(text="Hello")]),
        ({"text": ""}, []),
        ({"text": None}, []),
        ({}, []),
        (
            {"text": "Sure?", "buttons": [YES]},
            [Choices(text="Sure?", choices=[Choice(title="Yes", payload="/affirm")])],
        ),
        (
            {"text": "Sure?", "quick_replies": [{"title": "Yes"}]},
            [Choices(text="Sure?", choices=[Choice(title="Yes", payload="Yes")])],
        ),
        (
            {
                "text": "Which?",
                "buttons": [{**YES, "description": "of course"}],
                "custom": {"opener": "Choose"},
            },
            [
                Choices(
                    text="Which?",
                    choices=[Choice(title="Yes", payload="/affirm", description="of course")],
                    opener="Choose",
                )
            ],
        ),
        (
            {"text": "See", "custom": {"link": LINK}},
            [Link(text="See", label="Open", url="https://example.org")],
        ),
        (
            {"text": "Here", "custom": {"location": PIN}},
            [Text(text="Here"), Location(latitude=18.5, longitude=73.8, name="Clinic")],
        ),
        (
            {"custom": {"media": {"media": "document", "id": "77"}}},
            [Media(media="document", id="77")],
        ),
        (
            {"text": "Look", "image": "https://example.org/a.png"},
            [Text(text="Look"), Media(media="image", link="https://example.org/a.png")],
        ),
        (
            {"attachment": "https://example.org/a.pdf"},
            [Media(media="document", link="https://example.org/a.pdf")],
        ),
        (
            {"attachment": {"type": "file", "payload": {"src": "https://e.org/a", "title": "A"}}},
            [Media(media="document", link="https://e.org/a", caption="A")],
        ),
        (
            {"attachment": {"type": "video", "payload": {"id": "9", "filename": "v.mp4"}}},
            [Media(media="video", id="9", filename="v.mp4")],
        ),
        (
            {"elements": [{"title": "A", "subtitle": "B", "buttons": [YES, {"url": "x"}]}]},
            [Choices(text="A\nB", choices=[Choice(title="Yes", payload="/affirm")])],
        ),
    ],
)
def test_a_response_becomes(response, bubbles):
    assert bubbles_of(response) == bubbles


@pytest.mark.parametrize(
    "response",
    [
        {"custom": {"hologram": 1}},
        {"attachment": {"type": "virus", "payload": {"src": "x"}}},
        {"attachment": {"type": "image", "payload": {}}},
        {"attachment": 7},
    ],
)
def test_what_nobody_can_show_is_refused(response):
    with pytest.raises(UnknownResponse):
        bubbles_of(response)


def choices(text: str) -> Choices:
    return Choices(text=text, choices=[Choice(title="Yes", payload="/affirm")])


class TestJoined:
    def test_texts_become_one(self):
        assert joined([Text(text="a"), Text(text="b"), Text(text="c")]) == [
            Text(text="a\n\nb\n\nc")
        ]

    def test_a_text_goes_above_the_choices_that_follow(self):
        assert joined([Text(text="a"), choices("b")]) == [choices("a\n\nb")]

    def test_a_text_after_choices_stays_below(self):
        assert joined([choices("a"), Text(text="b")]) == [choices("a"), Text(text="b")]

    def test_no_words_above_choices_leave_no_gap(self):
        assert joined([Text(text="a"), choices("")]) == [choices("a")]

    def test_pins_and_files_stand_between(self):
        pin = Location(latitude=1, longitude=2)
        bubbles = [Text(text="a"), pin, Text(text="b")]
        assert joined(bubbles) == bubbles

    @pytest.mark.parametrize(
        ("first", "second", "count"),
        [
            (Text(text="x" * 4000), Text(text="y" * 94), 1),
            (Text(text="x" * 4000), Text(text="y" * 95), 2),
            (Text(text="x" * 1000), choices("y" * 22), 1),
            (Text(text="x" * 1000), choices("y" * 23), 2),
        ],
    )
    def test_nothing_grows_beyond_what_one_bubble_holds(self, first, second, count):
        result = joined([first, second])
        assert len(result) == count
        assert "".join(b.text for b in result).replace("\n", "") == first.text + second.text

    def test_the_given_bubbles_are_left_as_they_were(self):
        given = [Text(text="a"), choices("b")]
        joined(given)
        assert given == [Text(text="a"), choices("b")]


def test_choices_that_stay_apart_keep_their_buttons_before_a_question() -> None:
    more = bubbles_of({"text": "More?", "buttons": [YES], "custom": {"apart": True}})
    question = bubbles_of({"text": "Which day?", "buttons": [YES]})
    assert joined([Text(text="Done."), *more, *question]) == [
        Choices(
            text="Done.\n\nMore?", choices=[Choice(title="Yes", payload="/affirm")], apart=True
        ),
        *question,
    ]
