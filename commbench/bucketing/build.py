"""What a build of the kernels may choose; the numbers to sweep where there is a GPU."""

from dataclasses import dataclass

from commbench.bucketing.layout import BUCKET_SIZES

KERNELS = (
    *(f"pack_{dtype}{ending}" for dtype in BUCKET_SIZES for ending in ("", "_stats")),
    *(f"unpack_{dtype}{ending}" for dtype in BUCKET_SIZES for ending in ("", "_add")),
    "reduce_e4m3",
)
THREADS = 256  # of a block: BUCKET_THREADS in kernels/types.cuh


@dataclass(frozen=True, slots=True)
class KernelBuild:
    """Compile-time choices of kernels/types.cuh.

    A worker is the threads that take a tile together: 32, a warp, or 256, a block. `inflight_bytes` is what each thread
    asks for before it uses the first, `blocks_per_multiprocessor` the blocks that run side by side (so also the
    registers a thread may have), `evict_first` whether gradients leave the L2 cache before the bucket does.
    """

    worker_threads: int = 32
    blocks_per_multiprocessor: int = 4
    inflight_bytes: int = 64
    evict_first: bool = True

    @property
    def workers(self) -> int:
        """Return how many tiles a block works on at a time."""
        return THREADS // self.worker_threads

    @property
    def definitions(self) -> tuple[str, ...]:
        """Return the options that tell a compiler."""
        return (
            f"-DBUCKET_THREADS={THREADS}",
            f"-DBUCKET_WORKER={self.worker_threads}",
            f"-DBUCKET_BLOCKS={self.blocks_per_multiprocessor}",
            f"-DBUCKET_INFLIGHT={self.inflight_bytes}",
            f"-DBUCKET_EVICT_FIRST={int(self.evict_first)}",
        )
