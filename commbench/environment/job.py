"""Which job of a cluster's scheduler this process is part of."""

from collections.abc import Mapping
from dataclasses import dataclass

# scheduler, then the variable that names the job. Names: sbatch(1), qsub(1B), LSF's bsub, flux-submit(1).
_NAMES = (
    ("slurm", "SLURM_JOB_ID"),
    ("pbs", "PBS_JOBID"),
    ("lsf", "LSB_JOBID"),
    ("flux", "FLUX_JOB_ID"),
)
# Kubernetes sets this in every pod, and the pod's name as the hostname: its Service and Pod documentation.
_IN_A_POD, _POD = "KUBERNETES_SERVICE_HOST", "HOSTNAME"


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduler and its name for the job; both are empty outside of any."""

    scheduler: str = ""
    job_id: str = ""


def find_job(environ: Mapping[str, str]) -> Job:
    """Return the job; a scheduler that runs inside a pod, as Slurm may, is named before Kubernetes."""
    for scheduler, variable in _NAMES:
        if environ.get(variable):
            return Job(scheduler, environ[variable])
    return Job("kubernetes", environ.get(_POD, "")) if _IN_A_POD in environ else Job()
