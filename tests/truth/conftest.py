import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.truth.table import TruthTable

WHERE_TO = "COMMBENCH_TRUTH_TABLE"


@pytest.fixture(scope="session")
def truth_table() -> Iterator[TruthTable]:
    """Collect rows of all truth tests, failed ones too, and write them at the end if asked to."""
    table = TruthTable()
    yield table
    if path := os.environ.get(WHERE_TO):
        table.write(Path(path))
