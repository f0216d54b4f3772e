import pytest

from commbench.fabric.nvlink import nvml_gpus

from .fake_nvml import FakeNvml


def test_links_rate_and_place_of_every_gpu_are_read() -> None:
    nvml = FakeNvml([[True] * 18, [True] * 17 + [False]], fabric=(3, 0))
    gpus, note = nvml_gpus(nvml)
    assert note == ""
    assert [(gpu.links, gpu.links_active, gpu.link_rate_gb_s) for gpu in gpus] == [(18, 18, 26.562), (18, 17, 26.562)]
    assert (gpus[0].pci_address, gpus[0].name) == ("0000:8f:00.0", "NVIDIA H100 80GB HBM3")
    assert (gpus[0].fabric_state, gpus[0].fabric_status) == ("completed", "success")
    assert not nvml.is_open


def test_links_that_are_up_do_not_mean_that_the_fabric_is() -> None:
    ((gpu,), _) = nvml_gpus(FakeNvml([[True] * 18], fabric=(2, 0)))
    assert (gpu.links_active, gpu.fabric_state) == (18, "in progress")
    ((gpu,), _) = nvml_gpus(FakeNvml([[True] * 18], fabric=(3, 999)))
    assert (gpu.fabric_state, gpu.fabric_status) == ("completed", "error 999")


def test_a_gpu_without_nvlink_or_fabric_says_nothing_about_them() -> None:
    ((gpu,), _) = nvml_gpus(FakeNvml([[]]))
    assert (gpu.links, gpu.link_rate_gb_s, gpu.fabric_state) == (0, None, "")


@pytest.mark.parametrize(("error", "note"), [(12, ""), (9, ""), (999, "NVML does not answer: error 999")])
def test_no_driver_is_no_gpu_but_a_driver_in_trouble_is_told(error: int, note: str) -> None:
    assert nvml_gpus(FakeNvml([[True]], init_error=error)) == ((), note)


def test_the_names_used_are_those_of_the_real_library() -> None:
    pynvml = pytest.importorskip("pynvml", reason="nvidia-ml-py (extra gpu) is not installed")
    assert not [
        name for name in vars(FakeNvml) if name.startswith(("nvml", "NVML", "c_")) and not hasattr(pynvml, name)
    ]
