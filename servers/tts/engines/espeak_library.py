"""The espeak-ng library by ctypes (`speak_lib.h`, API revision 12; library and data from the espeakng-loader package).

The library has one voice, one rate and one callback for the whole process, so one object and one lock stand for it.
"""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import espeakng_loader

from interject.servers.tts.errors import EngineError
from interject.servers.tts.marks import WordStart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# From speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_PARAMETER_RATE = 1
_POSITION_CHARACTER = 1
_CHARS_UTF8 = 1
_EVENT_LIST_TERMINATED = 0
_EVENT_WORD = 1
# The length of a callback's audio: how much is synthesised in vain after a stop, 0.1 ms of work.
_BUFFER_MS = 60

_VARIANT_FOLDER = "!v/"


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        # Entries of a priority byte and a string that ends with zero; a priority of zero ends the list.
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """An entry of the library's list: languages as (tag, priority), the lower the better it fits."""

    name: str
    identifier: str
    description: str
    languages: tuple[tuple[str, int], ...]


class EspeakLibrary:
    """The library, initialised."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._library.espeak_Info.restype = ctypes.c_char_p
        self._library.espeak_SetSynthCallback.argtypes = (_CALLBACK,)
        self._library.espeak_Synth.argtypes = (
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
        )
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz = int(
            self._library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data, _INITIALIZE_DONT_EXIT)
        )
        if self.rate_hz <= 0:
            raise EngineError("espeak-ng", f"its data at {espeakng_loader.get_data_path()} cannot be read")
        self.version = self._library.espeak_Info(None).decode()

    def close(self) -> None:
        """Free what the library holds."""
        with self._lock:
            self._library.espeak_Terminate()

    def voices(self) -> list[EspeakVoice]:
        """List the voices, by name."""
        with self._lock:
            entries = [_read_voice(voice) for voice in self._listed(None)]
        return sorted(entries, key=lambda entry: entry.name.lower())

    def variants(self) -> list[str]:
        """List the variants, which change the speaker of any voice."""
        tag = ctypes.create_string_buffer(b"variant")
        with self._lock:
            found = [
                voice.identifier.decode() for voice in self._listed(_Voice(languages=ctypes.cast(tag, ctypes.c_void_p)))
            ]
        return sorted(name.removeprefix(_VARIANT_FOLDER) for name in found)

    def synthesize(
        self, text: str, voice: str, rate_wpm: int, on_audio: Callable[[bytes, list[WordStart]], bool]
    ) -> None:
        """Speak `text`; `on_audio` gets 60 ms of 16-bit mono at a time with the words that start in it.

        Synthesis stops when `on_audio` returns False. Raises EngineError, and whatever `on_audio` raised.
        """
        raised: list[BaseException] = []

        def receive(samples: int | None, count: int, events: Any) -> int:
            # ctypes would print an exception and go on.
            try:
                pcm = ctypes.string_at(samples, count * 2) if samples and count > 0 else b""
                return 0 if on_audio(pcm, list(_word_starts(events))) else 1
            except BaseException as error:  # noqa: BLE001 - raised again below
                raised.append(error)
                return 1

        callback = _CALLBACK(receive)
        encoded = text.encode()
        with self._lock:
            self._library.espeak_SetSynthCallback(callback)
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise EngineError("espeak-ng", f"it cannot load its voice {voice}")
            self._library.espeak_SetParameter(_PARAMETER_RATE, rate_wpm, 0)
            status = self._library.espeak_Synth(
                encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
            )
        if raised:
            raise raised[0]
        if status != 0:
            raise EngineError("espeak-ng", f"synthesis failed with status {status}")

    def _listed(self, like: _Voice | None) -> Iterator[_Voice]:
        found = self._library.espeak_ListVoices(None if like is None else ctypes.byref(like))
        index = 0
        while found[index]:
            yield found[index].contents
            index += 1


def _word_starts(events: Any) -> Iterator[WordStart]:
    index = 0
    while events[index].type != _EVENT_LIST_TERMINATED:
        event = events[index]
        if event.type == _EVENT_WORD:
            yield WordStart(event.text_position - 1, event.sample)
        index += 1


def _read_voice(voice: _Voice) -> EspeakVoice:
    identifier = voice.identifier.decode()
    return EspeakVoice(
        name=identifier.rpartition("/")[2],
        identifier=identifier,
        description=voice.name.decode(),
        languages=tuple(_read_languages(voice.languages)),
    )


def _read_languages(address: int) -> Iterator[tuple[str, int]]:
    while (priority := ctypes.c_ubyte.from_address(address).value) != 0:
        tag = ctypes.string_at(address + 1)
        yield _canonical(tag.decode()), priority
        address += len(tag) + 2


def _canonical(tag: str) -> str:
    """Write a language tag as BCP 47 does: en-US where espeak has en-us."""
    first, *others = tag.split("-")
    region_length = 2
    return "-".join([first, *(part.upper() if len(part) == region_length else part for part in others)])
