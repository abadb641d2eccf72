from __future__ import annotations

import numpy as np
import pytest

from interject.servers.stt.audio import RATE_HZ, AudioFormat, Converter
from interject.servers.stt.errors import AudioFormatError

TONE_HZ = 440


def tone(rate: int, width: int, channels: int) -> bytes:
    """Half a second at half amplitude, alike in all channels."""
    samples = 0.5 * np.sin(2 * np.pi * TONE_HZ * np.arange(rate // 2) / rate)
    if width == 1:
        coded = (samples * 128 + 128).astype(np.uint8).reshape(-1, 1)
    else:
        coded = (samples * 2**31).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 4 - width :]
    return np.repeat(coded[:, None, :], channels, axis=1).tobytes()


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_stays_a_tone(rate: int, width: int, channels: int) -> None:
    raw = tone(rate, width, channels)
    converter = Converter(AudioFormat(rate, width, channels))
    # Pieces that cut samples in two.
    pieces = [raw[start : start + 1001] for start in range(0, len(raw), 1001)]
    pcm = np.frombuffer(b"".join([*map(converter.convert, pieces), converter.flush()]), "<i2") / 32768
    assert len(pcm) == pytest.approx(RATE_HZ / 2, abs=2)
    assert np.abs(pcm[1000:-1000]).max() == pytest.approx(0.5, abs=0.02)
    peak_hz = np.abs(np.fft.rfft(pcm)).argmax() * RATE_HZ / len(pcm)
    assert peak_hz == pytest.approx(TONE_HZ, abs=2)


@pytest.mark.parametrize("bad", [(0, 2, 1), (16_000, 8, 1), (16_000, 2, 0), (True, 2, 1), ("16000", 2, 1)])
def test_what_is_no_audio_is_refused(bad: tuple[int, int, int]) -> None:
    with pytest.raises(AudioFormatError) as caught:
        AudioFormat(*bad)
    assert repr(caught.value.value) in str(caught.value)
