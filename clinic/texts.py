"""The assistant's fixed texts, for those who speak without Rasa (worker, inbox, channel).

Read from the `responses:` of Rasa's domain files, so that a conversation designer edits every
word in one place. A variation with conditions counts when each of them holds (`name: language,
value: hi`); one without conditions is the English, and what any other language falls back to.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Union

from ruamel.yaml import YAML

from clinic.bubbles import Choice

DOMAIN = Path(__file__).resolve().parent.parent / "domain"
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Texts:
    """Named texts in every language."""

    def __init__(self, responses: Mapping[str, List[Dict[str, Any]]]) -> None:
        self._responses = dict(responses)

    @classmethod
    def load(cls, paths: Union[str, Path, Iterable[Union[str, Path]]]) -> Texts:
        """Read domain files, or folders of them.

        Raises:
            FileNotFoundError: if a path is missing.
            ValueError: if two files give a response of the same name.
        """
        given = [paths] if isinstance(paths, (str, Path)) else list(paths)
        responses: Dict[str, List[Dict[str, Any]]] = {}
        yaml = YAML(typ="safe", pure=True)
        for file in _files(Path(path) for path in given):
            for name, variations in ((yaml.load(file) or {}).get("responses") or {}).items():
                if name in responses:
                    raise ValueError(f"{file.name}: the response {name} is in two domain files")
                responses[name] = variations or []
        return cls(responses)

    def __contains__(self, name: object) -> bool:
        return name in self._responses

    def names(self) -> List[str]:
        """Every response there is, sorted."""
        return sorted(self._responses)

    def say(self, name: str, language: str, **slots: object) -> str:
        """The text, its {placeholders} filled from `slots`.

        Raises:
            KeyError: naming the response, and the placeholder that has no slot.
        """
        variation = self._variation(name, language, slots)
        if "text" not in variation:
            raise KeyError(f"{name} has no text")
        return _fill(name, str(variation["text"]), slots)

    def buttons(self, name: str, language: str, **slots: object) -> List[Choice]:
        """The buttons in their order, titles and payloads filled from `slots`.

        Raises:
            KeyError: as `say`.
        """
        return [
            Choice(
                title=_fill(name, str(button["title"]), slots),
                payload=_fill(name, str(button["payload"]), slots),
            )
            for button in self._variation(name, language, slots).get("buttons") or []
        ]

    def _variation(self, name: str, language: str, slots: Mapping[str, object]) -> Dict[str, Any]:
        if name not in self._responses:
            raise KeyError(name)
        known = {**slots, "language": language}
        plain: Optional[Dict[str, Any]] = None
        for variation in self._responses[name]:
            conditions = variation.get("condition") or []
            if not conditions:
                plain = plain if plain is not None else variation
            elif all(
                condition.get("type") == "slot"
                and known.get(condition["name"]) == condition["value"]
                for condition in conditions
            ):
                return variation
        if plain is None:
            raise KeyError(f"{name} has no variation for {language}")
        return plain


@lru_cache(maxsize=1)
def domain_texts() -> Texts:
    """The texts of the assistant's own domain, read once."""
    return Texts.load(DOMAIN)


def _files(paths: Iterable[Path]) -> List[Path]:
    files: List[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(path.rglob("*.yml"))
        elif path.exists():
            files.append(path)
        else:
            raise FileNotFoundError(path.name)
    return files


def _fill(name: str, text: str, slots: Mapping[str, object]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] not in slots:
            raise KeyError(f"{name}: {{{found[1]}}}")
        return str(slots[found[1]])

    # doubled braces are Rasa's way to write one in a payload
    return PLACEHOLDER.sub(value, text).replace("{{", "{").replace("}}", "}")
