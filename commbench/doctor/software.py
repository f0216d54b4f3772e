"""Which libraries would be measured, and what is set that steers them."""

from importlib.metadata import PackageNotFoundError, distributions, version

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host
from commbench.environment.variables import allowed_variables, conf_files

_STEERING = ("NCCL_", "GLOO_")
_NCCL_PACKAGE = "nvidia-nccl-cu"


class Libraries:
    """Read from the packages' metadata: importing torch takes seconds."""

    name = "libraries"

    def look(self, host: Host) -> Finding | None:
        try:
            torch = version("torch")
        except PackageNotFoundError:
            return Finding(
                self.name, Level.FAIL, "torch is not installed", "nothing can be measured", "pip install commbench"
            )
        nccl = sorted(
            f"NCCL {package.version}" for package in distributions() if package.name.startswith(_NCCL_PACKAGE)
        )
        if nccl or not host.gpus:
            return Finding(self.name, Level.OK, f"torch {torch}, {', '.join(nccl) or 'no NCCL package: gloo only'}")
        return Finding(
            self.name,
            Level.WARN,
            f"torch {torch} without an NCCL package, on a host with {len(host.gpus)} GPUs",
            "only gloo may be measurable, unless this torch was built with an NCCL of its own",
            'python -c "import torch; print(torch.cuda.nccl.version())"; if that fails, install a CUDA build of torch',
        )


class Variables:
    """A variable left over from another experiment decides about this one."""

    name = "variables"

    def look(self, host: Host) -> Finding | None:
        found = [f"{name}={value}" for name, value in allowed_variables(host.environ).items() if _steers(name)]
        found += [f"settings in {path}" for path, text in conf_files(host.environ).items() if text.strip()]
        if not found:
            return Finding(self.name, Level.OK, "no NCCL or gloo settings in the environment or in conf files")
        names = " ".join(name for name in allowed_variables(host.environ) if _steers(name))
        return Finding(
            self.name,
            Level.WARN,
            ", ".join(found),
            "they choose algorithms, protocols and interfaces of every point, and runs without them differ",
            f"unset {names}, or keep them on purpose: every run records them" if names else "empty the conf files",
        )


def _steers(name: str) -> bool:
    return name.startswith(_STEERING)
