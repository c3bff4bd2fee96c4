"""How a command says that it cannot be carried out."""

from __future__ import annotations


class Refusal(Exception):
    """The command cannot be carried out; the message says what is wrong and what to do."""
