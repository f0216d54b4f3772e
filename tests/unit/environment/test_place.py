import pytest

from commbench.environment.place import Place, find_place
from commbench.errors import UsageError

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "node-7",
    "MASTER_PORT": "29500",
}
OPENMPI = {
    "OMPI_COMM_WORLD_RANK": "2",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_RANK": "2",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
    "PMIX_NAMESPACE": "prterun-node-a-4711@1",
}
PMI = {"PMI_RANK": "3", "PMI_SIZE": "4", "MPI_LOCALRANKID": "3", "MPI_LOCALNRANKS": "4"}
SLURM = {
    "SLURM_PROCID": "6",
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_LOCALID": "0",
    "SLURM_JOB_ID": "1234",
    "SLURM_STEP_ID": "1",
    "SLURM_STEP_NODELIST": "cbh[3-4,9]",
    "SLURM_JOB_NODELIST": "cbh[0-9]",
}


def found(environ: dict[str, str]) -> Place:
    place = find_place(environ)
    assert place is not None
    return place


def test_without_a_launcher_there_is_no_place() -> None:
    assert find_place({}) is None
    assert find_place({"RANK": "0"}) is None  # half of a launcher is none


def test_in_a_slurm_allocation_but_outside_srun_there_is_no_place() -> None:
    batch = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "1"}
    assert find_place(batch) is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (TORCHRUN, ("torchrun", 5, 8, 1, "node-7")),
        (OPENMPI, ("openmpi", 2, 4, 2, "127.0.0.1")),
        (PMI, ("pmi", 3, 4, 3, "127.0.0.1")),
        (SLURM, ("slurm", 6, 8, 0, "cbh3")),
    ],
    ids=["torchrun", "openmpi", "pmi", "slurm"],
)
def test_each_launchers_own_names_are_read(environ: dict[str, str], expected: tuple[str, int, int, int, str]) -> None:
    place = found(environ)
    assert (place.launcher, place.rank, place.world_size, place.local_rank, place.master_addr) == expected
    assert 1024 < place.master_port < 65_536


def test_the_innermost_launcher_wins() -> None:
    assert found(SLURM | PMI | OPENMPI | TORCHRUN).launcher == "torchrun"
    assert found(SLURM | PMI | OPENMPI).launcher == "openmpi"
    assert found(SLURM | PMI).launcher == "pmi"


def test_mpirun_in_an_allocation_meets_on_the_allocations_first_host() -> None:
    environ = OPENMPI | {"OMPI_COMM_WORLD_LOCAL_SIZE": "2", "SLURM_JOB_NODELIST": "cbh[5-6]"}
    assert found(environ).master_addr == "cbh5"


@pytest.mark.parametrize(
    ("environ", "local_size"), [(OPENMPI, "OMPI_COMM_WORLD_LOCAL_SIZE"), (PMI, "MPI_LOCALNRANKS")], ids=["ompi", "pmi"]
)
def test_on_several_hosts_without_an_address_the_remedy_is_named(environ: dict[str, str], local_size: str) -> None:
    with pytest.raises(UsageError, match=r"started ranks on several hosts .* export MASTER_ADDR"):
        find_place(environ | {local_size: "2"})
    assert found(environ | {local_size: "2", "MASTER_ADDR": "node-1"}).master_addr == "node-1"


@pytest.mark.parametrize(
    ("nodelist", "first"),
    [
        ("node1", "node1"),
        ("node-a,node-b", "node-a"),
        ("cbh[0-3,7],x9", "cbh0"),
        ("n[7,9]", "n7"),
        ("node[001-128]", "node001"),
        ("x9,cbh[0-3]", "x9"),
        ("rack[2-3]n[05,07]", "rack2n05"),
        ("gpu[12].cluster.example", "gpu12.cluster.example"),
    ],
)
def test_the_first_host_of_a_slurm_nodelist_is_where_ranks_meet(nodelist: str, first: str) -> None:
    assert found(SLURM | {"SLURM_STEP_NODELIST": nodelist}).master_addr == first


@pytest.mark.parametrize(
    ("environ", "rank", "local_rank"),
    [
        (OPENMPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"),
        (PMI, "PMI_RANK", "MPI_LOCALRANKID"),
        (SLURM, "SLURM_PROCID", "SLURM_LOCALID"),
    ],
    ids=["openmpi", "pmi", "slurm"],
)
def test_all_ranks_of_a_job_choose_the_same_port(environ: dict[str, str], rank: str, local_rank: str) -> None:
    ports = {found(environ | {rank: str(n), local_rank: str(n % 2)}).master_port for n in range(4)}
    assert len(ports) == 1


@pytest.mark.parametrize(
    ("environ", "other"),
    [
        (SLURM, {"SLURM_JOB_ID": "1235"}),
        (SLURM, {"SLURM_STEP_ID": "2"}),
        (OPENMPI, {"PMIX_NAMESPACE": "prterun-node-a-4712@1"}),
        ({**OPENMPI, "PMIX_NAMESPACE": "4711"}, {"PMIX_NAMESPACE": "4712"}),
    ],
    ids=["slurm job", "slurm step", "openmpi 5", "openmpi 4"],
)
def test_another_job_on_the_same_host_chooses_another_port(environ: dict[str, str], other: dict[str, str]) -> None:
    assert found(environ).master_port != found(environ | other).master_port


def test_a_given_port_is_taken() -> None:
    assert found(SLURM | {"MASTER_PORT": "31000"}).master_port == 31_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"RANK": "one"},
        {"WORLD_SIZE": ""},
        {"LOCAL_RANK": "x"},
        {"MASTER_PORT": "http"},
        {"RANK": "8"},
        {"RANK": "-1"},
        {"WORLD_SIZE": "0"},
    ],
    ids=str,
)
def test_variables_that_make_no_sense_are_a_message_that_names_them(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        find_place(TORCHRUN | wrong)


def test_a_place_speaks_torchs_names() -> None:
    place = found(TORCHRUN)
    assert place.as_variables() == TORCHRUN
    assert found(place.as_variables()) == place
