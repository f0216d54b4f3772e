"""The CPU's twins of the GPU's conversions, against torch, at and beside every tie where rounding decides.

All 2^32 inputs are checked against the real instructions by tests/gpu/test_bucket.py.
"""

import numpy as np
import pytest
import torch

from . import oracle
from .shim import ShimLauncher


def rounding_edges() -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Return each float32 whose lower 12 bits are at or beside a tie of bfloat16, float16 or e4m3 (with 20 dropped)."""
    upper = np.arange(2**20, dtype=np.uint32) << np.uint32(12)
    lower = np.array([0, 1, 0x7FF, 0x800, 0x801, 0xFFF], dtype=np.uint32)
    return (upper[:, None] | lower).ravel().view(np.float32)


@pytest.mark.parametrize(("code", "dtype"), [(1, torch.bfloat16), (2, torch.float16)])
def test_halves_are_rounded_as_torch_rounds_them(shim: ShimLauncher, code: int, dtype: torch.dtype) -> None:
    values = rounding_edges()
    assert oracle.same_bits(shim.convert(code, values).view(dtype), torch.from_numpy(values).to(dtype))


def test_e4m3_is_rounded_as_torch_rounds_it_and_saturates(shim: ShimLauncher) -> None:
    values = torch.from_numpy(rounding_edges())
    saturated = values.clamp(-448.0, 448.0)  # torch makes NaN of larger ones, cvt.satfinite the largest
    got = shim.convert(3, values.numpy()).to(torch.uint8).view(torch.float8_e4m3fn)
    assert oracle.same_bits(got, saturated.to(torch.float8_e4m3fn))
