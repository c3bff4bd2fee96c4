"""The fixed texts of the channel itself: what is said when Rasa is not asked, or fails.

They are responses of the domain like all others; this reads the domain's files, so they can be
said with no model loaded. Facts of the clinic (its name, when somebody will read) are filled in
by `clinic.facts`.
"""

from __future__ import annotations

from typing import Any

from clinic.afterwords import Afterwords
from clinic.bubbles import Choices, Text
from clinic.facts import Facts
from clinic.texts import Texts

SELF_HARM = "self_harm"


class PatientTexts:
    """Responses of the domain as bubbles."""

    def __init__(self, texts: Texts, facts: Facts) -> None:
        self._texts = texts
        self._facts = facts

    def say(self, name: str, language: str) -> str:
        """The words of a response, with the clinic's facts filled in.

        Raises:
            KeyError: no such response, or a placeholder nobody fills.
        """
        variant = self._facts.variant(name, self._texts)
        return self._texts.say(variant, language, **self._facts.of(language))

    def bubble(self, name: str, language: str) -> Any:
        """A response as one bubble, with its buttons where it has some."""
        text = self.say(name, language)
        choices = self._texts.buttons(self._facts.variant(name, self._texts), language)
        return Choices(text=text, choices=choices) if choices else Text(text=text)

    def afterwords(self, language: str) -> Afterwords:
        """The privacy notice and the question for a guardian."""
        return Afterwords(
            language=language,
            notice_version=str(self._facts.of(language)["notice_version"]),
            notice=self.bubble("utter_notice", language),
            guardian_question=self.bubble("utter_guardian_question", language),
        )

    def emergency(self, red_flag: str, language: str) -> Any:
        """The text that says the emergency step first; self-harm has its own."""
        name = "utter_emergency_self_harm" if red_flag == SELF_HARM else "utter_emergency"
        return self.bubble(name, language)
