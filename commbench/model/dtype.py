"""Element types that a collective can carry, without importing torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dtype:
    """One element type.

    `exact_limit` is the largest integer up to which every integer is represented exactly:
    sums of test data must stay below it, or wrap around in the same way on every rank.
    """

    name: str
    size_bytes: int
    exact_limit: int
    is_float: bool


_ALL = (
    Dtype("float32", 4, 2**24, is_float=True),
    Dtype("float64", 8, 2**53, is_float=True),
    Dtype("float16", 2, 2**11, is_float=True),
    Dtype("bfloat16", 2, 2**8, is_float=True),
    Dtype("int8", 1, 2**7 - 1, is_float=False),
    Dtype("uint8", 1, 2**8 - 1, is_float=False),
    Dtype("int32", 4, 2**31 - 1, is_float=False),
    Dtype("int64", 8, 2**63 - 1, is_float=False),
)

DTYPES = {dtype.name: dtype for dtype in _ALL}  # what libraries carry and reduce
E4M3 = "float8_e4m3fn"
# What a bucket of gradients can travel as. e4m3 has scales beside it, so that only bucketed collectives can carry it.
BUCKET_DTYPES = {name: DTYPES[name] for name in ("float32", "bfloat16", "float16")} | {
    E4M3: Dtype(E4M3, 1, 2**4, is_float=True)
}
ALL_DTYPES = DTYPES | BUCKET_DTYPES
REDOPS = ("sum", "min", "max")
NO_REDOP = "none"  # what nccl-tests prints for collectives that do not reduce
