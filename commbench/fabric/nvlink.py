"""NVLink through NVML, NVIDIA's management library. The package nvidia-ml-py (extra `gpu`) brings `pynvml`."""

import os
from ctypes import byref
from importlib import import_module
from typing import Any

from commbench.fabric.devices import Gpu

_MBYTE_PER_GBYTE = 1000

# Source: nvml.h, NVML_GPU_FABRIC_STATE_*; links train in hardware, so active links do not mean that the fabric is up.
_FABRIC_STATES = {0: "not supported", 1: "not started", 2: "in progress", 3: "completed"}


def nvml_gpus(nvml: Any = None) -> tuple[tuple[Gpu, ...], str]:
    """Return the GPUs that NVML shows, and why there are none; the reason is empty where there simply is no GPU.

    `nvml` is the module to use, `pynvml` when not given.
    """
    if nvml is None:
        try:
            nvml = import_module("pynvml")
        except ImportError:
            there = os.path.exists("/dev/nvidiactl")  # noqa: PTH110 - one existence test is no path work
            return (), "nvidia-ml-py is not installed: pip install 'commbench[gpu]'" if there else ""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return (), "" if _is_absent(nvml, error) else f"NVML does not answer: {error}"
    try:
        return tuple(_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())), ""
    except nvml.NVMLError as error:
        return (), f"NVML does not answer: {error}"
    finally:
        nvml.nvmlShutdown()


def _is_absent(nvml: Any, error: Any) -> bool:
    return getattr(error, "value", None) in {nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED}


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    states = _link_states(nvml, handle)
    state, status = _fabric(nvml, handle)
    return Gpu(
        index=index,
        name=_words(nvml.nvmlDeviceGetName(handle)),
        pci_address=_pci_address(_words(nvml.nvmlDeviceGetPciInfo(handle).busId)),
        links=len(states),
        links_active=sum(states),
        link_rate_gb_s=_rate(nvml, handle, states),
        fabric_state=state,
        fabric_status=status,
    )


def _link_states(nvml: Any, handle: Any) -> list[bool]:
    """Return whether each link that the GPU has is up; empty on a GPU without NVLink."""
    states = []
    for link in range(nvml.NVML_NVLINK_MAX_LINKS):
        try:
            states.append(nvml.nvmlDeviceGetNvLinkState(handle, link) == nvml.NVML_FEATURE_ENABLED)
        except nvml.NVMLError:
            break  # links are numbered from 0: the first that is refused ends the list
    return states


def _rate(nvml: Any, handle: Any, states: list[bool]) -> float | None:
    """Return GB/s of the first active link."""
    if not any(states):
        return None
    try:
        (value,) = nvml.nvmlDeviceGetFieldValues(handle, [(nvml.NVML_FI_DEV_NVLINK_GET_SPEED, states.index(True))])
    except nvml.NVMLError:
        return None
    return value.value.uiVal / _MBYTE_PER_GBYTE if value.nvmlReturn == nvml.NVML_SUCCESS else None


def _fabric(nvml: Any, handle: Any) -> tuple[str, str]:
    try:
        info = nvml.c_nvmlGpuFabricInfo_t()
        nvml.nvmlDeviceGetGpuFabricInfo(handle, byref(info))
    except (nvml.NVMLError, AttributeError):
        return "", ""  # an old driver or an old library
    state = _FABRIC_STATES.get(info.state, f"state {info.state}")
    if state == "not supported":
        return "", ""
    return state, "success" if info.status == nvml.NVML_SUCCESS else f"error {info.status}"


def _pci_address(bus_id: str) -> str:
    """Return NVML's `00000000:8F:00.0` as sysfs writes it."""
    domain, _, rest = bus_id.lower().partition(":")
    return f"{domain[-4:]}:{rest}" if rest else ""


def _words(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
