"""Element types, block sizes and record layouts that the planner, the CPU path and kernels/types.cuh agree on."""

import numpy as np

SOURCE_SIZES = {"float32": 4, "bfloat16": 2, "float16": 2}  # bytes of one element of a gradient
BUCKET_SIZES = {**SOURCE_SIZES, "float8_e4m3fn": 1}  # bytes of one element of a bucket, scales apart
DTYPE_CODES = {"float32": 0, "bfloat16": 1, "float16": 2, "float8_e4m3fn": 3}  # enum Dtype in kernels/types.cuh
E4M3 = "float8_e4m3fn"

# One e4m3 scale covers so many elements, as in DeepGEMM and in TE's block recipe. Every tensor starts on a fresh unit,
# so that a scale never covers two tensors and vectors are aligned whatever came before.
UNIT_COUNT = 128
SCALE_BYTES = 4  # float32
# Messages start on 16 bytes, the widest vector, and so do the payload and the scales in them: 4 units, 4 scales.
E4M3_SHARD_UNITS = 4

E4M3_MAX = 448.0  # largest finite value, OCP 8-bit floating point specification 1.0, table 2
# Below this 448 / amax would overflow soon; gradients are small, so 1e-4 as for activations (DeepGEMM) would lose them.
SMALLEST_AMAX = 1e-30

# struct Tile in kernels/types.cuh: `count_and_dtype` holds the elements in 28 bits and the source's code above them.
TILE_RECORD = np.dtype([("tensor", "u4"), ("count_and_dtype", "u4"), ("bucket_unit", "u4"), ("tensor_unit", "u4")])
DTYPE_SHIFT = 28
# struct Stats in kernels/types.cuh
STATS_RECORD = np.dtype([("nonfinite_count", "u8"), ("sum_of_squares", "f8"), ("amax", "f4"), ("ticket", "u4")])
PARTIAL_BYTES = 16  # struct Partial in kernels/types.cuh, one for each block
