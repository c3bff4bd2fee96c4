"""Questions whose answers are all different, so that order and number can be told."""

from __future__ import annotations

from typing import Iterator, List, Sequence

from tests.house import House, Patient

QUESTIONS = (
    "where can I park my car?",
    "what are your timings?",
    "what should I bring with me?",
    "how long is one session?",
)


def ask_all(house: House, people: Sequence[Patient], questions: Sequence[str] = QUESTIONS) -> None:
    """Everybody asks everything, in one webhook, question by question."""
    house.control(
        "batch",
        messages=[
            {"from": person.phone, "name": person.name, "text": question}
            for question in questions
            for person in people
        ],
    )


def waiting(house: House, people: Sequence[Patient]) -> int:
    """How many messages of these people nobody has handled."""
    query = "SELECT count(*) FROM messages WHERE state = 'received' AND contact_id IN ({})"
    ids = ", ".join(str(person.contact_id) for person in people)
    return int(house.rows(query.format(ids))[0][0])


def differing(people: Sequence[Patient], wanted: List[str]) -> Iterator[str]:
    """One line for everybody who did not hear exactly `wanted`."""
    for person in people:
        heard = person.texts()
        if heard != wanted:
            yield f"{person.phone}: {len(heard)} of {len(wanted)} messages, {heard}"
