import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from commbench.assets import folder, suite_files
from commbench.collectives import COLLECTIVES
from commbench.plan.schema import schema_text

SCHEMA: dict[str, Any] = json.loads(schema_text())


def test_the_shipped_schema_is_up_to_date() -> None:
    shipped = (folder("suites") / "schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(), "run: commbench schema > suites/schema.json"


@pytest.mark.parametrize("path", suite_files(), ids=lambda path: path.stem)
def test_every_shipped_suite_satisfies_the_schema(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), SCHEMA, jsonschema.Draft202012Validator)


def test_editors_can_complete_names_and_see_wrong_keys() -> None:
    sweep = SCHEMA["$defs"]["Sweep"]
    assert sweep["properties"]["collectives"]["items"]["enum"] == list(COLLECTIVES)
    assert sweep["properties"]["sizes"]["items"]["type"] == ["string", "integer"]
    assert sweep["additionalProperties"] is False
    assert SCHEMA["required"] == ["suite", "sweep"]


def test_the_package_itself_loads_no_pydantic() -> None:
    program = "import sys, commbench.plan; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
