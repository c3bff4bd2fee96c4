"""The API does what its description says, whatever is sent: found out by schemathesis."""

from __future__ import annotations

import contextlib
from importlib.metadata import version
from typing import Any, Callable

import pytest
import pytest_subtests
import werkzeug
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings

from tests.inbox.conftest import TOKEN

# schemathesis 3.14 (the last for Rasa's attrs) reads two names that newer packages dropped
werkzeug.__version__ = version("werkzeug")  # type: ignore[attr-defined]
pytest_subtests.nullcontext = contextlib.nullcontext  # type: ignore[attr-defined]
import schemathesis  # noqa: E402
from schemathesis import DataGenerationMethod  # noqa: E402

EXAMPLES = 10
OPERATIONS = (
    "listHandoffs",
    "claimHandoff",
    "resolveHandoff",
    "listMessages",
    "reply",
    "listAppointments",
    "book",
)
WITH_BODIES = ("claimHandoff", "resolveHandoff", "reply", "book")


def test_the_description_is_public_and_names_every_operation(app: Flask) -> None:
    described = app.test_client().get("/api/v1/openapi.json").json
    named = {
        operation["operationId"]
        for path in described["paths"].values()
        for verb, operation in path.items()
        if verb in ("get", "post")
    }
    assert named == set(OPERATIONS)
    assert set(described["components"]["schemas"]["Handoff"]["properties"]) >= {
        *("id", "contact_id", "phone", "reason", "priority", "status", "opened_at"),
        *("claimed_by", "red_flag", "outcome", "resolved_at"),
    }


@pytest.mark.parametrize(
    ("name", "data"),
    [
        *((name, DataGenerationMethod.positive) for name in OPERATIONS),
        # wrong queries are in the tables of the other tests; making them up takes minutes here
        *((name, DataGenerationMethod.negative) for name in WITH_BODIES),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_whatever_is_sent_gets_an_answer_of_the_description(
    app: Flask, handoff: Callable[..., int], name: str, data: DataGenerationMethod
) -> None:
    for reason in ("red_flag", "request", "media"):
        handoff(reason)
    schema = schemathesis.from_wsgi("/api/v1/openapi.json", app)
    operation = schema.get_operation_by_id(name)
    sent = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(data_generation_method=data))
    def conforms(case: Any) -> None:
        nonlocal sent
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {TOKEN}"}
        case.validate_response(case.call_wsgi(app))
        sent += 1

    conforms()
    assert sent >= EXAMPLES // 2
