"""The decision itself: from what was seen in a message to where it goes. Pure, so that it can be
read and tested.

Allow, not deny: the bot answers only what is recognised as logistics with confidence and carries no
clinical sign.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Text

from safety.intents import CLINICAL_INTENTS, EMERGENCY, HUMAN_REQUEST, INFORM, OFF_TOPIC
from safety.lexicon import SELF_HARM, Finding

RED_FLAG, CLINICAL, REQUEST, UNSURE = "red_flag", "clinical", "request", "unsure"
UNREADABLE = frozenset({"none", "other"})


@dataclass(frozen=True)
class Scores:
    """What the classifier thinks: probabilities 0 … 1; `intents` best first; `category` of a red
    flag, if it is one.
    """

    clinical: float
    emergency: float
    intents: Sequence[Mapping[Text, Any]]
    category: Optional[Text] = None
    clause_clinical: float = 0.0
    """Of the clause that looks most clinical when read by itself; 0 where there is only one."""
    clause_emergency: float = 0.0


# Below it, and with a logistics intent as sure as that, a word of the lists in a message of at most
# so many words is a figure of speech or the name of a service, and does not decide alone. No
# setting: what is embedded and which clauses are read depends on them in earlier components.
CERTAIN, CERTAIN_INTENT, CERTAIN_WORDS = 0.002, 0.8, 16


@dataclass(frozen=True)
class Thresholds:
    """Set on leave-one-out scores of the training data (`docs/safety.md` says how); probabilities,
    words.
    """

    clinical: float = 0.8
    """From here on the classifier calls a message clinical."""
    doubt: float = 0.07
    """From here on the bot does not answer."""
    clause: float = 0.8
    """From here on a clause that looks clinical by itself keeps the bot from answering."""
    weak_sign: float = 0.05
    """From here on a weak sign of the lexicon (a pair, a guess) makes a message clinical."""
    emergency: float = 0.01
    """From here on a message that is rather clinical than not counts as a red flag."""
    emergency_alone: float = 0.25
    """From here on any message does."""
    request: float = 0.4
    """From here on a wish for a person is taken as one; below, the menu (which offers it) asks."""
    sure: float = 0.2
    """Below it the intent is not recognised."""
    clarify_words: int = 10
    """A message of at most so many words may be asked about once with a menu."""
    longest_words: int = 60
    """A longer one is always read by a person."""


@dataclass
class Gate:
    """The mark on a message. `why` holds short codes, never a word of the patient."""

    clinical: bool = False
    red_flag: Optional[Text] = None
    score: float = 0.0
    why: List[Text] = field(default_factory=list)
    route: Optional[Text] = None
    may_clarify: bool = False
    """Short and without a clinical sign: one clarifying menu is allowed before a person is called.
    """
    trace: bool = True
    """Something clinical might be in it."""

    def as_dict(self) -> Dict[Text, Any]:
        """As it travels in Rasa's parse data."""
        return asdict(self)


@dataclass(frozen=True)
class Seen:
    """Everything the decision looks at; `scores` is None when the classifier did not run."""

    finding: Finding
    scores: Optional[Scores]
    script: Text
    words: int
    is_answer: bool = False


def decide(seen: Seen, limits: Thresholds) -> Gate:
    """Where a message goes."""
    if seen.words == 0 or seen.script in UNREADABLE:
        # what the classifier makes of signs and unknown scripts means nothing
        seen = replace(seen, scores=None)
    scores = seen.scores
    gate = Gate(score=round(scores.clinical, 4) if scores else 1.0)
    gate.trace = bool(seen.finding.traces) or scores is None or _doubted(scores, limits)
    _look_for_clinical(seen, limits, gate)
    _look_for_red_flag(seen, limits, gate)
    if gate.red_flag or gate.clinical:
        gate.clinical = True
        gate.route = RED_FLAG if gate.red_flag else CLINICAL
        return gate
    gate.route = _route_of_the_rest(seen, limits, gate)
    return gate


def _doubted(scores: Scores, limits: Thresholds) -> bool:
    return scores.clinical >= limits.doubt or scores.clause_clinical >= limits.clause


