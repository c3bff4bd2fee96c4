"""What a conversation was before each of its actions, worked out once in a turn.

For every prediction, three times a turn, Rasa takes a copy of the tracker through the whole
conversation again, and for every action it runs another copy; its forty slots are copied by what
`copy` has for objects it does not know. By a profile of the thinking process that is a fifth of a
message's time. Here a prediction goes on from where the one before has come to, and a copy takes
what the tracker has come to by now.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import ActionExecuted, Event, UserUttered
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker

_every_state = Domain.states_for_tracker_history

_KEPT = "_states_so_far"


def work_states_out_once() -> None:
    """From now on every tracker of this process keeps the states it has been in."""
    Domain.states_for_tracker_history = _states
    DialogueStateTracker.copy = _copy
    Slot.__copy__ = _copy_of_slot


@dataclass
class _SoFar:
    """How far a conversation has been gone through."""

    domain: Domain
    tracker: DialogueStateTracker
    events: List[Event] = field(default_factory=list)
    states: List[State] = field(default_factory=list)
    read: List[Tuple[UserUttered, Optional[bool]]] = field(default_factory=list)
    """The latest message of each state, and whether it counted by its words and not by its intent:
    that is decided after it was said, in the event itself.
    """

    def leads_to(self, domain: Domain, events: List[Event]) -> bool:
        """Whether these events begin with those gone through, and would give the same states."""
        return (
            self.domain is domain
            and len(self.events) <= len(events)
            and all(old is new for old, new in zip(self.events, events, strict=False))
            and all(said.use_text_for_featurization is by_words for said, by_words in self.read)
        )

    def go_on(self, events: List[Event]) -> None:
        for event in events:
            if isinstance(event, ActionExecuted):
                said = self.tracker.latest_message
                if said is not None:
                    self.read.append((said, said.use_text_for_featurization))
                self.states.append(self.domain.get_active_state(self.tracker))
            self.tracker.update(event)
            self.events.append(event)


def _states(
    domain: Domain,
    tracker: DialogueStateTracker,
    omit_unset_slots: bool = False,
    ignore_rule_only_turns: bool = False,
    rule_only_data: Optional[Dict[str, Any]] = None,
) -> List[State]:
    """What Rasa's own way gives; its docstring says what that is."""
    if omit_unset_slots or ignore_rule_only_turns:
        # only policies that learn from stories ask for these
        return _every_state(
            domain, tracker, omit_unset_slots, ignore_rule_only_turns, rule_only_data
        )
    events = tracker.applied_events()
    so_far: Optional[_SoFar] = tracker.__dict__.get(_KEPT)
    if so_far is None or not so_far.leads_to(domain, events):
        so_far = tracker.__dict__[_KEPT] = _SoFar(domain, tracker.init_copy())
    so_far.go_on(events[len(so_far.events) :])
    # whoever asks makes changes in what he gets
    before = [{part: dict(named) for part, named in state.items()} for state in so_far.states]
    return [*before, domain.get_active_state(so_far.tracker)]


def _copy(tracker: DialogueStateTracker) -> DialogueStateTracker:
    copy = object.__new__(type(tracker))
    loop = tracker.active_loop
    copy.__dict__.update(
        tracker.__dict__,
        events=tracker.events.copy(),
        slots=type(tracker.slots)({name: _copy_of_slot(s) for name, s in tracker.slots.items()}),
        active_loop=loop and dataclasses.replace(loop),
        # Rasa's copy has none of these
        sender_source=None,
        model_id=None,
        assistant_id=None,
    )
    copy.__dict__.pop(_KEPT, None)
    return copy


def _copy_of_slot(slot: Slot) -> Slot:
    copy = object.__new__(type(slot))
    copy.__dict__.update(slot.__dict__)
    return copy
