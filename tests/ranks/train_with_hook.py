"""One rank that trains a small model under several communication hooks and prints the losses as JSON.

`python train_with_hook.py RANK STORE_FILE STEPS`: two ranks over gloo.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch._C._distributed_c10d import FileStore, GradBucket
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import bf16_compress_hook
from torch.nn.parallel import DistributedDataParallel

from commbench.bucketing.hook import FusedBucketState, fused_bucket_hook

WORLD_SIZE = 2
_BATCH, _FEATURES, _HIDDEN, _CLASSES = 32, 16, 64, 4
_BUCKET_MIB = 0.01  # several buckets, so that their order matters

Register = Callable[[DistributedDataParallel], None]


def torchs_bf16(_: object, bucket: GradBucket) -> torch.futures.Future[torch.Tensor]:
    """Do what torch's own hook does; under its name torch would refuse it over gloo."""
    return bf16_compress_hook(dist.distributed_c10d._get_default_group(), bucket)


def fused(dtype: str) -> Register:
    return lambda model: model.register_comm_hook(FusedBucketState(dtype), fused_bucket_hook)


HOOKS: dict[str, Register] = {
    "ddp": lambda model: None,
    "ddp_bf16": lambda model: model.register_comm_hook(None, torchs_bf16),
    "float32": fused("float32"),
    "bfloat16": fused("bfloat16"),
    "float8_e4m3fn": fused("float8_e4m3fn"),
}


def train(register: Register, rank: int, steps: int) -> list[float]:
    """Return the loss of every step, mean over ranks; every rank sees data of its own."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(_FEATURES, _HIDDEN), nn.LayerNorm(_HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, _HIDDEN), nn.GELU(),
        nn.Linear(_HIDDEN, _CLASSES),
    )  # fmt: skip
    parallel = DistributedDataParallel(model, bucket_cap_mb=_BUCKET_MIB, gradient_as_bucket_view=True)
    register(parallel)
    optimiser = torch.optim.SGD(parallel.parameters(), lr=0.05, momentum=0.9)
    law = torch.randn(_FEATURES, _CLASSES, generator=torch.Generator().manual_seed(2))
    data = torch.Generator().manual_seed(3 + rank)
    losses = []
    for _ in range(steps):
        batch = torch.randn(_BATCH, _FEATURES, generator=data)
        loss = nn.functional.cross_entropy(parallel(batch), (batch @ law).argmax(dim=1))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch
        optimiser.step()
        mean = loss.detach().clone()
        dist.all_reduce(mean)
        losses.append(float(mean) / WORLD_SIZE)
    return losses


def main(rank: int, store_file: Path, steps: int) -> None:
    torch.set_num_threads(1)
    store = FileStore(str(store_file), WORLD_SIZE)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=WORLD_SIZE)
    losses: dict[str, Any] = {name: train(register, rank, steps) for name, register in HOOKS.items()}
    if rank == 0:
        print(json.dumps(losses))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
