"""What can go wrong with a microphone or a loudspeaker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class DeviceError(InterjectError):
    """A device could not be opened, or stopped working."""


class DeviceMissingError(DeviceError):
    """There is no such device; `available` names what there is."""

    def __init__(self, name: str, available: Sequence[str]) -> None:
        there_is = ", ".join(available) if available else "no sound device at all"
        super().__init__(f"there is no {name}; available: {there_is}")
        self.name = name
        self.available = tuple(available)


class DeviceBusyError(DeviceError):
    """The device exists and something else holds it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be opened, probably because another program holds it: {reason}")
        self.name = name
        self.reason = reason


class DeviceStalledError(DeviceError):
    """The device is open and its audio does not move."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"{name} stalled: no audio moved for {seconds:g} s")
        self.name = name
        self.seconds = seconds


class DeviceLostError(DeviceError):
    """The device worked and went away."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} went away: {reason}")
        self.name = name
        self.reason = reason


class DeviceFormatError(DeviceError):
    """The device cannot run with the rate, width or channels that are asked of it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class DeviceSetupError(DeviceError):
    """This machine, or this installation, lacks something that the device needs."""

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(f"{name} cannot be used: {reason}; {remedy}")
        self.name = name
        self.reason = reason
        self.remedy = remedy


class RoomScriptError(DeviceError):
    """A script for the simulated room, or one of its clips, cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
