"""What the fused kernel has to reach on one H200, and whether it did: rows of `kernel` in, verdicts out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commbench.model.result import Status

if TYPE_CHECKING:
    import pandas as pd

GPU = "H200"  # the targets are of this one only
_OURS = "commbench"
_BF16 = {"direction": "pack", "tensor_dtype": "float32", "bucket_dtype": "bfloat16"}
_LARGE = ("gpt2", "llama3_8b_layer")


@dataclass(frozen=True, slots=True)
class Target:
    """A number to reach, in words; `measured` is None where it was not measured."""

    words: str
    limit: float
    is_least: bool  # whether the limit is the least that will do, else the most
    unit: str
    measured: float | None

    @property
    def is_met(self) -> bool | None:
        """Return whether the limit is kept, None when nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.is_least else self.measured <= self.limit


def targets(rows: "pd.DataFrame") -> list[Target]:
    """Return every target with what one run says of it; device time, cold. Rows of other GPUs count for nothing.

    The limits are those of issue 6 and of the design: shared/design/kernel.md, sections 2.3 and 5.
    """
    told = rows[
        rows["gpu"].fillna("").str.contains(GPU) & (rows["status"] == Status.OK) & (rows["tuning_json"] == "{}")
    ]
    ours = _of(told, competitor=_OURS, is_scaled=True, **_BF16)
    shares = [("gpt2", 0.95), ("llama3_8b_layer", 0.95), ("resnet50", 0.85)]
    limits = [("ddp_25mib", 13.0), ("tiny_10000", 8.0)]
    return [
        *(
            Target(f"share of the best copy, {name}", least, True, "", _one(ours, name, "copy_share"))
            for name, least in shares
        ),
        *(
            Target(f"time of {name}", most, False, "us", _one(ours, name, "device_time_cold_us"))
            for name, most in limits
        ),
        *_against_peers(told),
        Target("copy work of DDP with bf16 hook, gpt2", 2.5, True, "x", _copy_work(told, "gpt2")),
    ]


# competitor, whether it scales, workload, least ratio
_RATIOS = (
    *(("torch_cat", True, name, 3.0) for name in _LARGE),
    *(("torch_foreach_copy", True, name, 2.2) for name in _LARGE),
    *(("torch_foreach_copy", False, name, 1.4) for name in _LARGE),
    ("torch_foreach_copy", False, "ddp_25mib", 2.0),
    ("torch_foreach_copy", False, "tiny_10000", 50.0),
    ("horovod_batched_copy", True, "llama3_8b_layer", 4.0),
    *(("triton_pointer_table", True, name, 1.0) for name in _LARGE),
)


def _against_peers(told: "pd.DataFrame") -> list[Target]:
    found = []
    for name, is_scaled, workload, least in _RATIOS:
        row = _of(told, competitor=name, is_scaled=is_scaled, **_BF16)
        scaled = "scaled" if is_scaled else "scale left to NCCL's AVG"
        words = f"{name} ({scaled}) over ours, {workload}"
        found.append(Target(words, least, True, "x", _one(row, workload, "time_ratio")))
    return found


def _copy_work(told: "pd.DataFrame", workload: str) -> float | None:
    """Return pack and unpack of DDP's hook over ours."""
    sums = []
    for name in ("ddp_bf16_hook", _OURS):
        pack = _one(_of(told, competitor=name, is_scaled=True, **_BF16), workload, "device_time_cold_us")
        back = _one(
            _of(told, competitor=name, direction="unpack", tensor_dtype="float32", bucket_dtype="bfloat16"),
            workload,
            "device_time_cold_us",
        )
        if pack is None or back is None:
            return None
        sums.append(pack + back)
    return sums[0] / sums[1]


def _of(rows: "pd.DataFrame", **wanted: object) -> "pd.DataFrame":
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def _one(rows: "pd.DataFrame", workload: str, column: str) -> float | None:
    values = rows.loc[rows["workload"] == workload, column].dropna()
    return float(values.iloc[-1]) if len(values) else None
