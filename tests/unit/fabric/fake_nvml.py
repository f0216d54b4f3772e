"""NVML as pynvml speaks it, for GPUs that a test describes."""

import ctypes
from types import SimpleNamespace
from typing import Any


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(f"error {value}")
        self.value = value


class FabricInfo(ctypes.Structure):
    _fields_ = [("status", ctypes.c_uint), ("state", ctypes.c_uint)]


class FakeNvml:
    """`gpus` holds the state of each link of each GPU; `fabric` is (state, status) of all."""

    NVMLError = NVMLError
    NVML_NVLINK_MAX_LINKS, NVML_FEATURE_ENABLED, NVML_SUCCESS = 36, 1, 0
    NVML_ERROR_DRIVER_NOT_LOADED, NVML_ERROR_LIBRARY_NOT_FOUND, NVML_FI_DEV_NVLINK_GET_SPEED = 9, 12, 164
    c_nvmlGpuFabricInfo_t = FabricInfo  # noqa: N815 - pynvml's name

    def __init__(self, gpus: list[list[bool]], fabric: tuple[int, int] = (0, 0), init_error: int = 0) -> None:
        self.gpus, self.fabric, self.init_error, self.is_open = gpus, fabric, init_error, False

    def nvmlInit(self) -> None:
        if self.init_error:
            raise NVMLError(self.init_error)
        self.is_open = True

    def nvmlShutdown(self) -> None:
        self.is_open = False

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> bytes:
        return b"NVIDIA H100 80GB HBM3"

    def nvmlDeviceGetPciInfo(self, handle: int) -> Any:
        return SimpleNamespace(busId=f"00000000:{0x8F + handle:02X}:00.0")

    def nvmlDeviceGetNvLinkState(self, handle: int, link: int) -> int:
        if link >= len(self.gpus[handle]):
            raise NVMLError(3)
        return int(self.gpus[handle][link])

    def nvmlDeviceGetFieldValues(self, handle: int, fields: list[tuple[int, int]]) -> list[Any]:
        return [SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=26562)) for _ in fields]

    def nvmlDeviceGetGpuFabricInfo(self, handle: int, reference: Any) -> None:
        reference._obj.state, reference._obj.status = self.fabric
