"""The lists of gradients that every implementation of a bucket must get right: the CPU's, the kernel's on the shim and
on a GPU."""

from dataclasses import dataclass

import torch

from commbench.bucketing.plan import BucketPlan, plan_bucket

SPECIAL = (float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e-40, 65519.0, 65520.0, 3.3962e38, 3e38)
ALL = ("float32", "bfloat16", "float16")
MIXED_COUNTS = (1, 3, 0, 64, 127, 128, 129, 255, 1000, 4096, 4097, 12_345, 20_001, 2, 8192, 511)


@dataclass(frozen=True)
class Case:
    """Tensor i has counts[i] elements, the i-th dtype and shift of a cycle; a shift spoils the alignment."""

    name: str
    counts: tuple[int, ...]
    dtypes: tuple[str, ...] = ALL
    shifts: tuple[int, ...] = (0,)
    tile_count: int | None = None
    shards: int = 1
    is_special: bool = False
    scale: float | None = 0.125

    def plan(self, bucket_dtype: str) -> BucketPlan:
        dtypes = [self.dtypes[index % len(self.dtypes)] for index in range(len(self.counts))]
        return plan_bucket(self.counts, dtypes, bucket_dtype, shards=self.shards, tile_count=self.tile_count)

    def tensors(self, seed: int, device: torch.device) -> list[torch.Tensor]:
        """Return random tensors over 16 orders of magnitude; a special case's start with NaN, infinities and edges."""
        generator = torch.Generator().manual_seed(seed)
        made = []
        for index, count in enumerate(self.counts):
            dtype = getattr(torch, self.dtypes[index % len(self.dtypes)])
            shift = self.shifts[index % len(self.shifts)]
            exponents = torch.randint(-12, 4, (count,), generator=generator)
            values = torch.randn(count, generator=generator) * 10.0**exponents
            if self.is_special and index % 2 == 0:
                values[: len(SPECIAL)] = torch.tensor(SPECIAL)[:count]
            place = torch.zeros(count + shift, dtype=dtype, device=device)[shift:]
            made.append(place.copy_(values.to(dtype)))
        return made


MIXED = Case("mixed", MIXED_COUNTS, tile_count=1024)
CASES = (
    Case("float32", MIXED_COUNTS, ("float32",), tile_count=4096),
    Case("bfloat16", MIXED_COUNTS, ("bfloat16",)),
    Case("float16", MIXED_COUNTS, ("float16",), tile_count=2048),
    MIXED,
    Case("unaligned views", MIXED_COUNTS, shifts=(0, 1, 2, 3), tile_count=2048),
    Case("all unaligned", (5000, 127, 1, 4096), ("bfloat16", "float32"), shifts=(1, 5, 7)),
    Case("messages for 3 ranks", MIXED_COUNTS, shards=3, tile_count=384),
    Case("one element", (1,), ("float32",), shards=2),
    Case("only empty tensors", (0, 0), shards=2),
    Case("many tiny tensors", (33,) * 300, ("float32", "bfloat16")),
    Case("not finite", (40, 5000, 12, 200, 7), is_special=True, scale=1.0),
    Case("no scale", (300, 5000), scale=None),
    Case("zeros and almost zeros", (300, 700), scale=1e-38),
    Case("overflow by the scale", (300, 700), scale=1e30),
)
