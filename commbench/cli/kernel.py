"""`commbench kernel`: the fused bucket kernel beside its peers."""

import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

import click

from commbench.cli.button import InterruptButton
from commbench.cli.options import split_names, store_option
from commbench.errors import ExitCode

if TYPE_CHECKING:
    from commbench.bucketing.bench.run import Run


@click.command(name="kernel")
@store_option
@click.option("--device", default="auto", show_default=True, type=click.Choice(("auto", "cpu", "cuda")))
@click.option("--workloads", default="", help="Tensor lists, such as gpt2,ddp_25mib.")
@click.option("--competitors", default="", help="Peers to measure beside commbench, such as torch_cat [all].")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1), help="Blocks that take turns.")
@click.option("--iterations", default=12, show_default=True, type=click.IntRange(min=1), help="Calls of a block.")
@click.option("--cold-size", default="512MiB", show_default=True, help="Distinct memory to rotate over.")
@click.option("--time-limit", type=click.FloatRange(min=1), help="Seconds after which nothing more is begun.")
@click.option("--tune", is_flag=True, help="Try all builds of the kernel instead: needs a GPU, takes minutes.")
@click.option("--purpose", default="adhoc", show_default=True, help="Why this is measured.")
def command(
    *,
    store: str,
    device: str,
    workloads: str,
    competitors: str,
    rounds: int,
    iterations: int,
    cold_size: str,
    time_limit: float | None,
    tune: bool,
    purpose: str,
) -> ExitCode:
    """Measure the fused bucket kernel and its peers, on this machine's GPU or else on its CPU, and store every case.

    Results are checked first: a wrong competitor is shown as wrong and not timed. Exits with 1 when ours is wrong.
    Ctrl-C finishes the work under way and stores what there is.
    """
    from commbench.bucketing.bench.work import workload
    from commbench.units import parse_size

    cold_bytes = parse_size(cold_size)
    # A slip of the pen is told before torch loads.
    names = tuple(workload(name).name for name in split_names(workloads))
    from commbench.bucketing.bench.measure import Protocol
    from commbench.bucketing.bench.run import Request
    from commbench.bucketing.bench.run import run as run_bench
    from commbench.bucketing.bench.tune import ranked
    from commbench.bucketing.bench.tune import tune as run_tuning
    from commbench.cli.kernel_rows import kernel_view
    from commbench.cli.publishing import open_for_writing

    opened = open_for_writing(store, create=True)  # a bad store fails before anything is measured
    with InterruptButton("the work under way", raises=True) as button:
        why_stop = _reasons(button, time_limit)
        if tune:
            done = run_tuning(device, _say, why_stop)
        else:
            protocol = Protocol(rounds, iterations, cold_bytes)
            done = run_bench(Request(device, names, split_names(competitors), protocol, why_stop), _say)
    run_id = _store(opened, done, purpose)
    if tune:
        for choice in ranked(done.cases):
            click.echo(f"{choice.time_ratio:.3f} of the default's time: {choice.tuning or 'the default'}")
    else:
        click.echo(kernel_view(opened.kernel(run_id)), nl=False)
    click.echo(f"kernel run {run_id} is stored; look at it with: commbench show --kernel {run_id}", err=True)
    if done.end.left_out:
        click.echo(f"commbench: {done.end.left_out}", err=True)
    is_interrupted = button.presses and done.end.left_out
    return _verdict(done) or done.end.exit_code or (ExitCode.INTERRUPTED if is_interrupted else ExitCode.OK)


def _reasons(button: InterruptButton, time_limit: float | None) -> Callable[[], str]:
    """Return what says why to stop: Ctrl-C, or a time that is up."""
    deadline = time.monotonic() + (time_limit or inf)

    def why_stop() -> str:
        if button.presses:
            return "interrupted"
        return "the time was up" if time.monotonic() > deadline else ""

    return why_stop


def _say(words: str) -> None:
    click.echo(words, err=True)


def _store(opened: Any, done: "Run", purpose: str) -> str:
    from commbench import __version__
    from commbench.bucketing.bench.rows import Surroundings, rows
    from commbench.environment.commit import commit
    from commbench.environment.host import host_facts
    from commbench.launch.session import new_run_id

    host = host_facts()
    model = host.gpus[0] if done.device == "cuda" and host.gpus else host.cpu_model or "unknown CPU"
    about = Surroundings(
        run_id=new_run_id(),
        host=host.hostname,
        gpu=model,
        device=done.device,
        purpose=purpose,
        driver_version=host.driver_version,
        commbench_version=__version__,
        commbench_commit=commit(),
        **done.versions,
    )
    opened.append_rows("kernel", rows(done.cases, about, done.cold_bytes), about.run_id, done.cases[0].started_at_ns)
    return about.run_id


def _verdict(done: "Run") -> ExitCode:
    """Return the exit code: ours must be right and must not fail; what others do is their own affair."""
    ours = {str(case.status) for case in done.cases if case.competitor == "commbench" and not case.tuning}
    if "wrong_result" in ours:
        return ExitCode.GATE
    return ExitCode.UNFIT if "error" in ours else ExitCode.OK
