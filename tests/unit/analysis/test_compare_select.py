"""What `--a`, `--b`, `--where` and `--by` select."""

import numpy as np
import pandas as pd
import pytest

from commbench.analysis.compare_select import Where, parse_where, select, split
from commbench.errors import UsageError
from tests.truth.two_sides import side

ROWS = side("infiniband", np.ones((2, 3)), in_place=[True, False] * 3).points


@pytest.mark.parametrize(
    "text", ["fabric=ib,nodes=4", "fabric=ib nodes=4", " fabric=ib , nodes=4 ", "fabric=ib,  nodes=4,"]
)
def test_parts_are_joined_by_commas_or_spaces(text: str) -> None:
    assert parse_where(text) == Where((("fabric", "ib"), ("nodes", "4")))


def test_a_value_may_hold_spaces_and_an_equals_sign() -> None:
    assert parse_where("fabric=AWS Libfabric run=latest").values == {"fabric": "AWS Libfabric", "run_id": "latest"}
    assert parse_where("error=a=b").values == {"error": "a=b"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("fabric", "selects nothing"), ("fabrik=ib", "did you mean 'fabric'"), ("nodes=1,nodes=2", "twice")],
)
def test_mistakes_are_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_where(text)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", 6),
        ("fabric=ib", 6),
        ("fabric=infiniband", 6),
        ("fabric=roce", 0),
        ("size_bytes=1KiB", 2),
        ("size_bytes=1024", 2),
        ("in_place=true", 3),
        ("in_place=no", 3),
        ("nodes=2 traffic_skew=0", 6),
        ("nccl_version=", 6),
    ],
)
def test_rows_are_selected_by_the_type_of_their_column(text: str, rows: int) -> None:
    assert len(select(ROWS, parse_where(text))) == rows


@pytest.mark.parametrize("text", ["nodes=two", "in_place=perhaps", "size_bytes=big"])
def test_a_value_that_its_column_cannot_have_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        select(ROWS, parse_where(text))


def test_a_column_splits_into_its_two_values_in_the_order_of_time() -> None:
    rows = pd.concat([ROWS.assign(fabric="roce"), ROWS])
    assert split(rows, "fabric", "it") == (Where((("fabric", "roce"),)), Where((("fabric", "infiniband"),)))
    with pytest.raises(UsageError, match="it has 1 values of fabric"):
        split(ROWS, "fabric", "it")
    with pytest.raises(UsageError, match="name two of them"):
        split(pd.concat([rows, ROWS.assign(fabric="tcp")]), "fabric", "it")
