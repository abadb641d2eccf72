"""Where CTranslate2 computes: on a CUDA device or the CPU, and with which numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from interject.servers.stt.errors import DeviceError
from interject.servers.stt.settings import Device

if TYPE_CHECKING:
    from collections.abc import Collection

_AUTO = "auto"
_CUDA = Device.CUDA.value
# The quicker, and the smaller in the memory of the device, first: not every device has them all.
_CUDA_TYPES = ("int8_float16", "float16", "int8_float32", "int8")


class Library(Protocol):
    """What is asked of CTranslate2."""

    def get_cuda_device_count(self) -> int:
        """Return how many CUDA devices there are, 0 also where the package was built without CUDA."""

    def get_supported_compute_types(self, device: str) -> Collection[str]:
        """Return the types that a device computes with; raises ValueError without CUDA, RuntimeError where it fails."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What computes, with which type of numbers; `told` says so to people."""

    device: Device
    compute_type: str
    told: str


def place(wanted: Device, compute_type: str, library: Library) -> Placement:
    """Choose; raises DeviceError where CUDA is wanted and cannot be had."""
    if wanted is Device.CPU:
        return on_cpu(compute_type, "as --device says")
    try:
        types = _cuda_types(library)
    except DeviceError as error:
        if wanted is Device.CUDA:
            raise
        return on_cpu(compute_type, error.reason)
    chosen = next((name for name in _CUDA_TYPES if name in types), "default") if compute_type == _AUTO else compute_type
    return Placement(Device.CUDA, chosen, f"device: CUDA, {chosen}")


def on_cpu(compute_type: str, reason: str) -> Placement:
    """Compute on the CPU; `auto` is what it is quickest with, as most models hold halves of floats."""
    chosen = "int8" if compute_type == _AUTO else compute_type
    return Placement(Device.CPU, chosen, f"device: the CPU, {chosen} ({reason})")


def _cuda_types(library: Library) -> Collection[str]:
    try:
        types = library.get_supported_compute_types(_CUDA)
    except ValueError:
        reason = "the CTranslate2 that is installed was built without CUDA, as PyPI's for ARM is"
        raise DeviceError(reason, "install a build with CUDA (docs/engines.md)") from None
    except RuntimeError as error:
        if library.get_cuda_device_count():
            raise DeviceError(f"CUDA does not work: {error}", "check the driver with nvidia-smi") from None
        types = ()
    if not library.get_cuda_device_count():
        remedy = "check that nvidia-smi lists one, and in a container that it is handed in"
        raise DeviceError("there is no CUDA device, or no driver for it", remedy)
    return types
