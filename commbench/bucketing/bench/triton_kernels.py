"""The Triton kernel of the pointer-table peer; imported only where Triton is installed."""

import triton
import triton.language as tl


@triton.jit  # type: ignore[untyped-decorator] # Triton has no types
def copy_tiles(  # type: ignore[no-untyped-def] # noqa: D103, PLR0917 - a kernel takes what it takes, in order
    sources,
    targets,
    tensor_of_tile,
    start_of_tile,
    counts,
    scale,
    source_type: tl.constexpr,
    target_type: tl.constexpr,
    tile: tl.constexpr,
):
    program = tl.program_id(0)
    tensor = tl.load(tensor_of_tile + program)
    source = tl.load(sources + tensor).to(tl.pointer_type(source_type))
    target = tl.load(targets + tensor).to(tl.pointer_type(target_type))
    offsets = tl.load(start_of_tile + program) + tl.arange(0, tile)
    inside = offsets < tl.load(counts + tensor)
    values = tl.load(source + offsets, mask=inside).to(tl.float32) * scale
    tl.store(target + offsets, values.to(target_type), mask=inside)
