"""When a patient means: `understand`, and the Rasa component that puts it among the entities.

Read here as most patients in India write: `24/11` is day and month, `kal` is tomorrow, a bare
weekday is the coming one and never today, `next Tuesday` that of the next calendar week, an hour
without am or pm is a clinic's (1–7 pm, 8–11 am) unless a part of the day stands by it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Optional
from zoneinfo import ZoneInfo

from rasa.engine.recipes.default_recipe import DefaultV1Recipe

from assistant.nlu.when_pieces import pieces
from assistant.nlu.when_reading import read
from assistant.nlu.when_value import When
from assistant.nlu.zoned import Reading, ZonedExtractor

LONGEST_READ = 1000  # characters; beyond them nobody names an hour


def understand(text: str, now: datetime, zone: ZoneInfo) -> Optional[When]:
    """The days and hours a message asks for, in the clinic's local time, or None.

    `now` must be aware. Where several days or hours are named, the first counts; the last where
    the message changes something ("shift Monday to Friday").
    """
    local = now.astimezone(zone)
    local = local.replace(tzinfo=None)
    when = read(pieces(text[:LONGEST_READ], local), local)
    if when is not None and when.date_from is not None and when.date_from < local.date():
        # however the pieces were put together ("0001-1-1 friday"), a day gone by is gone
        return replace(when, past=True)
    return when


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class WhenExtractor(ZonedExtractor):
    """Adds one entity `when` whose value is `When.to_json()`."""

    entity = "when"

    def read(self, text: str, now: datetime, zone: ZoneInfo) -> Optional[Reading]:
        """What `understand` finds, from its first words to its last."""
        when = understand(text, now, zone)
        if when is None:
            return None
        return Reading(when.to_json(), when.spans[0][0], when.spans[-1][1])
