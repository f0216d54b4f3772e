"""Text between ranks as plain bytes: torch's own way to send objects unpickles whatever a peer sends."""

import torch
import torch.distributed as dist


def gather_texts(text: str, group: dist.ProcessGroup | None = None) -> list[str]:
    """Return every rank's text on the group's rank 0, and nothing on the others; all ranks must call it."""
    data = text.encode(errors="surrogatepass")
    world_size, is_root = dist.get_world_size(group), dist.get_rank(group) == 0
    lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(world_size)]
    dist.all_gather(lengths, torch.tensor([len(data)], dtype=torch.int64), group=group)
    longest = max(1, *(int(length) for length in lengths))  # gloo refuses to gather nothing at all
    mine = torch.zeros(longest, dtype=torch.uint8)
    mine[: len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else 0
    rows = [torch.empty_like(mine) for _ in range(world_size)] if is_root else None
    dist.gather(mine, rows, group=group, group_dst=0)
    return [
        bytes(row[: int(length)].tolist()).decode(errors="surrogatepass")
        for row, length in zip(rows or [], lengths, strict=False)
    ]
