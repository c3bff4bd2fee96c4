"""The way to the action server: pooled, and telling the turn when it fails.

Rasa opens a connection for every call and swallows what a custom action fails at, so a patient
would wait for an answer that never comes. Here a failure marks the turn, whose message then goes
to a person.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Dict, Optional
from weakref import WeakKeyDictionary

import aiohttp
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from channels.turn import current_turn
from clinic.logs import logger

log = logger("assistant.actions")

TIMEOUT_SECONDS = 20.0
REJECTED = 400


def trust_checked_results() -> None:
    """Let Rasa take the results that `ActionEndpoint` returns as they are.

    Rasa has jsonschema check its own schema again for every result, which costs 20 ms a call;
    the endpoint has checked the same shape by then (`_result`).
    """
    RemoteAction._validate_action_result = lambda self, result: True


class ActionEndpoint(EndpointConfig):
    """One keep-alive pool per event loop."""

    def __init__(self, url: str, **kwargs: Any) -> None:
        super().__init__(url=url, **kwargs)
        self._sessions: "WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession]" = (
            WeakKeyDictionary()
        )

    def _pool(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None or session.closed:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=60),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            )
            self._sessions[loop] = session
        return session

    async def request(
        self,
        method: str = "post",
        subpath: Optional[str] = None,
        content_type: Optional[str] = "application/json",
        compress: bool = False,
        **kwargs: Any,
    ) -> Optional[Any]:
        """Call the action server; see `EndpointConfig.request`.

        Raises:
            ClientResponseError: for a status of 400 (the action rejects to run) or above.
            aiohttp.ClientError, asyncio.TimeoutError: it cannot be reached or does not answer.
            ValueError: it answers something that is no action's result.
        """
        body: Dict[str, Any] = kwargs.get("json") or {}
        try:
            async with self._pool().request(method, self.url, json=body) as response:
                if response.status >= REJECTED:
                    text = await response.text()
                    if response.status != REJECTED or not _is_rejection(text):
                        self._failed(body, f"status {response.status}")
                    raise ClientResponseError(response.status, str(response.reason), text)
                return _result(await response.json())
        except ClientResponseError:
            raise
        except Exception as error:
            self._failed(body, type(error).__name__)
            raise

    @staticmethod
    def _failed(body: Dict[str, Any], why: str) -> None:
        turn = current_turn.get()
        action = body.get("next_action")
        log.error("action failed", action=action, why=why, turn=turn.message_id if turn else None)
        if turn is not None:
            turn.fail("action")


def _is_rejection(text: str) -> bool:
    """Whether a body of status 400 is what rasa_sdk answers when an action rejects to run."""
    try:
        content = json.loads(text)
    except ValueError:
        return False
    return isinstance(content, dict) and "action_name" in content


def _result(content: Any) -> Dict[str, Any]:
    if not isinstance(content, dict):
        raise ValueError("an action's result is an object")
    for part in ("events", "responses"):
        listed = content.get(part, [])
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise ValueError(f"an action's {part} are a list of objects")
    return content
