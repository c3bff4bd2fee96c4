"""Rasa's rules, found by what happened last.

For every prediction `RulePolicy` compares each of some hundred rules with the conversation, by a
profile of the thinking process a tenth of a message's time. Nearly all of them fail at the same two
things: the action before, and the intent that was read. By these they are looked up here; what is
left is compared as ever.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from rasa.core.policies.rule_policy import RulePolicy
from rasa.shared.core.constants import PREVIOUS_ACTION, SHOULD_NOT_BE_SET, USER
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

State = Mapping[str, Mapping[str, Any]]
Place = Tuple[Optional[str], Optional[str]]

_every_key = RulePolicy._get_possible_keys


def look_rules_up() -> None:
    """From now on rules are looked up, in every `RulePolicy` of this process."""
    RulePolicy._get_possible_keys = _possible_keys


def _possible_keys(policy: RulePolicy, lookup: Dict[str, str], states: List[State]) -> Set[str]:
    """The rules of `lookup` that fit these states, the latest last: what Rasa's own way gives."""
    before, intent = _place_of(states[-1]) if states else (None, None)
    if before is None:
        # where a conversation begins other things count
        return set(_every_key(policy, lookup, states))
    index = _index_of(policy, lookup)
    places = {(name, read) for name in (before, None) for read in (intent, None)}
    near = {key: lookup[key] for place in places for key in index.get(place, ())}
    return set(_every_key(policy, near, states))


def _index_of(policy: RulePolicy, lookup: Dict[str, str]) -> Dict[Place, List[str]]:
    kept = policy.__dict__.setdefault("_index_of_rules", {})
    known = kept.get(id(lookup))
    if known is not None and known[0] is lookup and known[1] == len(lookup):
        return known[2]  # type: ignore[no-any-return]
    index: Dict[Place, List[str]] = defaultdict(list)
    for key in lookup:
        index[_place_of(json.loads(key)[-1])].append(key)
    kept[id(lookup)] = (lookup, len(lookup), index)
    return index


def _place_of(state: State) -> Place:
    """Action before and intent of a state; None where it has none, or a rule asks for none."""
    named = state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME), state.get(USER, {}).get(INTENT)
    before, intent = (None if name == SHOULD_NOT_BE_SET else name or None for name in named)
    return before, intent
