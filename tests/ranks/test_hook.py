"""The hook trains: two gloo ranks, one launch, 200 steps with each of its bucket types and with DDP's own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from commbench.bucketing.hook import FusedBucketState
from commbench.errors import UsageError
from tests.ranks.conftest import clean_environment
from tests.ranks.train_with_hook import WORLD_SIZE

pytestmark = pytest.mark.ranks

STEPS = 200
Losses = dict[str, list[float]]


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> Losses:
    """Return the loss of every step by hook, all of them trained in one launch."""
    store = tmp_path_factory.mktemp("hook") / "store"
    words = [sys.executable, "-m", "tests.ranks.train_with_hook"]
    root = Path(__file__).parents[2]
    ranks = [
        subprocess.Popen(
            [*words, str(rank), str(store), str(STEPS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=root,
            env=clean_environment(),
        )
        for rank in range(WORLD_SIZE)
    ]
    said = [rank.communicate(timeout=100) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0] * WORLD_SIZE, said
    found: Losses = json.loads(said[0][0])
    return found


def _furthest(one: list[float], other: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_the_model_learns_so_that_equal_losses_mean_something(losses: Losses) -> None:
    for name, found in losses.items():
        assert len(found) == STEPS
        assert sum(found[-20:]) < sum(found[:20]) / 5, name


def test_float32_buckets_train_bit_for_bit_as_ddp_does(losses: Losses) -> None:
    assert losses["float32"] == losses["ddp"]


def test_bfloat16_buckets_train_as_torchs_own_bfloat16_hook(losses: Losses) -> None:
    """Two ranks are halved, which is exact, so that scaling before or after the rounding is the same."""
    assert losses["bfloat16"] == losses["ddp_bf16"]
    assert 0 < _furthest(losses["bfloat16"], losses["ddp"]) < 5e-3


def test_e4m3_buckets_train_to_the_same_loss_within_their_rounding(losses: Losses) -> None:
    ours, theirs = losses["float8_e4m3fn"], losses["ddp"]
    assert 0 < _furthest(ours, theirs) < 5e-2
    assert sum(ours[-20:]) == pytest.approx(sum(theirs[-20:]), rel=0.05)


def test_a_type_that_cannot_travel_is_refused_when_the_state_is_made() -> None:
    with pytest.raises(UsageError, match="gradients cannot travel as int8; choose one of float32, bfloat16, float16,"):
        FusedBucketState("int8")
