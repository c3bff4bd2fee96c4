"""Every English phrase of the staff's interface, as its source says them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Iterator, List, Set

from wtforms.fields.core import UnboundField

from clinic import course_plans, staff
from clinic.exercises import checking, programmes
from clinic.models.handoff import TEAMS
from inbox import bills, day_offers, day_waiting, desk, errors, handoff_events, visits, words
from inbox import staff as sessions
from inbox.access import words as access
from inbox.access.rules import ROLES_MAY
from inbox.intents import OTHER, answerable_intents
from inbox.pages import account, canned, media, sign_in
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
        words.PROGRAMME_STATUSES,
        words.PAUSED_FOR,
        words.VISIT_STATUSES,
        words.PURPOSES,
        words.GUARDIAN_STATES,
        words.BILL_STATES,
        words.WAYS_TO_PAY,
        bills.WHY,
        bills.WHY_NOT_SENT,
        visits.CANCEL_REASONS,
        visits.WHY,
        canned.WRONG,
        access.ROLE_LABELS,
        access.ACT_LABELS,
        access.WHO_ELSE,
        access.SUBJECTS,
        day_waiting.GENDERS,
        day_offers.WHY_NOT_OFFERED,
        handoff_events.SAID,
    ),
)


def phrases() -> Set[str]:
    """All of them."""
    found: Set[str] = {*TEAMS, access.MASKED, access.MASKED_NOTE, *_of_forms(), *_of_errors()}
    found |= {words.red_flag(category) for category in _red_flags()}
    for table in TABLES:
        found |= set(table.values())
    found |= {message for _status, message in desk.REFUSALS.values()}
    found |= {message for _status, message in media.GONE.values()}
    found |= {one.words for one in words._DELIVERY.values()} | {words._UNSURE}
    with_words = (*answerable_intents(), OTHER)
    found |= {one.removeprefix("faq_").replace("_", " ").capitalize() for one in with_words}
    for file in sorted(INBOX.rglob("*.py")) + sorted(INBOX.rglob("*.html")):
        found |= set(_in_source(file.read_text("utf-8")))
    found |= {one.name.replace("_", " ").capitalize() for one in staff_templates()}
    return {phrase for phrase in found if phrase}


def _red_flags() -> Iterator[str]:
    for file in (INBOX.parent / "safety" / "lexicon").glob("red_flags*.yml"):
        yield from re.findall(r"category: (\w+)", file.read_text("utf-8"))


def _of_forms() -> Iterator[str]:
    yield from (account.NOT_YOURS, account.NOT_SAME, account.WRONG_CODE)
    yield from (sign_in.WRONG, sign_in.WRONG_CODE)
    for form in (sign_in.SignIn, sign_in.Code):
        for field in vars(form).values():
            if isinstance(field, UnboundField):
                label, validators = field.args
                yield label
                yield from (one.message for one in validators if getattr(one, "message", None))


def _of_errors() -> Iterator[str]:
    yield from (message for _code, message in errors.CODES.values())
    yield from (errors.STALE_PAGE, errors.UNAVAILABLE, errors.UNEXPECTED, errors.NO_PROFILE)
    yield from (sessions.SIGNED_OUT, sessions.CHANGE_FIRST)


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


def filled_elsewhere() -> List[str]:
    """Sentences that the pages show as others made them, each gap filled with a number."""
    found = [
        "This is for: managers.",
        "This is for: physiotherapists and managers.",
        "This is for: managers and the front desk.",
        *_sentences(staff, lambda node: _raises(node, "StaffError")),
    ]
    for module in (course_plans, checking):
        found += _sentences(module, lambda node: isinstance(node, (ast.Yield, ast.Raise)))
    found += _sentences(programmes, lambda node: _raises(node, "ProgrammeRefused"))
    found.append(programmes.ENDED_ALREADY)
    assert len(found) > 20, "the sources changed their form: look for the sentences again"
    known = {"managers", "physiotherapists and managers", "managers and the front desk"}
    assert known >= {
        " and ".join(access.ROLE_NAMES[role] for role in sorted(roles, reverse=True))
        for roles in ROLES_MAY.values()
        if len(roles) < len(access.ROLE_NAMES)
    }
    return found


def _raises(node: ast.AST, error: str) -> bool:
    if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
        return False
    return getattr(node.exc.func, "id", "") == error


def _sentences(module: Any, wanted: Any) -> List[str]:
    """Every text with a blank in it inside the wanted statements of a module."""
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    texts = []
    for node in ast.walk(tree):
        if not wanted(node):
            continue
        inside = [one for one in ast.walk(node) if isinstance(one, ast.JoinedStr)]
        parts = {id(part) for one in inside for part in ast.walk(one) if part is not one}
        inside += [one for one in ast.walk(node) if isinstance(one, ast.Constant)]
        texts += [_with_figures(one) for one in inside if id(one) not in parts]
    return [text for text in texts if " " in text]


def _with_figures(node: Any) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values
    )