def _look_for_red_flag(seen: Seen, limits: Thresholds, gate: Gate) -> None:
    if seen.finding.red_flag:
        gate.red_flag = seen.finding.red_flag
        gate.why += [f"list:{category}" for category in seen.finding.red_flags]
    scores = seen.scores
    guessed = seen.finding.guessed_flags
    rather_clinical = gate.clinical or (scores is not None and scores.clinical >= 0.5)
    if guessed and not gate.red_flag and rather_clinical:
        gate.red_flag = SELF_HARM if SELF_HARM in guessed else guessed[0]
        gate.why += [f"weak:{category}" for category in guessed]
    enough = limits.emergency if rather_clinical else limits.emergency_alone
    if scores and scores.emergency >= enough and not gate.red_flag:
        gate.red_flag = scores.category or "unspecified"
        gate.why.append("model:emergency")
    if (
        scores
        and scores.clause_clinical >= limits.clause
        and scores.clause_emergency >= limits.emergency_alone
        and not gate.red_flag
    ):
        gate.red_flag = "unspecified"
        gate.why.append("clause:emergency")


def _look_for_clinical(seen: Seen, limits: Thresholds, gate: Gate) -> None:
    scores, finding = seen.scores, seen.finding
    if not is_surely_logistics(seen, limits):
        gate.why += [f"list:{group}" for group in sorted(finding.alone)]
        gate.clinical = bool(finding.alone)
    if not scores:
        return
    if scores.clinical >= limits.clinical and not seen.is_answer:
        gate.clinical = True
        gate.why.append("model:clinical")
    weak = finding.paired | finding.guessed
    if weak and scores.clinical >= limits.weak_sign:
        gate.clinical = True
        gate.why += [f"weak:{group}" for group in sorted(weak)]


def is_surely_logistics(seen: Seen, limits: Thresholds) -> bool:
    """Whether the classifier is so certain of logistics that one listed word is not enough."""
    scores = seen.scores
    if scores is None or seen.words > CERTAIN_WORDS or not scores.intents:
        return False
    best = scores.intents[0]
    return (
        max(scores.clinical, scores.emergency) < CERTAIN
        and scores.clause_clinical < limits.doubt
        and best["confidence"] >= CERTAIN_INTENT
        and best["name"] not in CLINICAL_INTENTS
    )


def _route_of_the_rest(seen: Seen, limits: Thresholds, gate: Gate) -> Optional[Text]:
    scores = seen.scores
    if seen.words == 0 or seen.script in UNREADABLE:
        gate.why.append(
            f"script:{seen.script}" if seen.words or seen.script == "other" else "empty"
        )
        gate.may_clarify = seen.script == "none"
        return UNSURE
    if scores is None:
        gate.why.append("model:missing")
        return UNSURE
    if seen.is_answer:
        return None
    best = scores.intents[0]
    if scores.clinical >= limits.doubt:
        gate.why.append("model:doubt")
        return UNSURE
    if scores.clause_clinical >= limits.clause:
        gate.why.append("model:clause")
        return UNSURE
    if seen.words > limits.longest_words:
        gate.why.append("long")
        return UNSURE
    if best["name"] == HUMAN_REQUEST and best["confidence"] >= limits.request:
        return REQUEST
    if best["name"] == OFF_TOPIC:
        gate.why.append("off_topic")
        gate.may_clarify = True
        return UNSURE
    recognised = best["confidence"] >= limits.sure and best["name"] != HUMAN_REQUEST
    if not recognised or best["name"] in CLINICAL_INTENTS:
        gate.why.append("intent:unsure")
        gate.may_clarify = seen.words <= limits.clarify_words
        return UNSURE
    return None


def intent_to_report(
    gate: Gate, scores: Optional[Scores], is_answer: bool
) -> Optional[Dict[Text, Any]]:
    """The intent that replaces the classifier's: the best clinical one for staff, `inform` for a
    plain answer.
    """
    if gate.red_flag:
        return {"name": EMERGENCY, "confidence": 1.0}
    if gate.clinical:
        ranking = scores.intents if scores else ()
        for intent in ranking:
            if intent["name"] in CLINICAL_INTENTS and intent["name"] != EMERGENCY:
                return {"name": intent["name"], "confidence": float(intent["confidence"])}
        return {"name": "other_medical", "confidence": 0.0}
    if is_answer and gate.route is None:
        return {"name": INFORM, "confidence": 1.0}
    return None
