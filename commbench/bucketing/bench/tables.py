"""How apex and Horovod cut a list of tensors into launches: pure NumPy, from their published sources."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# apex csrc/multi_tensor_apply.cuh, depth 2: tensors and blocks whose table fits 4 KB of kernel arguments; the chunk is
# that of apex.multi_tensor_apply.multi_tensor_applier(2048 * 32), also TransformerEngine's.
APEX_TENSORS, APEX_BLOCKS, APEX_THREADS, APEX_CHUNK = 64, 320, 512, 2048 * 32
# Horovod horovod/common/ops/cuda/cuda_kernels.{h,cu}: BATCHED_D2D_CAPACITY, blocks of one copy, threads of a block.
HOROVOD_TENSORS, HOROVOD_BLOCKS, HOROVOD_THREADS = 160, 8, 1024

# The structs of kernels/peers.cu.
APEX_TABLE = np.dtype(
    {
        "names": ["in", "out", "counts", "tensor_of_block", "chunk_of_block"],
        "formats": [
            ("u8", APEX_TENSORS),
            ("u8", APEX_TENSORS),
            ("i4", APEX_TENSORS),
            ("u1", APEX_BLOCKS),
            ("i4", APEX_BLOCKS),
        ],
    },
    align=True,
)
HOROVOD_TABLE = np.dtype(
    {
        "names": ["out", "in", "bytes"],
        "formats": [("u8", HOROVOD_TENSORS), ("u8", HOROVOD_TENSORS), ("u8", HOROVOD_TENSORS)],
    },
    align=True,
)


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch: the table that travels as its argument, and its blocks."""

    table: "NDArray[np.void]"  # one struct: CuPy passes arrays of one element by value, of any size
    blocks: int


def apex_launches(sources: Sequence[int], targets: Sequence[int], counts: Sequence[int]) -> list[Launch]:
    """Return the launches of multi_tensor_apply: tensors in order, one block for each chunk, until a table is full."""
    return [_apex_launch(chunks, sources, targets, counts) for chunks in apex_chunks(counts)]


def apex_chunks(counts: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield the (tensor, chunk) pairs of each launch.

    A launch is full with 320 blocks, or with 64 tensors when the last one's last chunk is in it; a tensor that is cut
    goes on in the next.
    """
    pairs: list[tuple[int, int]] = []
    for tensor, count in enumerate(counts):
        last = -(-count // APEX_CHUNK) - 1
        for chunk in range(last + 1):
            pairs.append((tensor, chunk))
            is_full_of_tensors = len({each for each, _ in pairs}) == APEX_TENSORS and chunk == last
            if is_full_of_tensors or len(pairs) == APEX_BLOCKS:
                yield pairs
                pairs = []
    if pairs:
        yield pairs


def _apex_launch(
    pairs: Sequence[tuple[int, int]], sources: Sequence[int], targets: Sequence[int], counts: Sequence[int]
) -> Launch:
    table = np.zeros((), dtype=APEX_TABLE)
    places = {tensor: place for place, tensor in enumerate(dict.fromkeys(tensor for tensor, _ in pairs))}
    for tensor, place in places.items():
        table["in"][place], table["out"][place] = sources[tensor], targets[tensor]
        table["counts"][place] = counts[tensor]
    for block, (tensor, chunk) in enumerate(pairs):
        table["tensor_of_block"][block], table["chunk_of_block"][block] = places[tensor], chunk
    return Launch(table, len(pairs))


def horovod_launches(sources: Sequence[int], targets: Sequence[int], sizes_bytes: Sequence[int]) -> list[Launch]:
    """Return the launches of Horovod's batched copy: 160 tensors each, always 8 blocks for a tensor."""
    launches = []
    for first in range(0, len(sources), HOROVOD_TENSORS):
        some = slice(first, first + HOROVOD_TENSORS)
        table = np.zeros((), dtype=HOROVOD_TABLE)
        for name, values in (("in", sources), ("out", targets), ("bytes", sizes_bytes)):
            table[name][: len(values[some])] = values[some]
        launches.append(Launch(table, len(sources[some]) * HOROVOD_BLOCKS))
    return launches
