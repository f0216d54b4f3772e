"""The peers that were written again do their work: kernels/peers.cu on the CPU, against torch."""

import ctypes
import subprocess
from collections.abc import Callable, Sequence
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from commbench.bucketing.bench import tables
from commbench.bucketing.layout import DTYPE_CODES
from commbench.model.gradients import GRADIENT_SETS, known_set

from .shim import FLAGS, HERE, KERNELS, has_compiler

COUNTS = (5000, 7, 0, 1, 4096, 65_536 + 12, 65_536 + 3)
BF16, F16, F32 = torch.bfloat16, torch.float16, torch.float32
Build = Callable[[int], ctypes.CDLL]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    if not has_compiler():
        pytest.skip("no g++ here to compile the kernel for the CPU")
    folder = tmp_path_factory.mktemp("peers")

    @cache
    def compile_for(threads: int) -> ctypes.CDLL:
        out = folder / f"peers_{threads}.so"
        # Not -fgnu-unique: both libraries would share one world, made for the threads of the first.
        options = ("-fno-gnu-unique", f"-DBUCKET_THREADS={threads}", f"-I{KERNELS}", f"-I{HERE}")
        done = subprocess.run(
            ["g++", "-O1", *FLAGS, *options, str(HERE / "peers_main.cpp"), "-o", str(out)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        library = ctypes.CDLL(str(out))
        library.peers_fault.restype = ctypes.c_char_p
        library.peers_register.argtypes = (ctypes.c_uint64, ctypes.c_uint64)
        return library

    return compile_for


@pytest.mark.parametrize(("source", "target"), [(F32, F32), (F32, BF16), (F32, F16), (BF16, BF16), (BF16, F32)])
@pytest.mark.parametrize("shift", [0, 1])
def test_apex_style_scale_equals_torch_whatever_the_alignment(
    build: Build, source: torch.dtype, target: torch.dtype, shift: int
) -> None:
    library = build(tables.APEX_THREADS)
    inputs, outputs = tensors(source, shift), poisoned(target, shift)
    flag = torch.zeros(1, dtype=torch.int32)
    allow(library, [*inputs, *outputs, flag])
    for launch in tables.apex_launches(addresses(inputs), addresses(outputs), COUNTS):
        library.peers_apex(
            DTYPE_CODES[str(source).removeprefix("torch.")],
            DTYPE_CODES[str(target).removeprefix("torch.")],
            launch.blocks,
            ctypes.c_char_p(launch.table.tobytes()),
            tables.APEX_CHUNK,
            ctypes.c_float(0.125),
            ctypes.c_void_p(flag.data_ptr()),
        )
        assert library.peers_fault() == b""
    for got, tensor in zip(outputs, inputs, strict=True):
        assert torch.equal(got, (tensor.float() * 0.125).to(target))
    assert flag.item() == 0


@pytest.mark.parametrize("is_scaled", [False, True])
@pytest.mark.parametrize("shift", [0, 1])
def test_horovod_style_copy_equals_torch_whatever_the_alignment(build: Build, shift: int, is_scaled: bool) -> None:
    library = build(tables.HOROVOD_THREADS)
    dtype, scale = (F32, 0.125) if is_scaled else (BF16, 1.0)
    inputs, outputs = tensors(dtype, shift), poisoned(dtype, shift)
    allow(library, [*inputs, *outputs])
    sizes_bytes = [each.nbytes for each in inputs]
    for launch in tables.horovod_launches(addresses(inputs), addresses(outputs), sizes_bytes):
        table = ctypes.c_char_p(launch.table.tobytes())
        library.peers_horovod(int(is_scaled), launch.blocks, table, ctypes.c_float(scale))
        assert library.peers_fault() == b""
    for got, tensor in zip(outputs, inputs, strict=True):
        assert torch.equal(got, tensor * scale)


def test_their_tables_fit_the_four_kilobytes_that_their_parameters_were_chosen_for() -> None:
    assert tables.APEX_TABLE.itemsize <= 4096
    assert tables.HOROVOD_TABLE.itemsize <= 4096


def test_launches_are_as_many_as_the_design_counted_from_their_sources() -> None:
    """shared/design/kernel.md, 2.3: multi_tensor_apply with 4 KB of arguments; Horovod from its capacity of 160."""
    counted = {name: sum(1 for _ in tables.apex_chunks(known_set(name).counts)) for name in GRADIENT_SETS}
    assert counted == {"ddp_25mib": 2, "resnet50": 3, "gpt2": 7, "llama3_8b_layer": 11, "tiny_10000": 157}


@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=200))
def test_every_chunk_of_every_tensor_is_launched_once_and_no_table_overflows(counts: list[int]) -> None:
    launches = list(tables.apex_chunks(counts))
    every = [pair for pairs in launches for pair in pairs]
    wanted = [(tensor, chunk) for tensor, count in enumerate(counts) for chunk in range(-(-count // tables.APEX_CHUNK))]
    assert every == wanted
    assert all(len(pairs) <= tables.APEX_BLOCKS for pairs in launches)
    assert all(len({tensor for tensor, _ in pairs}) <= tables.APEX_TENSORS for pairs in launches)


def tensors(dtype: torch.dtype, shift: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(count + shift, generator=generator).to(dtype)[shift:] for count in COUNTS]


def poisoned(dtype: torch.dtype, shift: int) -> list[torch.Tensor]:
    return [torch.full((count + shift,), float("nan"), dtype=dtype)[shift:] for count in COUNTS]


def addresses(each: Sequence[torch.Tensor]) -> list[int]:
    return [tensor.data_ptr() for tensor in each]


def allow(library: ctypes.CDLL, each: Sequence[torch.Tensor]) -> None:
    library.peers_forget()
    for tensor in each:
        library.peers_register(tensor.data_ptr(), tensor.nbytes)


def test_both_peers_compile_for_a_hopper_without_spills() -> None:
    nvrtc = pytest.importorskip("cuda.bindings.nvrtc", reason="no cuda-bindings here: pip install 'commbench[kernel]'")
    for threads in (tables.APEX_THREADS, tables.HOROVOD_THREADS):
        log = compiled(nvrtc, threads)
        assert log.count("0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads") == log.count("stack frame")
        assert log.count("stack frame") >= 2
        assert "warning" not in log


def compiled(nvrtc, threads: int) -> str:  # type: ignore[no-untyped-def]
    _, program = nvrtc.nvrtcCreateProgram((KERNELS / "peers.cu").read_bytes(), b"peers.cu", 0, [], [])
    options = ["-std=c++17", "-arch=sm_90", f"-I{KERNELS}", f"-DBUCKET_THREADS={threads}", "-DBUCKET_BLOCKS=1"]
    given = [each.encode() for each in (*options, "--ptxas-options=-v")]
    (status,) = nvrtc.nvrtcCompileProgram(program, len(given), given)
    log = b" " * nvrtc.nvrtcGetProgramLogSize(program)[1]
    nvrtc.nvrtcGetProgramLog(program, log)
    assert int(status) == 0, str(log, "utf-8")
    return str(log, "utf-8")
