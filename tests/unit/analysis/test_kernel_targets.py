"""What the kernel has to reach, judged from rows that are made up."""

import pandas as pd
import pytest

from commbench.analysis.kernel_targets import Target, targets

H200 = "NVIDIA H200"


def row(competitor: str, workload: str, **given: object) -> dict[str, object]:
    return {
        "competitor": competitor,
        "workload": workload,
        "gpu": H200,
        "status": "ok",
        "tuning_json": "{}",
        "direction": "pack",
        "tensor_dtype": "float32",
        "bucket_dtype": "bfloat16",
        "is_scaled": True,
        "copy_share": 0.5,
        "time_ratio": 1.0,
        "device_time_cold_us": 10.0,
        **given,
    }


def judged(*rows: dict[str, object]) -> dict[str, Target]:
    return {target.words: target for target in targets(pd.DataFrame(rows))}


@pytest.mark.parametrize(("share", "is_met"), [(0.95, True), (0.949, False)])
def test_a_share_of_the_copy_is_met_from_its_limit_on(share: float, is_met: bool) -> None:
    target = judged(row("commbench", "gpt2", copy_share=share))["share of the best copy, gpt2"]
    assert (target.measured, target.is_met) == (share, is_met)


@pytest.mark.parametrize(("time_us", "is_met"), [(13.0, True), (13.1, False)])
def test_a_time_is_met_up_to_its_limit(time_us: float, is_met: bool) -> None:
    target = judged(row("commbench", "ddp_25mib", device_time_cold_us=time_us))["time of ddp_25mib"]
    assert (target.measured, target.is_met) == (time_us, is_met)


def test_foreach_copy_has_one_target_with_its_scale_and_one_without() -> None:
    found = judged(
        row("torch_foreach_copy", "gpt2", time_ratio=2.0),
        row("torch_foreach_copy", "gpt2", time_ratio=1.5, is_scaled=False),
    )
    assert found["torch_foreach_copy (scaled) over ours, gpt2"].is_met is False
    assert found["torch_foreach_copy (scale left to NCCL's AVG) over ours, gpt2"].is_met is True


def test_copy_work_is_pack_and_unpack_together() -> None:
    back = {"direction": "unpack", "is_scaled": False}
    found = judged(
        row("commbench", "gpt2", device_time_cold_us=10.0),
        row("commbench", "gpt2", device_time_cold_us=20.0, **back),
        row("ddp_bf16_hook", "gpt2", device_time_cold_us=50.0),
        row("ddp_bf16_hook", "gpt2", device_time_cold_us=40.0, **back),
    )
    assert found["copy work of DDP with bf16 hook, gpt2"].measured == 3.0


@pytest.mark.parametrize(
    "given",
    [
        {"gpu": "Intel Xeon"},
        {"gpu": None},
        {"gpu": "NVIDIA H100"},
        {"status": "wrong_result"},
        {"tuning_json": '{"tile_count": 512}'},
        {"direction": "copy"},
        {"bucket_dtype": "float32"},
        {"copy_share": None},
    ],
)
def test_rows_of_anything_else_are_no_measurement(given: dict[str, object]) -> None:
    assert all(target.measured is None for target in judged(row("commbench", "gpt2", **given)).values())
    assert all(target.is_met is None for target in judged(row("commbench", "gpt2", **given)).values())
