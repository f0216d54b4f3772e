"""JSON Schema of suite files, for editors: `suites/schema.json` is this text."""

import json

from commbench.plan.suite import Suite

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """Return the JSON Schema of suite files as indented text, ending in a newline."""
    schema = {"$schema": DIALECT, **Suite.model_json_schema(), "title": "commbench suite"}
    return json.dumps(schema, indent=2) + "\n"
