"""Reading `clinic.yml`: one profile, or every fault with the line it is on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple, Type, Union

from pydantic import BaseModel, validate_model
from pydantic.fields import ModelField
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from clinic.profile import CLOCK, Profile
from clinic.profile_billing import SAC, SERIAL_PREFIX, UPI_ID
from clinic.profile_checks import Fault, cross_faults, did_you_mean, length_faults

Loc = Tuple[Union[str, int], ...]


class ProfileError(Exception):
    """The profile cannot be used; `faults` has one line for each fault, first line first."""

    def __init__(self, faults: List[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load_profile(path: Union[str, Path]) -> Profile:
    """The profile that a file describes.

    Raises:
        ProfileError: naming every fault as
            `clinic.yml line 42: services[1].minutes: must be between 5 and 240`; a file that
            is missing, unreadable or not YAML has one.
    """
    file = Path(path)
    tree = _tree(file)
    raw = _plain(tree)
    values, _, error = validate_model(Profile, raw)
    faults: List[Fault] = []
    if error is not None:
        for entry in error.errors():
            loc: Loc = tuple(entry["loc"])
            faults.append((_visible(loc), _sentence(entry, loc)))
    faulty = {path[0] for path, _ in faults if path}
    faults += cross_faults({name: part for name, part in values.items() if name not in faulty})
    if not faults:
        profile = Profile.parse_obj(raw)
        faults = length_faults(profile)
        if not faults:
            return profile
    lines = sorted((_line(tree, where), _dotted(where), what) for where, what in faults)
    raise ProfileError([f"{file.name} line {line}: {name}: {what}" for line, name, what in lines])


def _tree(file: Path) -> CommentedMap:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProfileError(
            [f"{file.name} is missing: write one, or name it in SANDHI_CLINIC."]
        ) from None
    except UnicodeDecodeError:
        raise ProfileError([f"{file.name} is not UTF-8 text."]) from None
    except OSError as error:
        raise ProfileError([f"{file.name} cannot be read: {error.strerror}."]) from None
    try:
        tree = YAML().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or "this is not YAML").split("\n")[0].strip()
        where = f" line {mark.line + 1}" if mark is not None else ""
        raise ProfileError([f"{file.name}{where}: not valid YAML: {problem}."]) from None
    except YAMLError as error:
        first = str(error).split("\n")[0].strip()
        raise ProfileError([f"{file.name}: not valid YAML: {first}."]) from None
    if not isinstance(tree, CommentedMap):
        raise ProfileError([f"{file.name} is empty or is not a list of `key: value` lines."])
    return tree


def _plain(node: Any) -> Any:
    """The tree without ruamel's own types, which are subclasses that remember the layout."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _visible(loc: Loc) -> Loc:
    return tuple(part for part in loc if part != "__root__")


def _dotted(loc: Loc) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _line(tree: CommentedMap, loc: Loc) -> int:
    """The line (from 1) of the key or item at `loc`, or of the nearest one above it."""
    node: Any = tree
    line = 0
    for part in loc:
        try:
            if isinstance(node, CommentedMap):
                line = node.lc.key(part)[0]
            elif isinstance(node, CommentedSeq):
                line = node.lc.item(part)[0]
            else:
                break
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    return int(line) + 1


def _field(loc: Loc) -> Tuple[Optional[Type[BaseModel]], Optional[ModelField]]:
    """The model that holds the value at `loc`, and the value's field where there is one."""
    model: Optional[Type[BaseModel]] = Profile
    field: Optional[ModelField] = None
    holder: Optional[Type[BaseModel]] = Profile
    for part in loc:
        if isinstance(part, int) or model is None:
            continue
        holder, field = model, model.__fields__.get(part)
        inner = field.type_ if field is not None else None
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
    return holder, field


def _range(field: Optional[ModelField]) -> str:
    info = field.field_info if field is not None else None
    low = getattr(info, "ge", None)
    high = getattr(info, "le", None)
    return f"must be between {low} and {high}"


_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,38}$": "must be small Latin letters, digits and _, such as 'home_visit'",
    r"^[0-9]{3,12}$": "must be digits in quotes, such as '112'",
    r"^[0-9-]{3,14}$": "must be digits in quotes, such as '14416'",
    r"^[0-9A-Za-z.-]{1,20}$": "must be at most 20 letters, digits, . and -, such as '2026-11'",
    CLOCK: "must be a time in quotes, such as '21:00'",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": "must be an e-mail address",
    SAC: "must be a code of health care, '9993' or one that begins with it: bills are for what is "
    "exempt from GST; goods and wellness need a tax invoice, which is not written here",
    SERIAL_PREFIX: "must be 1 to 4 capital letters and digits, such as 'TP'",
    UPI_ID: "must be a UPI id such as 'clinic@bank'",
}


def _sentence(entry: Mapping[str, Any], loc: Loc) -> str:
    kind, context = str(entry["type"]), entry.get("ctx", {})
    holder, field = _field(loc)
    if kind == "value_error.missing":
        return "is missing"
    if kind == "type_error.none.not_allowed":
        return "is empty"
    if kind == "value_error.extra":
        known = holder.__fields__ if holder is not None else {}
        return f"unknown key{did_you_mean(str(loc[-1]), known)}"
    if kind.startswith("value_error.number.not_"):
        return _range(field)
    if kind == "value_error.str.regex":
        return _PATTERNS.get(context["pattern"], "has the wrong form")
    if kind == "value_error.any_str.min_length":
        return "is empty"
    if kind == "value_error.any_str.max_length":
        return f"is longer than {context['limit_value']} characters"
    if kind == "value_error.list.min_items":
        return "is an empty list"
    if kind == "value_error.list.max_items":
        return f"has more than {context['limit_value']} entries, which no WhatsApp list can show"
    return _BY_TYPE.get(kind, str(entry["msg"]))


_BY_TYPE = {
    "type_error.dict": "must be `key: value` lines",
    "type_error.list": "must be a list",
    "type_error.decimal": "must be a number",
    "value_error.decimal.not_finite": "must be a number",
    "value_error.decimal.max_places": "has more than two decimal places",
    "type_error.float": "must be a number",
    "type_error.str": "must be text; put it in quotes",
    "type_error.date": "must be a date such as 2026-11-09",
    "value_error.date": "must be a date such as 2026-11-09",
}
