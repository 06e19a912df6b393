"""The JSON schema of `wallcross.toml`, as published in docs/wallcross.schema.json."""

from typing import Any

from orchestrator.config.model import Config


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) that editors use."""
    made = Config.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wallcross.toml",
        **{name: value for name, value in made.items() if name != "title"},
    }
