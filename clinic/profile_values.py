"""The kinds of values a profile is made of: spans, weeks, words in every language."""

from __future__ import annotations

from datetime import time
from typing import Any, Callable, Iterator, List, Optional, Tuple

from pydantic import BaseModel, Extra, Field, validator
from pydantic.fields import ModelField

LANGUAGES = ("en", "hi", "hinglish")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
GRID_MINUTES = 15


class Part(BaseModel):
    """A section of the profile: no unknown keys, no silent conversions, frozen."""

    class Config:
        extra = Extra.forbid
        frozen = True

    @validator("*", pre=True)
    def _no_silent_conversion(cls, value: Any, field: ModelField) -> Any:
        # pydantic 1 would read 45.5 as 45, yes as 1 and a bare +9190… as a number without its +
        wanted = field.type_
        if not isinstance(wanted, type) or isinstance(value, (list, dict)) or value is None:
            return value
        if issubclass(wanted, bool):
            if not isinstance(value, bool):
                raise ValueError("must be true or false")
        elif issubclass(wanted, int):
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError("must be a whole number")
        elif issubclass(wanted, str) and not isinstance(value, str):
            raise ValueError("must be text; put it in quotes")
        return value


class Span(str):
    """Opening time and closing time of one day, written `09:00-13:00`, in the clinic's zone."""

    opens: time
    closes: time

    def __new__(cls, text: str) -> Span:
        span = super().__new__(cls, text)
        try:
            opens, closes = (time.fromisoformat(part.strip()) for part in text.split("-"))
        except ValueError:
            raise ValueError("must be a span such as '09:00-13:00'") from None
        if opens >= closes:
            raise ValueError("must open before it closes")
        if any(moment.minute % GRID_MINUTES or moment.second for moment in (opens, closes)):
            raise ValueError(f"must begin and end on a multiple of {GRID_MINUTES} minutes")
        span.opens, span.closes = opens, closes
        return span

    @classmethod
    def __get_validators__(cls) -> Iterator[Callable[[Any], Span]]:
        yield cls._read

    @classmethod
    def _read(cls, value: Any) -> Span:
        if not isinstance(value, str):
            raise ValueError("must be a span such as '09:00-13:00'")
        return cls(value)

    def __getnewargs__(self) -> Tuple[str]:
        return (str(self),)

    def holds(self, other: Span) -> bool:
        """Whether `other` lies wholly within this span."""
        return self.opens <= other.opens and other.closes <= self.closes

    def overlaps(self, other: Span) -> bool:
        """Whether the two share any time."""
        return self.opens < other.closes and other.opens < self.closes


class Week(Part):
    """Spans of each weekday; a day left out or empty is closed."""

    mon: List[Span] = Field(default_factory=list)
    tue: List[Span] = Field(default_factory=list)
    wed: List[Span] = Field(default_factory=list)
    thu: List[Span] = Field(default_factory=list)
    fri: List[Span] = Field(default_factory=list)
    sat: List[Span] = Field(default_factory=list)
    sun: List[Span] = Field(default_factory=list)

    def on(self, weekday: int) -> List[Span]:
        """The spans of a weekday, 0 being Monday, earliest first."""
        return sorted(getattr(self, WEEKDAYS[weekday]), key=lambda span: span.opens)


class Words(Part):
    """The same words in every language the assistant speaks."""

    en: str = Field(..., min_length=1)
    hi: str = Field(..., min_length=1)
    hinglish: str = Field(..., min_length=1)

    def said_in(self, language: str) -> str:
        """The words in `language`, English for one the clinic does not speak."""
        return str(getattr(self, language if language in LANGUAGES else "en"))


class Name(Part):
    """A proper name; Hinglish shares the Latin spelling unless it has its own."""

    en: str = Field(..., min_length=1)
    hi: str = Field(..., min_length=1)
    hinglish: Optional[str] = None

    def said_in(self, language: str) -> str:
        """The name as written in `language`."""
        if language == "hi":
            return self.hi
        return (self.hinglish or self.en) if language == "hinglish" else self.en
