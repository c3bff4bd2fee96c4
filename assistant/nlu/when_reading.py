"""The pieces of a message put together into one When."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Dict, List, Optional, Tuple

from assistant.nlu.when_clock import FURTHEST_CHOICE_MINUTES, clock, minutes_of, span_minutes
from assistant.nlu.when_days import Days
from assistant.nlu.when_items import Item, kind_at
from assistant.nlu.when_pieces import Piece, Reading
from assistant.nlu.when_value import Span, When
from assistant.nlu.when_words import tables

_DAY = timedelta(days=1)
_ENDS: Dict[str, time] = {"morning": time(12), "afternoon": time(17)}
_LAST_DAY = date.max - 800 * _DAY


def read(reading: Reading, now: datetime) -> Optional[When]:
    """One When, or None where the message says nothing about when. `now` is local time."""
    used: List[Piece] = []
    part, part_piece = _part(reading, used)
    when = When(part="evening" if part == "night" else part)
    when = _with_hours(when, reading, part, part_piece, used)
    when = _with_days(when, reading, now, used)
    soonest = [piece for piece in reading.pieces if piece.item.kind == "soonest"]
    used.extend(soonest)
    if not used:
        return None
    when = replace(when, soonest=bool(soonest), spans=_merged(used))
    return replace(when, past=when.past or _is_over(when, now))


def _chosen(found: List[Piece], reading: Reading) -> Piece:
    """Of several the first that is not refused and not over; where something is changed ("shift
    Monday to Friday") the one named as the new one, or the last."""
    fitting = [piece for piece in found if not piece.unwelcome and not _is_past(piece)] or found
    targets = [piece for piece in fitting if piece.target]
    if reading.changes and targets:
        return targets[-1]
    return fitting[-1] if reading.changes else fitting[0]


def _is_past(piece: Piece) -> bool:
    return piece.item.kind == "days" and bool(piece.item.value.past)


def _part(reading: Reading, used: List[Piece]) -> Tuple[Optional[str], Optional[Piece]]:
    found = [piece for piece in reading.pieces if _part_of(piece.item)]
    if not found:
        return None, None
    chosen = _chosen(found, reading)
    if chosen.item.kind != "hours":
        used.append(chosen)
    return _part_of(chosen.item), chosen


def _part_of(item: Item) -> Optional[str]:
    if item.kind == "part":
        return str(item.value)
    if item.kind == "tonight":
        return "night"
    return item.value[0] if item.kind == "hours" else None


def _with_hours(
    when: When,
    reading: Reading,
    part: Optional[str],
    part_piece: Optional[Piece],
    used: List[Piece],
) -> When:
    hours = [piece for piece in reading.pieces if piece.item.kind == "hour"]
    hours.sort(key=lambda piece: piece.unwelcome)
    if reading.changes:
        hours.sort(key=lambda piece: (piece.unwelcome, not piece.target, -piece.place))
    for piece in hours:
        beside = _part_beside(reading, piece)
        read_as = beside or _part_from_afar(piece, part, reading)
        said = _bounds(piece, read_as, reading.changes)
        fresh = {name: value for name, value in said.items() if getattr(when, name) is None}
        if piece.unwelcome and (when.at or when.after or when.before):
            continue
        if not fresh or (when.at and not _is_bound(piece)) or (_spans_set(when) and len(said) == 2):
            continue
        when = replace(when, **fresh)  # type: ignore[arg-type]
        used.append(piece)
        if reading.changes and not beside and part_piece in used and not _fits(when, part):
            used.remove(part_piece)  # type: ignore[arg-type]
            when = replace(when, part=None)
    return _with_named_hours(when, reading, used)


def _with_named_hours(when: When, reading: Reading, used: List[Piece]) -> When:
    """`after office`, `lunch time`: they fill what the clock left open."""
    for piece in reading.pieces:
        if piece.item.kind == "hours" and not (piece.unwelcome and used):
            used.append(piece)
            _, after, before, at = piece.item.value
            if when.at is None:
                when = replace(when, after=when.after or after, before=when.before or before)
                when = replace(when, at=None if _spans_set(when) else at)
    return when


def _is_bound(piece: Piece) -> bool:
    return piece.relation is not None


def _spans_set(when: When) -> bool:
    return when.after is not None and when.before is not None


def _bounds(piece: Piece, part: Optional[str], changes: bool) -> Dict[str, time]:
    hours = piece.item.value
    if hours.last is not None and hours.how == "from_to" and changes:
        return {"at": clock(minutes_of(hours.last, part))}
    if hours.last is not None:
        first, last = span_minutes(hours.first, hours.last, part)
        if hours.how == "or" and not 0 < last - first <= FURTHEST_CHOICE_MINUTES:
            return {"at": clock(first)}
        if last > first:
            return {"after": clock(first), "before": clock(last)}
        return {"after": clock(first)}
    moment = clock(minutes_of(hours.first, part))
    name = {"after": "after", "from": "after", "before": "before", "until": "before"}
    return {name.get(piece.relation or "", "at"): moment}


_BETWEEN = frozenset({"filler", "ko", "in", "of", "at", "before_it", "days", "which", "behind_it"})


def _part_beside(reading: Reading, piece: Piece) -> Optional[str]:
    """The part of the day that stands by the hour: `shaam ko 8`, `7 in the morning`."""
    row = reading.row
    within = tables().sets["within_behind"]
    for step in (1, -1):
        at = piece.place + step
        while 0 <= at < len(row) and (
            row[at].kind in _BETWEEN or row[at].text in within or row[at].text == ","
        ):
            at += step
        if kind_at(row, at) in ("part", "tonight", "hours"):
            return _part_of(row[at])
    return None


def _part_from_afar(piece: Piece, part: Optional[str], reading: Reading) -> Optional[str]:
    too_early = part == "morning" and piece.item.value.first.hour < 5
    return None if reading.changes or too_early else part


def _fits(when: When, part: Optional[str]) -> bool:
    moment = when.at or when.after or when.before
    if moment is None or part is None:
        return True
    begins = {"morning": 0, "afternoon": 12, "evening": 16, "night": 16}[part]
    ends = {"morning": 12, "afternoon": 17}.get(part, 24)
    return begins <= moment.hour < ends


def _with_days(when: When, reading: Reading, now: datetime, used: List[Piece]) -> When:
    today = now.date()
    moments = [piece for piece in reading.pieces if piece.item.kind == "moment"]
    days = [piece for piece in reading.pieces if piece.item.kind == "days"]
    if days:
        chosen, also = _chosen_days(days, reading)
        used.extend([chosen, *also])
        return _related(when, chosen, today)
    if moments:
        used.append(moments[0])
        moment = moments[0].item.value
        return replace(
            when,
            date_from=moment.date(),
            date_to=moment.date(),
            after=when.after or moment.time().replace(second=0, microsecond=0),
        )
    todays = [piece for piece in reading.pieces if _is_todays(reading, piece)]
    if todays:
        return replace(when, date_from=today, date_to=today)
    any_day = [piece for piece in reading.pieces if piece.item.kind == "any_day"]
    if any_day:
        used.append(any_day[0])
        return replace(when, date_from=today)
    return when


def _is_todays(reading: Reading, piece: Piece) -> bool:
    """`tonight`, `this evening`."""
    before = reading.row[piece.place - 1] if piece.place else None
    return piece.item.kind == "tonight" or (
        piece.item.kind == "part"
        and before is not None
        and before.text in tables().sets["this_part"]
    )


def _chosen_days(days: List[Piece], reading: Reading) -> Tuple[Piece, List[Piece]]:
    """The days meant, and pieces that were used up in working them out."""
    weeks = [
        piece for piece in days if piece.item.value.word.endswith("week") and not _is_past(piece)
    ]
    weekdays = [piece for piece in days if piece.item.value.kind == "weekday"]
    if weeks and weekdays and not reading.changes:
        within = _within(weekdays[0], weeks[0].item.value)
        if within is not None:
            return within, [weeks[0]]
    days = [piece for piece in days if not piece.unwelcome and not _is_past(piece)] or days
    exact = [piece for piece in days if piece.item.value.kind != "period"]
    if reading.changes or not exact or exact[0].relation:
        return _chosen(days, reading), []
    dated = [piece for piece in exact if piece.item.value.kind == "date"]
    if dated and exact[0].item.value.first == dated[0].item.value.first:
        return dated[0], [exact[0]]
    return exact[0], []


def _within(weekday: Piece, week: Days) -> Optional[Piece]:
    day, last = week.first, week.last or week.first
    while day <= last:
        if day.weekday() == weekday.item.value.first.weekday():
            value = Days("date", day, day, week.past)
            return replace(weekday, item=replace(weekday.item, value=value))
        day += _DAY
    return None


def _related(when: When, piece: Piece, today: date) -> When:
    days: Days = piece.item.value
    first, last = days.first, days.last
    relation = None if days.word == "span" or days.past else piece.relation
    if first > _LAST_DAY:
        relation = None
    if relation == "after":
        return replace(when, date_from=(last or first) + _DAY, date_to=None)
    if relation == "from":
        return replace(when, date_from=first, date_to=None)
    if relation == "until":
        return replace(when, date_from=today, date_to=last or first)
    if relation == "before":
        end = first - _DAY
        return replace(when, date_from=min(today, end), date_to=end, past=end < today)
    return replace(when, date_from=first, date_to=last, past=days.past)


def _is_over(when: When, now: datetime) -> bool:
    """Whether the day, or the moment of today, has gone by."""
    today, moment = now.date(), now.time()
    if when.date_to is not None and when.date_to < today:
        return True
    if when.date_from != today or when.date_to != today:
        return False
    if when.at is not None:
        return when.at <= moment
    if when.before is not None:
        return when.before <= moment
    if when.after is not None or when.part is None:
        return False
    ends = _ENDS.get(when.part)
    return ends is not None and ends <= moment


def _merged(used: List[Piece]) -> List[Span]:
    spans: List[Span] = []
    for start, end in sorted({(piece.start, piece.end) for piece in used}):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans
