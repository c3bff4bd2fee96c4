"""The Flask application: Graph API, control API, chat page and health, in one process."""

from __future__ import annotations

from typing import Optional

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from channels.simulator.config import SimulatorConfig
from channels.simulator.control_api import control
from channels.simulator.control_looks import looks
from channels.simulator.graph_api import ObjectIdConverter, VersionConverter, graph
from channels.simulator.phone_page import phone
from channels.simulator.simulator import Simulator

# Everything the page needs comes from here; bubbles may carry anybody's text.
_CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def create_app(config: Optional[SimulatorConfig] = None) -> Flask:
    """The application; its `extensions["simulator"]` is the `Simulator`, to be closed by tests."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 110 * 1024 * 1024
    # Message bodies are answered as they came: keys in order, Hindi readable.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.converters["version"] = VersionConverter
    app.url_map.converters["object_id"] = ObjectIdConverter
    app.extensions["simulator"] = Simulator(config or SimulatorConfig.from_env())
    app.register_blueprint(graph)
    app.register_blueprint(control)
    app.register_blueprint(looks)
    app.register_blueprint(phone)

    @app.get("/health/live")
    @app.get("/health/ready")
    def health() -> ResponseReturnValue:
        return jsonify(status="ok")

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        if response.mimetype == "text/html":
            response.headers["Content-Security-Policy"] = _CONTENT_POLICY
            response.headers["Referrer-Policy"] = "no-referrer"
        if request.path.startswith("/phone/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return app
