"""Exercises at home: what a physiotherapist prescribes, when the patient is reminded, how it went.

The occasions of a programme are outbox rows without words, planned ahead (`planning`) and decided
when they are sent (`deciding`, which the sending imports), as reminders of visits are. Nothing of
it is the bot's: every word is the clinician's or a fixed text.
"""

from clinic.exercises.checking import Draft, DraftExercise
from clinic.exercises.programmes import (
    ProgrammeRefused,
    UnknownProgramme,
    running_programmes,
)

__all__ = [
    "Draft",
    "DraftExercise",
    "ProgrammeRefused",
    "UnknownProgramme",
    "running_programmes",
]
