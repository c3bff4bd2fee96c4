"""Every English phrase of the staff's interface, as its source says them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, Set

from clinic.models.handoff import TEAMS
from inbox import desk, visits, words
from inbox.access.words import MASKED, MASKED_NOTE
from inbox.intents import OTHER, answerable_intents
from inbox.pages import canned, media
from inbox.template_book import staff_templates

INBOX = Path(__file__).resolve().parents[2] / "inbox"
_SAID = re.compile(r"""\bt\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
# in a template: a list of names and labels that a loop says, and the choices inside t({...}.get())
_LABELS = re.compile(r"""\bt\(\{(.*?)\}""")
_PAIRS = re.compile(r"""\(("[^"]*"), (?:"[^"]*", )?("[^"]*")(?:, "[^"]*")?\)""")
_TEXT = re.compile(r""":\s*("(?:[^"\\]|\\.)*")""")
TABLES = (
    *(words.REASONS, words.PRIORITIES, words.VIEWS, words.NOTHING_IN, words.OUTCOMES),
    *(words.LANGUAGES, words.FILES, words.KINDS, words.WHY_NOT_SENT, words.WHAT_TO_DO),
    *(
        words.COURSE_STATUSES,
        words.PRICINGS,
        words.VISIT_STATUSES,
        words.PURPOSES,
        words.GUARDIAN_STATES,
        visits.CANCEL_REASONS,
        visits.WHY,
        canned.WRONG,
    ),
)


def phrases() -> Set[str]:
    """All of them; names of templates, which are WhatsApp's, are none."""
    found: Set[str] = {*TEAMS, MASKED, MASKED_NOTE}
    for table in TABLES:
        found |= set(table.values())
    found |= {message for _status, message in desk.REFUSALS.values()}
    found |= {message for _status, message in media.GONE.values()}
    found |= {one.words for one in words._DELIVERY.values()} | {words._UNSURE}
    with_words = (*answerable_intents(), OTHER)
    found |= {one.removeprefix("faq_").replace("_", " ").capitalize() for one in with_words}
    for file in sorted(INBOX.rglob("*.py")) + sorted(INBOX.rglob("*.html")):
        if file.name != "sign_in.html":
            found |= set(_in_source(file.read_text("utf-8")))
    assert staff_templates(), "the book of templates is empty"
    return {phrase for phrase in found if phrase}


def _in_source(source: str) -> Iterator[str]:
    for said in _SAID.findall(source):
        yield ast.literal_eval(said)
    for inside in _LABELS.findall(source):
        for said in _TEXT.findall(inside):
            yield ast.literal_eval(said)
    for loop in re.findall(r"{%-? for [^%]*? in \[(.*?)\] -?%}", source, re.S):
        for first, second in _PAIRS.findall(loop):
            label = re.findall(r'"([^"]*)"', loop[loop.index(first) :])
            yield label[2] if label[1].endswith(".page") else ast.literal_eval(second)
