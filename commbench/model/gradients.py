"""Gradient sets: the tensors that a model's backward pass leaves, as lists of element counts in order of parameters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

DDP_25MIB = "ddp_25mib"

# A bucket's unit, on which every tensor starts: layout.UNIT_COUNT of commbench.bucketing, which planning cannot import.
UNIT_COUNT = 128
_FLOAT32_BYTES = 4

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GradientSet:
    """A name and the elements of each gradient."""

    name: str
    counts: tuple[int, ...]

    @property
    def count(self) -> int:
        """Return the elements of all gradients together."""
        return sum(self.counts)


def _resnet50() -> Iterator[Shape]:
    """Yield ResNet-50's: He et al. 2015, table 1, as torchvision builds it (parameters, not running statistics)."""
    yield from ((64, 3, 7, 7), (64,), (64,))
    width = 64
    for blocks, middle in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for block in range(blocks):
            out = 4 * middle
            yield from ((middle, width, 1, 1), (middle,), (middle,))
            yield from ((middle, middle, 3, 3), (middle,), (middle,))
            yield from ((out, middle, 1, 1), (out,), (out,))
            if block == 0:  # the shortcut changes the width
                yield from ((out, width, 1, 1), (out,), (out,))
            width = out
    yield from ((1000, 2048), (1000,))


def _gpt2() -> Iterator[Shape]:
    """Yield GPT-2's, the small one of 124 M: 12 layers of width 768, output tied to the embedding."""
    width = 768
    yield from ((50_257, width), (1024, width))
    for _ in range(12):
        yield from ((width,), (width,), (width, 3 * width), (3 * width,), (width, width), (width,))
        yield from ((width,), (width,), (width, 4 * width), (4 * width,), (4 * width, width), (width,))
    yield from ((width,), (width,))


def _llama3_8b_layer() -> Iterator[Shape]:
    """Yield one of the 32 layers of Llama 3 8B: width 4096, 8 of 32 heads for keys and values, MLP of 14,336."""
    width, keys, inner = 4096, 1024, 14_336
    yield from ((width, width), (keys, width), (keys, width), (width, width))
    yield from ((inner, width), (inner, width), (width, inner), (width,), (width,))


def _ddp_25mib() -> Iterator[Shape]:
    """Yield what fills one bucket of DDP, whose bucket_cap_mb is 25: six matrices and many vectors."""
    yield from [(1024, 1024)] * 6
    yield from [(1024,)] * 64


def _tiny_10000() -> Iterator[Shape]:
    """Yield what launches cost most for: 10,000 tensors of 64 elements."""
    yield from [(64,)] * 10_000


_KNOWN: dict[str, Callable[[], Iterator[Shape]]] = {
    DDP_25MIB: _ddp_25mib,
    "resnet50": _resnet50,
    "gpt2": _gpt2,
    "llama3_8b_layer": _llama3_8b_layer,
    "tiny_10000": _tiny_10000,
}
GRADIENT_SETS = tuple(_KNOWN)


def known_set(name: str) -> GradientSet:
    """Return the gradient set of that name, one of `GRADIENT_SETS`."""
    return GradientSet(name, tuple(prod(shape) for shape in _KNOWN[name]()))


def bucket_memory_bytes(sent: int, received: int, element_bytes: int) -> int:
    """Return about what a rank holds for a bucket of so many elements, padding and scales left out.

    float32 gradients and results, the bucket twice (e4m3 messages come as others go) and a float32 copy to compute in.
    """
    return (2 * sent + received) * _FLOAT32_BYTES + 2 * sent * element_bytes
