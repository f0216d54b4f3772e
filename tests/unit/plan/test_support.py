import pytest

from commbench.errors import UsageError
from commbench.plan import support
from commbench.plan.support import Support, check, choose_backend


@pytest.mark.parametrize(
    ("asked", "ranks", "gpus", "chosen"),
    [
        ("auto", 2, 0, "gloo"),
        ("auto", 2, 1, "gloo"),
        ("auto", 2, 2, "nccl"),
        ("gloo", 2, 8, "gloo"),
        ("nccl", 2, 0, "nccl"),
    ],
)
def test_auto_is_nccl_only_with_a_gpu_for_every_rank(asked: str, ranks: int, gpus: int, chosen: str) -> None:
    assert choose_backend(asked, ranks, gpus) == chosen


@pytest.mark.parametrize("backend", ["gloo", "nccl", "simulated"])
def test_every_backend_carries_a_float32_sum(backend: str) -> None:
    check(backend, ["all_reduce"], ["float32"], ["sum"])


def test_everything_a_backend_lacks_is_listed_with_the_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Support(dtypes=frozenset({"float32"}), redops=frozenset({"sum"}))
    monkeypatch.setitem(support.SUPPORT, "gloo", row)
    with pytest.raises(UsageError) as caught:
        check("gloo", ["all_reduce"], ["float32", "bfloat16"], ["max"])
    assert str(caught.value).splitlines() == [
        "gloo has no bfloat16; use backend = 'nccl', or remove it from sweep.dtypes (gloo has float32)",
        "gloo has no max; use backend = 'nccl', or remove it from sweep.redops (gloo has sum)",
    ]
