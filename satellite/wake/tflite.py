"""Is this file a model that an engine can run? Their libraries crash on those that are not."""

from __future__ import annotations

import ctypes
from enum import Enum
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from interject.satellite.wake.base import WakeModelError

if TYPE_CHECKING:
    from types import ModuleType

# Batch, time, features.
_INPUT_DIMENSIONS = 3


class Numbers(Enum):
    """What a model calculates with: the TfLiteType values of TensorFlow Lite's c_api_types.h."""

    FLOAT = frozenset({1})
    QUANTIZED = frozenset({3, 9})


def library_of(package: ModuleType) -> Path:
    """Return the TensorFlow Lite library in an engine's wheel; ImportError if it has none."""
    folder = Path(str(package.__file__)).parent / "lib"
    for path in folder.glob("*tensorflowlite_c.*"):
        return path
    raise ImportError(f"no TensorFlow Lite in {folder}")


def check_model(path: Path, library: Path, features: int, numbers: Numbers) -> None:
    """Make sure that a model takes windows of so many features and gives one probability; raises WakeModelError."""
    if not path.is_file():
        raise WakeModelError(path, "does not exist")
    lib = _load(library)
    model = lib.TfLiteModelCreateFromFile(str(path).encode())
    if not model:
        raise WakeModelError(path, "is no TensorFlow Lite model, or is damaged")
    try:
        _check_interpreter(path, lib, model, features, numbers)
    finally:
        lib.TfLiteModelDelete(model)


def _load(library: Path) -> ctypes.CDLL:
    # ctypes takes a pointer for an int of 32 bits unless it is told.
    lib = ctypes.CDLL(str(library))
    pointer, index = ctypes.c_void_p, ctypes.c_int32
    for function, result, arguments in (
        (lib.TfLiteModelCreateFromFile, pointer, (ctypes.c_char_p,)),
        (lib.TfLiteModelDelete, None, (pointer,)),
        (lib.TfLiteInterpreterCreate, pointer, (pointer, pointer)),
        (lib.TfLiteInterpreterDelete, None, (pointer,)),
        (lib.TfLiteInterpreterAllocateTensors, ctypes.c_int, (pointer,)),
        (lib.TfLiteInterpreterGetInputTensor, pointer, (pointer, index)),
        (lib.TfLiteInterpreterGetOutputTensor, pointer, (pointer, index)),
        (lib.TfLiteTensorNumDims, index, (pointer,)),
        (lib.TfLiteTensorDim, index, (pointer, index)),
        (lib.TfLiteTensorType, ctypes.c_int, (pointer,)),
    ):
        function.restype, function.argtypes = result, arguments
    return lib


def _check_interpreter(path: Path, lib: ctypes.CDLL, model: int, features: int, numbers: Numbers) -> None:
    interpreter = lib.TfLiteInterpreterCreate(model, None)
    if not interpreter:
        raise WakeModelError(path, "has operations that the engine does not know")
    try:
        if lib.TfLiteInterpreterAllocateTensors(interpreter):
            raise WakeModelError(path, "is damaged")
        into = lib.TfLiteInterpreterGetInputTensor(interpreter, 0)
        out_of = lib.TfLiteInterpreterGetOutputTensor(interpreter, 0)
        shape, results = _shape(lib, into), prod(_shape(lib, out_of))
        type_number = lib.TfLiteTensorType(into)
    finally:
        lib.TfLiteInterpreterDelete(interpreter)
    if len(shape) != _INPUT_DIMENSIONS or shape[-1] != features or type_number not in numbers.value or results != 1:
        raise WakeModelError(path, f"is for another engine: it makes {results} number(s) of the shape {shape}")


def _shape(lib: ctypes.CDLL, tensor: int) -> list[int]:
    return [lib.TfLiteTensorDim(tensor, at) for at in range(lib.TfLiteTensorNumDims(tensor))]
