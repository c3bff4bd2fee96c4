"""Message templates of the business account: submission, review, edits, listing.

Source: Meta, "Templates" of the Business Management API: approved, rejected and paused templates
can be edited; an approved one once in 24 hours and ten times in 30 days, but not its category.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from channels.simulator import rules
from channels.simulator.fields import list_at, object_at, string_at
from channels.simulator.refusal import broken

VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
CATEGORIES = ("UTILITY", "MARKETING", "AUTHENTICATION")
EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
STATUSES = ("APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED")
MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT")
_TEXT_LIMITS = {"HEADER": 60, "BODY": 1024, "FOOTER": 60}
_COMPONENT_FIELDS = ("format", "text", "example", "buttons", "add_security_recommendation")


def variables_of(text: str) -> List[str]:
    """Names of the variables in a text, each once, in order of first use."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


@dataclass
class Template:
    id: str
    name: str
    language: str
    category: str
    status: str
    components: List[Dict[str, Any]]
    parameter_format: str = "POSITIONAL"
    verdict: str = ""
    reviewed_at: float = 0.0
    edited_at: List[float] = field(default_factory=list)

    def component(self, kind: str) -> Optional[Dict[str, Any]]:
        """The component of a kind (`HEADER`, `BODY`, `FOOTER`, `BUTTONS`), None if absent."""
        for component in self.components:
            if component["type"].upper() == kind:
                return component
        return None

    def text(self, kind: str) -> str:
        component = self.component(kind)
        return str(component.get("text", "")) if component else ""

    def buttons(self) -> List[Dict[str, Any]]:
        component = self.component("BUTTONS")
        return list(component.get("buttons", [])) if component else []

    def as_json(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "parameter_format": self.parameter_format,
            "components": self.components,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "id": self.id,
        }


HELLO_WORLD: Dict[str, Any] = {
    "name": "hello_world",
    "language": "en_US",
    "category": "UTILITY",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
        {
            "type": "BODY",
            "text": "Welcome and congratulations!! This message demonstrates your ability to send "
            "a WhatsApp message notification from the Cloud API, hosted by Meta.",
        },
        {"type": "FOOTER", "text": "WhatsApp Business Platform sample message"},
    ],
}


class TemplateBook:
    """All templates by name and language. Safe to use from several threads.

    What is submitted or edited is `PENDING` for `review_seconds` of `clock`, then gets its verdict.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._templates: Dict[Tuple[str, str], Template] = {}
        self._next_id = 594425479261596
        # Every test account of Meta's comes with this one.
        self.put(HELLO_WORLD, "APPROVED")

    def create(self, submission: Any, status: str, review_seconds: float = 0.0) -> Template:
        """Store a submitted template.

        Raises:
            RefusalError: it breaks a rule of template submission or exists already.
        """
        check_submission(submission)
        with self._lock:
            if (submission["name"], submission["language"]) in self._templates:
                raise broken(rules.TEMPLATE_TWICE)
        template = self.put(submission, status)
        with self._lock:
            self._review(template, status, review_seconds)
        return template

    def edit(
        self, template_id: str, change: Any, status: str, review_seconds: float = 0.0
    ) -> Template:
        """Take an edit, which is reviewed like a new template.

        Raises:
            RefusalError: there is no such template, it may not be edited now, or the edit breaks
                a rule of submission.
        """
        object_at(change, "", (), ("category", "components", "message_send_ttl_seconds"))
        with self._lock:
            template = self._by_id(template_id)
            self._refuse_edit(template, change)
            edited: Dict[str, Any] = {
                "name": template.name,
                "language": template.language,
                "category": change.get("category", template.category),
                "components": change.get("components", template.components),
            }
            check_submission(edited)
            template.category, template.components = edited["category"], edited["components"]
            template.edited_at.append(self._clock())
            self._review(template, status, review_seconds)
            return template

    def _by_id(self, template_id: str) -> Template:
        for template in self._templates.values():
            if template.id == template_id:
                return self._settled(template)
        raise broken(rules.OBJECT_ID, template_id)

    def _refuse_edit(self, template: Template, change: Dict[str, Any]) -> None:
        if template.status not in EDITABLE:
            raise broken(rules.TEMPLATE_IN_REVIEW)
        if template.status != "APPROVED":
            return
        if change.get("category", template.category) != template.category:
            raise broken(rules.TEMPLATE_CATEGORY_FIXED)
        now = self._clock()
        for rule, window in (
            (rules.TEMPLATE_EDITS_A_DAY, rules.DAY),
            (rules.TEMPLATE_EDITS_A_MONTH, 30 * rules.DAY),
        ):
            lately = [at for at in template.edited_at if at > now - window]
            if len(lately) >= (rule.limit or 0):
                raise broken(rule)

    def _review(self, template: Template, verdict: str, seconds: float) -> None:
        template.verdict, template.reviewed_at = verdict, self._clock() + seconds
        template.status = "PENDING"
        self._settled(template)

    def _settled(self, template: Template) -> Template:
        """The template, with the verdict of a review that is over."""
        if template.verdict and self._clock() >= template.reviewed_at:
            template.status, template.verdict = template.verdict, ""
        return template

    def put(self, submission: Dict[str, Any], status: str) -> Template:
        """Store or replace a template that passes the rules of submission."""
        check_submission(submission)
        with self._lock:
            self._next_id += 1
            template = Template(
                id=str(self._next_id),
                name=submission["name"],
                language=submission["language"],
                category=submission["category"],
                status=status,
                components=submission["components"],
                parameter_format=submission.get("parameter_format", "POSITIONAL").upper(),
            )
            self._templates[template.name, template.language] = template
            return template

    def find(self, name: str, language: str) -> Optional[Template]:
        with self._lock:
            found = self._templates.get((name, language))
            return None if found is None else self._settled(found)

    def listed(self, **wanted: Optional[str]) -> List[Template]:
        """Templates whose attributes equal every wanted value that is given."""
        with self._lock:
            found: Iterable[Template] = list(map(self._settled, self._templates.values()))
        return [
            template
            for template in found
            if all(
                value is None or getattr(template, name) == value for name, value in wanted.items()
            )
        ]


def check_submission(body: Any) -> None:
    """Raises RefusalError where Meta's review would turn a template away at once."""
    object_at(
        body,
        "",
        ("name", "language", "category", "components"),
        ("parameter_format", "allow_category_change", "status", "message_send_ttl_seconds"),
    )
    if not re.fullmatch(r"[a-z0-9_]{1,512}", string_at(body["name"], "name")):
        raise broken(rules.TEMPLATE_NAME)
    string_at(body["language"], "language")
    if body["category"] not in CATEGORIES:
        raise broken(rules.TEMPLATE_CATEGORY)
    components = list_at(body["components"], "components")
    kinds = [_check_component(component) for component in components]
    if "BODY" not in kinds or len(set(kinds)) != len(kinds):
        raise broken(rules.TEMPLATE_COMPONENT, "One BODY, and no component twice.")


