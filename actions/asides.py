"""What is said in the middle of a form and brings nothing for its question, or only seems to.

A form that hears nothing rejects to run, and the rules answer: a question about the clinic gets
its answer, and the form asks again. Words that no rule answers any better (a greeting, a "yes" to
"which day?", "book" in the midst of booking) let the form just go on; without that, a rule would
start the form that is open, for ever.
"""

from __future__ import annotations

from typing import Any, Dict

from rasa_sdk.interfaces import ActionExecutionRejection

from actions.talk import Events, Talk, forget

# said before the question is asked again
ACKNOWLEDGED = {"greet": "utter_hello", "thanks": "utter_welcome"}
# meant as an answer, whatever it was
ANSWERS = frozenset({"inform", "inform_name"})
NOTHING_NEW = frozenset({"affirm", "deny", *ANSWERS, *ACKNOWLEDGED})
FORM_OF = {
    "book": "booking_form",
    "reschedule": "reschedule_form",
    "cancel": "cancel_form",
    "book_series": "series_form",
}
# slots that a message fills beside its answer
NEWS = frozenset(
    {"when", "gender", "category", "day", "slot", "appointment", "cancel_reason", "series"}
)


def with_sure_answer(talk: Talk, slot: str, same_as_yes: str) -> Dict[str, Any]:
    """What was heard, the answer to the yes-or-no question `slot` being certain.

    A "yes" that may be none does not count. "Book it" (the intent `same_as_yes`, typed) is a "yes"
    to "shall I book it?" where it brings nothing else.
    """
    heard = talk.heard()
    if talk.is_unsure:
        heard.pop(slot, None)
    is_the_same = (talk.requested, talk.intent) == (slot, same_as_yes)
    if is_the_same and not talk.is_tap and not talk.is_unsure and not NEWS & set(heard):
        heard[slot] = True
    return heard


def without_answer_to_change(heard: Dict[str, Any], slot: str, events: Events) -> Dict[str, Any]:
    """What was heard, less a "yes" or "no" that came with a wish for another time."""
    changed = any(event.get("name") == "slot" for event in events)
    return {name: value for name, value in heard.items() if name != slot or not changed}


def forget_dropped(talk: Talk, heard: Dict[str, Any], slot: str) -> Events:
    """Events that empty `slot` where the message filled it, but its answer does not count."""
    return forget(slot) if slot in talk.heard() and slot not in heard else []


def refuse_another_form(talk: Talk) -> None:
    """Leave a message that begins another form to the rules, whatever this form hears in it.

    Raises:
        ActionExecutionRejection: which Rasa answers by looking for a rule.
    """
    wanted = FORM_OF.get(talk.intent, talk.form)
    if wanted != talk.form and not talk.has_done("action_switch_flow"):
        raise ActionExecutionRejection(str(talk.form))


def go_on(talk: Talk, heard: Dict[str, Any], events: Events) -> Events:
    """The events of a form's validation; where nothing was heard, those that let it ask again."""
    answered = talk.requested in heard or any(e.get("value") is not None for e in events)
    if talk.requested is None or answered:
        return events
    if events and not talk.is_unsure:
        # what was wrong with the answer has been said
        return events
    if talk.is_unsure:
        talk.say("utter_not_understood")
    elif talk.intent in ANSWERS:
        # the question alone, word for word once more, would tell nobody what was wrong
        talk.say("utter_not_understood")
    elif talk.intent in ACKNOWLEDGED:
        talk.say(ACKNOWLEDGED[talk.intent])
    elif talk.intent not in NOTHING_NEW and talk.intent not in FORM_OF:
        return []
    return [*events, *forget(talk.requested)]
