"""Names of intents that the gate treats apart; the domain declares them."""

from __future__ import annotations

EMERGENCY = "emergency"
CLINICAL_INTENTS = frozenset(
    {
        "pain_report",
        "exercise_question",
        "treatment_question",
        "progress_report",
        "medication",
        "other_medical",
        EMERGENCY,
    }
)
INFORM = "inform"
INFORM_NAME = "inform_name"
HUMAN_REQUEST = "human_request"
OFF_TOPIC = "off_topic"
