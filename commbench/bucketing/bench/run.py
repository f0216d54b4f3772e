"""A whole run of the benchmark: which competitors there are, the copies first, then every work."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from commbench.bucketing.bench.case import Case
from commbench.bucketing.bench.competitor import OURS, Competitor
from commbench.bucketing.bench.cuda_peers import cuda_peers
from commbench.bucketing.bench.measure import Protocol, measure
from commbench.bucketing.bench.ours import Ours
from commbench.bucketing.bench.timing import open_stopwatch
from commbench.bucketing.bench.torch_peers import torch_peers
from commbench.bucketing.bench.work import SMALL, Work, copies_of, works_of
from commbench.bucketing.bench.work import workload as workload_of
from commbench.errors import ExitCode, UnfitError, UsageError
from commbench.model.gradients import DDP_25MIB, GRADIENT_SETS

Say = Callable[[str], None]
WhyStop = Callable[[], str]  # the reason to stop now, empty while there is none

# Where nobody says what to measure: all real sets on a GPU, where thousands of the small one would have to rotate to be
# cold; on a CPU what is done in a few minutes.
_DEFAULTS = {"cuda": tuple(GRADIENT_SETS), "cpu": (SMALL.name, DDP_25MIB)}
# Elements of the copies: 1 GiB of float32, far beyond any cache; on a CPU 16 MiB, over which it rotates.
_COPY_COUNTS = {"cuda": 2**28, "cpu": 2**22}
# Most bytes that a CPU rotates over: its last cache is some tens of MB, and its memory slower by two orders.
_MOST_COLD_BYTES = {"cuda": 2**40, "cpu": 128 * 2**20}


def never() -> str:
    """Return no reason to stop."""
    return ""


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure. No workloads means those that the device is usually measured with; the same of competitors."""

    device: str = "auto"
    workloads: tuple[str, ...] = ()
    competitors: tuple[str, ...] = ()
    protocol: Protocol = field(default_factory=Protocol)
    why_stop: WhyStop = never  # asked before every work
    copy_count: int | None = None  # elements of the plain copies


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended: `left_out` says in words what was not measured and why, empty when all was."""

    left_out: str = ""
    exit_code: ExitCode = ExitCode.OK


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured, on which kind of device, and over how many bytes each work rotated."""

    device: str
    cases: tuple[Case, ...]
    cold_bytes: int
    versions: dict[str, str]
    end: End = field(default_factory=End)


def run(request: Request, say: Say) -> Run:
    """Measure what is asked for; `say` hears of every work as it ends.

    Raises:
        UsageError: a workload or a competitor that does not exist.
        UnfitError: a GPU is asked for and there is none.
    """
    device = device_of(request.device)
    workloads = [workload_of(name) for name in request.workloads or _DEFAULTS[device.type]]
    competitors = choose(request.competitors)
    copies = copies_of(request.copy_count or _COPY_COUNTS[device.type])
    works = (*copies, *works_of(workloads), *copies)  # twice: the device may be another by then
    protocol = protocol_for(request.protocol, device)
    cases, end = measure_all(works, competitors, device, protocol, say, why_stop=request.why_stop)
    return Run(device.type, cases, protocol.cold_bytes, versions(), end)


def measure_all(
    works: Sequence[Work],
    competitors: Sequence[Competitor],
    device: torch.device,
    protocol: Protocol,
    say: Say,
    *,
    why_stop: WhyStop = never,
    has_earlier: bool = False,
) -> tuple[tuple[Case, ...], End]:
    """Measure every work in order, and return how that ended.

    Memory of one work is free again before the next begins. None is begun once there is a reason to stop; an error
    that is no competitor's ends the run with the works that were done, if there are any, or cases from before.
    """
    stopwatch = open_stopwatch(device)
    cases: list[Case] = []
    for done, work in enumerate(works):
        left = f"{len(works) - done} of {len(works)} works were not measured: "
        is_worth_keeping = bool(cases) or has_earlier
        if is_worth_keeping and (why := why_stop()):
            return tuple(cases), End(left + why)
        try:
            found = measure(work, competitors, device, stopwatch, protocol)
            if device.type == "cuda":
                torch.cuda.empty_cache()
        except KeyboardInterrupt:  # the second Ctrl-C, which does not wait for the work under way
            if not is_worth_keeping:
                raise
            return tuple(cases), End(left + "interrupted", ExitCode.INTERRUPTED)
        except Exception as error:  # a device that is lost, say: what was measured before is still right
            if not is_worth_keeping:
                raise
            return tuple(cases), End(f"{left}{type(error).__name__}: {error}", ExitCode.UNFIT)
        cases += found
        timed = sum(case.times is not None for case in found)
        kinds = f"{work.direction} {work.tensor_dtype} and {work.bucket_dtype}{', scaled' if work.is_scaled else ''}"
        say(f"{work.workload.name}: {kinds}: {timed} of {len(found)} timed")
    return tuple(cases), End()


def all_competitors() -> tuple[Competitor, ...]:
    """Return every competitor there is, ours first; each refuses what it cannot do here."""
    return (Ours(), *torch_peers(), *cuda_peers())


def choose(names: Sequence[str]) -> tuple[Competitor, ...]:
    """Return the competitors of these names, all of them when there are none; ours is always among them.

    Raises:
        UsageError: there is none of a name.
    """
    known = {each.name: each for each in all_competitors()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"no competitor {', '.join(map(repr, unknown))}; choose some of {', '.join(known)}")
    return tuple(each for name, each in known.items() if not names or name in {OURS, *names})


def device_of(name: str) -> torch.device:
    """Return torch's device for auto, cpu or cuda.

    Raises:
        UnfitError: there is no GPU.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UnfitError("torch finds no CUDA GPU on this host, so its kernel cannot be measured; try --device cpu")
    return torch.device("cuda", torch.cuda.current_device())


def protocol_for(protocol: Protocol, device: torch.device) -> Protocol:
    """Return the protocol with what a device can bear."""
    cold_bytes = min(protocol.cold_bytes, _MOST_COLD_BYTES[device.type])
    return Protocol(protocol.rounds, protocol.iterations, cold_bytes)


def versions() -> dict[str, str]:
    """Return the versions of torch, of its CUDA and of the CuPy that this process loaded, by the store's columns."""
    cupy = sys.modules.get("cupy")
    return {
        "torch_version": torch.__version__,
        "cuda_version": torch.version.cuda or "",
        "cupy_version": getattr(cupy, "__version__", ""),
    }
