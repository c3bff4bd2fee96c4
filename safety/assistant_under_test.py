"""The trained model as the gate's measurements use it: its whole NLU graph and its policies,
without servers.

Each message is that of a fresh contact, or of a contact in a given state of a dialogue. NLU runs in
batches, through the same
graph a served message takes; the policies then predict the first action on a tracker that holds
that one message.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Text

import structlog
from rasa.core.channels.channel import UserMessage
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.engine.loader import load_predict_graph_runner
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.events import ActionExecuted, Event, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT

from safety.component import GATE
from safety.routes import ROUTES

BATCH = 64
ANSWERED, HANDOFF = "answered", "handoff"


@dataclass(frozen=True)
class Outcome:
    """What happened to one message."""

    text: Text
    outcome: Text
    reason: Optional[Text]
    intent: Optional[Text]
    clinical: bool
    red_flag: Optional[Text]
    action: Text
    score: float
    why: List[Text]

    def as_row(self) -> Dict[Text, Any]:
        """As written into result files."""
        return asdict(self)


def newest_model(folder: Path) -> Path:
    """The model file last written in a folder.

    Raises:
        FileNotFoundError: there is none.
    """
    models = sorted(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise FileNotFoundError("no trained model: run `make train` first")
    return models[-1]


class AssistantUnderTest:
    """A loaded model; a context manager, because it is unpacked into a folder of its own."""

    def __init__(self, model: Path) -> None:
        """`model` is a Rasa model archive."""
        self.model = model
        self._folder = tempfile.TemporaryDirectory()
        # Rasa prints patients' words at debug level; nothing of a measurement belongs into logs
        self._logs = logging.getLogger("rasa").level, structlog.get_config()
        logging.getLogger("rasa").setLevel(logging.ERROR)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        self._metadata, self._runner = load_predict_graph_runner(
            Path(self._folder.name), model, LocalModelStorage, DaskGraphRunner
        )
        self.domain = self._metadata.domain

    def __enter__(self) -> AssistantUnderTest:
        return self

    def __exit__(self, *exc: object) -> None:
        self._folder.cleanup()
        logging.getLogger("rasa").setLevel(self._logs[0])
        structlog.configure(**self._logs[1])

    def parse(self, texts: Sequence[Text]) -> List[Dict[Text, Any]]:
        """Rasa's parse data of each text, as the channel would get it."""
        # the channel never lets a typed "/" be a command
        messages = [UserMessage(text.lstrip("/") or " ", sender_id="measure") for text in texts]
        results = self._runner.run(
            inputs={PLACEHOLDER_MESSAGE: messages, PLACEHOLDER_TRACKER: None},
            targets=[self._metadata.nlu_target],
        )
        parsed = results[self._metadata.nlu_target]
        return [message.as_dict(only_output_properties=True) for message in parsed]

    def first_action(self, parsed: Mapping[Text, Any], state: Sequence[Event] = ()) -> Text:
        """The action the policies choose for a parsed message, after the events of a dialogue
        state.
        """
        said = UserUttered(
            parsed.get(TEXT) or "",
            parsed.get(INTENT) or {"name": None, "confidence": 0.0},
            parsed.get(ENTITIES) or [],
            parse_data=dict(parsed),
        )
        start = [ActionExecuted(ACTION_SESSION_START_NAME), SessionStarted()]
        if not state:
            start.append(ActionExecuted(ACTION_LISTEN_NAME))
        # the tracker copies the slots itself
        tracker = DialogueStateTracker.from_events(
            "measure", [*start, *state, said], slots=self.domain.slots
        )
        target = self._metadata.core_target
        prediction = self._runner.run(inputs={PLACEHOLDER_TRACKER: tracker}, targets=[target])[
            target
        ]
        return str(self.domain.action_names_or_texts[prediction.max_confidence_index])

    def judge(self, parsed: Mapping[Text, Any], text: Text, state: Sequence[Event] = ()) -> Outcome:
        """What the whole assistant does with one parsed message."""
        action = self.first_action(parsed, state)
        route = ROUTES.get(action)
        gate = parsed.get(GATE) or {}
        reason = route.reason if route else None
        return Outcome(
            text=text,
            outcome=HANDOFF if reason else ANSWERED,
            reason=reason,
            intent=(parsed.get(INTENT) or {}).get("name"),
            clinical=bool(gate.get("clinical", True)),
            red_flag=gate.get("red_flag"),
            action=action,
            score=float(gate.get("score", 1.0)),
            why=list(gate.get("why", ())),
        )

    def run(
        self, texts: Sequence[Text], progress: Callable[[int], None] = lambda done: None
    ) -> List[Outcome]:
        """Outcomes in the order of the texts; `progress` is told how many more are done."""
        outcomes: List[Outcome] = []
        for start in range(0, len(texts), BATCH):
            part = texts[start : start + BATCH]
            for text, parsed in zip(part, self.parse(part), strict=True):
                outcomes.append(self.judge(parsed, text))
            progress(len(part))
        return outcomes


@contextlib.contextmanager
def loaded(model: Path) -> Iterator[AssistantUnderTest]:
    """A loaded model, without the words that TensorFlow and Rasa print while loading."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with contextlib.redirect_stdout(io.StringIO()):
        assistant = AssistantUnderTest(model)
    with assistant:
        yield assistant
