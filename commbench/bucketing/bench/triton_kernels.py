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
    aligned: tl.constexpr,
    tile: tl.constexpr,
):
    program = tl.program_id(0)
    tensor = tl.load(tensor_of_tile + program)
    source = tl.load(sources + tensor).to(tl.pointer_type(source_type))
    target = tl.load(targets + tensor).to(tl.pointer_type(target_type))
    # Nothing is known of an address that was a number before: without these hints every access is of one element.
    if aligned:
        source = tl.multiple_of(source, 16)
        target = tl.multiple_of(target, 16)
    start = tl.multiple_of(tl.load(start_of_tile + program), tile)
    count = tl.load(counts + tensor)
    offsets = start + tl.arange(0, tile)
    if start + tile <= count:  # a mask of an unknown length would make scalar accesses, too
        tl.store(target + offsets, (tl.load(source + offsets).to(tl.float32) * scale).to(target_type))
    else:
        inside = offsets < count
        values = tl.load(source + offsets, mask=inside).to(tl.float32) * scale
        tl.store(target + offsets, values.to(target_type), mask=inside)
