"""Where Whisper computes, on machines with and without CUDA."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from interject.servers.stt.engines.device import place
from interject.servers.stt.errors import DeviceError
from interject.servers.stt.settings import Device


@dataclass
class Machine:
    """What CTranslate2 says of a machine; where `fails` is set, that is what it raises when asked for types."""

    devices: int = 0
    types: tuple[str, ...] = ()
    fails: Exception | None = None

    def get_cuda_device_count(self) -> int:
        return self.devices

    def get_supported_compute_types(self, device: str) -> tuple[str, ...]:
        if self.fails is not None:
            raise self.fails
        return self.types


RAW = "CUDA failed with error CUDA driver version is insufficient for CUDA runtime version"
WITH_GPU = Machine(1, ("float32", "int8", "float16", "int8_float16"))
OLD_GPU = Machine(1, ("float32", "int8_float32", "int8"))
BUILT_WITHOUT = Machine(fails=ValueError("This CTranslate2 package was not compiled with CUDA support"))
NO_DRIVER = Machine(fails=RuntimeError(RAW))
NO_DEVICE = Machine(0, ("float32",))
OLD_DRIVER = Machine(1, fails=RuntimeError(RAW))


@pytest.mark.parametrize(
    ("machine", "wanted", "asked_type", "device", "compute_type"),
    [
        (WITH_GPU, Device.AUTO, "auto", Device.CUDA, "int8_float16"),
        (WITH_GPU, Device.CUDA, "float32", Device.CUDA, "float32"),
        (OLD_GPU, Device.CUDA, "auto", Device.CUDA, "int8_float32"),
        (WITH_GPU, Device.CPU, "auto", Device.CPU, "int8"),
        (BUILT_WITHOUT, Device.AUTO, "auto", Device.CPU, "int8"),
        (NO_DRIVER, Device.AUTO, "float32", Device.CPU, "float32"),
        (OLD_DRIVER, Device.AUTO, "auto", Device.CPU, "int8"),
    ],
)
def test_cuda_is_taken_where_it_works(
    machine: Machine, wanted: Device, asked_type: str, device: Device, compute_type: str
) -> None:
    placement = place(wanted, asked_type, machine)
    assert (placement.device, placement.compute_type) == (device, compute_type)
    assert compute_type in placement.told


@pytest.mark.parametrize(
    ("machine", "why"),
    [
        (BUILT_WITHOUT, "built without CUDA, as PyPI's for ARM is; install a build with CUDA"),
        (NO_DRIVER, "no CUDA device, or no driver for it; check that nvidia-smi lists one"),
        (NO_DEVICE, "no CUDA device"),
        (OLD_DRIVER, "CUDA does not work: CUDA failed with error CUDA driver version is insufficient"),
    ],
)
def test_cuda_that_cannot_be_had_is_told_with_the_remedy(machine: Machine, why: str) -> None:
    with pytest.raises(DeviceError, match=f"--device cuda: .*{why}.*--device cpu"):
        place(Device.CUDA, "auto", machine)
    assert why.partition(";")[0] in place(Device.AUTO, "auto", machine).told
