"""The tools' names of collectives, element types and reductions in ours."""

from commbench.collectives import COLLECTIVES
from commbench.model.dtype import DTYPES

# nccl-tests v2.0 to v2.19 src/common.cu test_typenames; the last two are rccl-tests'.
_NCCL_DTYPES = {
    "char": "int8",
    "int": "int32",
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "f8e4m3": "float8_e4m3",
    "f8e5m2": "float8_e5m2",
    "fp8_e4m3": "float8_e4m3",
    "fp8_e5m2": "float8_e5m2",
}
NCCL_TYPES = (*_NCCL_DTYPES, "bfloat16", "int8", "uint8", "int32", "uint32", "int64", "uint64")
_OTHER_SIZES = {"uint32": 4, "uint64": 8, "float8_e4m3": 1, "float8_e5m2": 1}

# The programs of nccl-tests by their names without _perf.
PROGRAMS = {
    "all_reduce": "all_reduce",
    "all_gather": "all_gather",
    "reduce_scatter": "reduce_scatter",
    "broadcast": "broadcast",
    "reduce": "reduce",
    "alltoall": "all_to_all",
    "alltoallv": "all_to_all_v",
    "gather": "gather",
    "scatter": "scatter",
    "sendrecv": "send_recv",
    "hypercube": "hypercube",
}


def dtype_of(nccl_type: str) -> str:
    """Return our name of an element type of nccl-tests."""
    return _NCCL_DTYPES.get(nccl_type, nccl_type)


def element_bytes(dtype: str) -> int | None:
    """Return the bytes of one element, or None for a type that is not known."""
    return DTYPES[dtype].size_bytes if dtype in DTYPES else _OTHER_SIZES.get(dtype)


def bus_factor(collective: str, world_size: int) -> float | None:
    """Return busbw / algbw, or None where algbw is not size over time.

    Source: the GetBw functions of nccl-tests v2.19.6 src/*.cu.
    """
    if collective in COLLECTIVES and not COLLECTIVES[collective].is_uneven:
        return COLLECTIVES[collective].bus_factor(world_size)
    if collective in {"gather", "scatter"}:
        return (world_size - 1) / world_size
    return 1.0 if collective == "reduce" else None