def _check_component(component: Any) -> str:
    object_at(component, "components", ("type",), _COMPONENT_FIELDS)
    kind = string_at(component["type"], "components.type").upper()
    if kind == "BUTTONS":
        _check_buttons(list_at(component.get("buttons"), "components.buttons"))
        return kind
    if kind not in _TEXT_LIMITS:
        raise broken(rules.TEMPLATE_COMPONENT, f"Component type {kind[:40]} is not known.")
    if kind == "HEADER" and str(component.get("format", "")).upper() in (
        *MEDIA_FORMATS,
        "LOCATION",
    ):
        return kind
    text = string_at(component.get("text", ""), f"components.{kind}.text")
    if not 1 <= len(text) <= _TEXT_LIMITS[kind]:
        raise broken(rules.TEMPLATE_TEXT, f"{kind} text length: 1 to {_TEXT_LIMITS[kind]}.")
    names = variables_of(text)
    if not names:
        return kind
    if kind == "FOOTER" or (kind == "HEADER" and len(names) > 1):
        raise broken(rules.TEMPLATE_TEXT, f"{kind} has more variables than it may.")
    numbers = [int(name) for name in names if name.isdigit()]
    if numbers and sorted(numbers) != list(range(1, len(names) + 1)):
        raise broken(rules.TEMPLATE_TEXT, "Variables are numbered 1, 2, 3 without a gap.")
    if not component.get("example"):
        raise broken(rules.TEMPLATE_EXAMPLE, kind)
    stripped = text.strip()
    if kind == "BODY" and (stripped.startswith("{{") or stripped.endswith("}}")):
        raise broken(rules.TEMPLATE_EDGES)
    return kind


def _check_buttons(buttons: List[Any]) -> None:
    if not 1 <= len(buttons) <= (rules.TEMPLATE_BUTTONS.limit or 0):
        raise broken(rules.TEMPLATE_BUTTONS)
    for button in buttons:
        if not isinstance(button, dict) or not isinstance(button.get("type"), str):
            raise broken(rules.SHAPE, "components.buttons")
        label = button.get("text", "Copy code" if button["type"].upper() == "COPY_CODE" else "")
        if not isinstance(label, str) or not 1 <= len(label) <= 25:
            raise broken(rules.TEMPLATE_BUTTONS)
