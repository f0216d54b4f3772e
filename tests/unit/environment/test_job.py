import pytest

from commbench.environment.job import Job, find_job


@pytest.mark.parametrize(
    ("environ", "job"),
    [
        ({}, Job("", "")),
        ({"SLURM_JOB_ID": "4711"}, Job("slurm", "4711")),
        ({"PBS_JOBID": "12.head"}, Job("pbs", "12.head")),
        ({"LSB_JOBID": "5"}, Job("lsf", "5")),
        ({"FLUX_JOB_ID": "f2s"}, Job("flux", "f2s")),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "sweep-0"}, Job("kubernetes", "sweep-0")),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "SLURM_JOB_ID": "1"}, Job("slurm", "1")),
        ({"SLURM_JOB_ID": "", "HOSTNAME": "login"}, Job("", "")),
    ],
)
def test_the_scheduler_and_its_job_are_named(environ: dict[str, str], job: Job) -> None:
    assert find_job(environ) == job
