"""Rows of visits as patients write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from assistant.nlu.series import understand_series

INDIA = ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 12, 7, 9, tzinfo=INDIA)

ROWS = [
    ("Mon/Wed/Fri 6 pm for 4 weeks", "024 18:00 4w"),
    ("mon wed fri 6pm", "024 18:00"),
    # 11 December is a Friday
    ("book my sessions mon wed fri 11 am for 1 week", "024 11:00 1w"),
    ("book all my sessions mon wed fri at 6 in the evening", "024 18:00 all"),
    ("har mangal aur guru shaam 6 baje", "13 18:00"),
    ("som budh shukra shaam 6 baje 4 hafte", "024 18:00 4w"),
    ("सोम बुध शुक्र शाम 6 बजे, 4 हफ्ते", "024 18:00 4w"),
    ("हर सोमवार सुबह 9 बजे", "0 09:00"),
    ("मंगल और गुरु शाम 5 बजे", "13 17:00"),
    ("alternate days 7 pm", "024 19:00"),
    ("ek din chhod kar shaam 6 baje", "024 18:00"),
    ("roz subah 9 baje 2 hafte ke liye", "012345 09:00 2w"),
    ("monday to friday 8 am", "01234 08:00"),
    ("Mon to Thu 6 pm", "0123 18:00"),
    ("Mon - Thu 6 pm for 2 weeks", "0123 18:00 2w"),
    ("mon se thu shaam 6 baje", "0123 18:00"),
    ("som se guru tak 7 pm", "0123 19:00"),
    ("सोमवार से गुरुवार शाम 6 बजे", "0123 18:00"),
    ("mangal se lekar shukra, subah 9 baje, 3 hafte", "1234 09:00 3w"),
    ("mon till wed and sat 10 am", "0125 10:00"),
    # around Sunday
    ("sat to mon 10 am", "056 10:00"),
    # a list with dashes is no range
    ("mon-wed-fri 6pm", "024 18:00"),
    ("thursday to thursday", "-"),
    ("tuesday and thursday 10:30 am for three weeks", "13 10:30 3w"),
    ("tue, thu and sat mornings", "135"),
    ("every friday 5pm for 1 month", "4 17:00 4w"),
    ("4 weeks", "4w"),
    ("चार हफ्ते", "4w"),
    ("for a month", "4w"),
    ("saare session mangal shukra ko 5 baje", "14 17:00 all"),
    ("बाकी सेशन बुक कर दो", "all"),
]


def notation(text: str) -> str:
    series = understand_series(text, NOW, INDIA)
    if series is None:
        return "-"
    said = ["".join(map(str, series.days))] if series.days else []
    said += [series.at] if series.at else []
    said += [f"{series.weeks}w"] if series.weeks else []
    return " ".join([*said, *(["all"] if series.all_left else [])])


@pytest.mark.parametrize(("text", "row"), ROWS)
def test_a_row_of_visits(text: str, row: str) -> None:
    assert notation(text) == row


@pytest.mark.parametrize(
    "text",
    [
        "monday 6 pm",
        "kal shaam 6 baje",
        "after 2 weeks",
        "in 2 weeks",
        "2 hafte baad",
        "next week monday",
        "Ravi ko batana",
        "6 pm",
        "",
    ],
)
def test_one_visit_or_none_is_no_row(text: str) -> None:
    assert notation(text) == "-"
