import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.errors import UnfitError
from commbench.journal.plan_json import from_json, to_json
from commbench.model.plan import Plan, Protocol, Stopping, Truth
from commbench.model.point import Point
from commbench.plan.expand import expand
from commbench.plan.load import load

numbers = st.floats(0, 1e18, allow_nan=False)
counts = st.integers(0, 2**63 - 1)
points = st.builds(Point, **dict.fromkeys(("estimate_s", "traffic_skew"), numbers), skip_reason=st.text())
stoppings = st.builds(Stopping, rule=st.text(), budget_s=numbers, iterations=counts)
protocols = st.builds(Protocol, stopping=stoppings, point_limit_s=numbers)
plans = st.builds(
    Plan,
    suite_text=st.text(),
    protocol=protocols,
    points=st.lists(points, max_size=3).map(tuple),
    truth=st.builds(Truth, *[numbers] * 4),
)


@given(plans)
def test_a_plan_comes_back_exactly(plan: Plan) -> None:
    text = to_json(plan)
    assert "\n" not in text
    assert from_json(text) == plan


def test_a_shipped_suites_plan_comes_back_exactly() -> None:
    plan = expand(load("simulated"))
    again = from_json(to_json(plan))
    assert again == plan
    assert again.estimate_s == plan.estimate_s


def damage(**changes: object) -> str:
    document = json.loads(to_json(expand(load("simulated"))))
    document["plan"] |= changes
    return json.dumps(document)


def test_a_plan_from_before_a_field_that_has_a_default_is_read() -> None:
    plan = expand(load("simulated"))
    document = json.loads(to_json(plan))
    for point in document["plan"]["points"]:
        del point["placement"], point["block"]
    assert from_json(json.dumps(document)) == plan
    del document["plan"]["points"][0]["collective"]
    with pytest.raises(UnfitError, match="Point has other fields than this commbench knows"):
        from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot read the plan"),
        ("[]", "cannot read the plan"),
        ("{}", "cannot read the plan"),
        (damage(seed="1"), "'1' is not of type int"),
        (damage(seed=True), "True is not of type int"),
        (damage(points=3), "3 is not a list"),
        (damage(extra=1), "Plan has other fields than this commbench knows"),
        (damage().replace('"format": 1', '"format": 9'), "its format is 9, not 1"),
    ],
)
def test_a_damaged_plan_is_a_message_with_a_remedy(text: str, message: str) -> None:
    with pytest.raises(UnfitError, match=message) as caught:
        from_json(text)
    assert str(caught.value).endswith("start a new run")


def test_ranks_read_a_plan_without_pydantic() -> None:
    program = "import sys, commbench.journal.plan_json; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
