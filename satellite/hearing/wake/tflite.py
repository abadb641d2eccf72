"""Is this file a model that an engine can run? Their libraries crash on those that are not."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

from satellite.hearing.wake.errors import WakeModelError

if TYPE_CHECKING:
    from types import ModuleType


def library_of(package: ModuleType) -> Path:
    """Return the TensorFlow Lite library in an engine's wheel; FileNotFoundError if it has none."""
    folder = Path(str(package.__file__)).parent / "lib"
    for path in folder.glob("*tensorflowlite_c.*"):
        return path
    raise FileNotFoundError(folder)


def check_model(path: Path, library: Path, features: int) -> None:
    """Make sure that a model loads and takes windows of so many features; raises WakeModelError."""
    lib = ctypes.CDLL(str(library))
    for function in (lib.TfLiteModelCreateFromFile, lib.TfLiteInterpreterCreate, lib.TfLiteInterpreterGetInputTensor):
        function.restype = ctypes.c_void_p
    lib.TfLiteModelCreateFromFile.argtypes = [ctypes.c_char_p]
    lib.TfLiteModelDelete.argtypes = [ctypes.c_void_p]
    model = lib.TfLiteModelCreateFromFile(str(path).encode())
    if not model:
        raise WakeModelError(path, "is no TensorFlow Lite model, or is damaged")
    try:
        _check_interpreter(path, lib, model, features)
    finally:
        lib.TfLiteModelDelete(model)


def _check_interpreter(path: Path, lib: ctypes.CDLL, model: int, features: int) -> None:
    lib.TfLiteInterpreterCreate.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    lib.TfLiteInterpreterDelete.argtypes = [ctypes.c_void_p]
    lib.TfLiteInterpreterAllocateTensors.argtypes = [ctypes.c_void_p]
    interpreter = lib.TfLiteInterpreterCreate(model, None)
    if not interpreter:
        raise WakeModelError(path, "has operations that this TensorFlow Lite does not know")
    try:
        if lib.TfLiteInterpreterAllocateTensors(interpreter):
            raise WakeModelError(path, "is damaged")
        shape = _input_shape(lib, interpreter)
    finally:
        lib.TfLiteInterpreterDelete(interpreter)
    if len(shape) != _INPUT_DIMENSIONS or shape[2] != features:
        raise WakeModelError(
            path, f"takes input of the shape {shape}, not [1, n, {features}]: it is for another engine"
        )


_INPUT_DIMENSIONS = 3


def _input_shape(lib: ctypes.CDLL, interpreter: int) -> list[int]:
    lib.TfLiteInterpreterGetInputTensor.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    lib.TfLiteTensorNumDims.argtypes = [ctypes.c_void_p]
    lib.TfLiteTensorDim.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    tensor = lib.TfLiteInterpreterGetInputTensor(interpreter, 0)
    return [lib.TfLiteTensorDim(tensor, at) for at in range(lib.TfLiteTensorNumDims(tensor))]
