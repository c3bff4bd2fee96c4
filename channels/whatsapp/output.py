"""Rasa's way out: everything said in a turn is collected into it, and nothing is sent here.

The turn's commit writes the replies to the outbox, and the worker sends them. A send method
never raises: an exception here would lose the whole turn (Rasa saves the tracker last).
"""

from __future__ import annotations

from typing import Any, Dict, Text

from rasa.core.channels.channel import OutputChannel

from channels.bubbling import bubbles_of
from channels.turn import current_turn
from channels.whatsapp.splitting import split_long
from clinic.logs import logger

log = logger("channel.output")


class WhatsAppOutput(OutputChannel):
    """Collects what Rasa says into the current turn."""

    @classmethod
    def name(cls) -> Text:
        return "whatsapp"

    async def send_response(self, recipient_id: Text, message: Dict[Text, Any]) -> None:
        """Turn one response into bubbles; one that cannot be shown fails the turn."""
        turn = current_turn.get()
        if turn is None:
            log.error("response outside of a turn", contact=recipient_id)
            return
        try:
            for bubble in bubbles_of(message):
                turn.bubbles.extend(split_long(bubble))
        except Exception:
            log.exception("response cannot be shown", message=turn.message_id)
            turn.fail("response")

    async def send_text_message(self, recipient_id: Text, text: Text, **kwargs: Any) -> None:
        await self.send_response(recipient_id, {"text": text})

    async def send_text_with_buttons(
        self, recipient_id: Text, text: Text, buttons: Any, **kwargs: Any
    ) -> None:
        await self.send_response(recipient_id, {"text": text, "buttons": list(buttons)})

    async def send_image_url(self, recipient_id: Text, image: Text, **kwargs: Any) -> None:
        await self.send_response(recipient_id, {"image": image})

    async def send_attachment(self, recipient_id: Text, attachment: Any, **kwargs: Any) -> None:
        await self.send_response(recipient_id, {"attachment": attachment})

    async def send_elements(self, recipient_id: Text, elements: Any, **kwargs: Any) -> None:
        await self.send_response(recipient_id, {"elements": list(elements)})

    async def send_custom_json(self, recipient_id: Text, json_message: Any, **kwargs: Any) -> None:
        await self.send_response(recipient_id, {"custom": json_message})
