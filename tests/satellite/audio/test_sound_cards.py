from __future__ import annotations

import pytest

from interject.satellite.audio.base import DeviceMissingError
from interject.satellite.audio.sound_cards import Direction, SoundCard, SoundCards, channel_counts, choose, table

HDMI = SoundCard(0, "HDMI: LG TV", "ALSA", 0, 8, 48_000)
ARRAY = SoundCard(1, "ReSpeaker 4 Mic Array (hw:1,0)", "ALSA", 6, 2, 16_000)
USB = SoundCard(2, "USB Audio Device", "ALSA", 1, 2, 44_100)
USB_TWIN = SoundCard(3, "usb audio", "ALSA", 1, 2, 48_000)
CARDS = SoundCards((HDMI, ARRAY, USB, USB_TWIN), default_input=1, default_output=0)


@pytest.mark.parametrize(
    ("wanted", "direction", "expected"),
    [
        (None, Direction.MICROPHONE, ARRAY),
        (None, Direction.LOUDSPEAKER, HDMI),
        ("respeaker", Direction.MICROPHONE, ARRAY),
        ("2", Direction.LOUDSPEAKER, USB),
        ("usb", Direction.MICROPHONE, USB),
        ("USB AUDIO", Direction.MICROPHONE, USB_TWIN),
    ],
)
def test_a_card_is_chosen(wanted: str | None, direction: Direction, expected: SoundCard) -> None:
    assert choose(CARDS, wanted, direction) == expected


def test_a_card_without_inputs_is_no_microphone() -> None:
    with pytest.raises(DeviceMissingError, match=r"no microphone 'hdmi'; available: 1: ReSpeaker.*, 2: USB.*") as told:
        choose(CARDS, "hdmi", Direction.MICROPHONE)
    assert len(told.value.available) == 3


def test_a_machine_without_cards_is_told_as_that() -> None:
    with pytest.raises(DeviceMissingError, match="no default loudspeaker; available: no sound device at all"):
        choose(SoundCards((), None, None), None, Direction.LOUDSPEAKER)


@pytest.mark.parametrize(
    ("microphone", "loudspeaker", "channel", "expected"),
    [
        (USB, USB, None, (1,)),
        (ARRAY, ARRAY, None, (1, 2)),
        (ARRAY, HDMI, None, (1, 2, 6)),
        (ARRAY, HDMI, 4, (5, 6)),
        (USB, HDMI, 1, ()),
    ],
)
def test_mono_is_tried_first_and_a_wanted_channel_is_within(
    microphone: SoundCard, loudspeaker: SoundCard, channel: int | None, expected: tuple[int, ...]
) -> None:
    assert tuple(channel_counts(microphone, loudspeaker, channel)) == expected


def test_the_table_names_the_defaults() -> None:
    head, hdmi, array, *_ = table(CARDS).splitlines()
    assert head.split() == ["index", "in", "out", "rate", "system", "name"]
    assert hdmi.endswith("HDMI: LG TV (default loudspeaker)")
    assert array.split()[:5] == ["1", "6", "2", "16000", "ALSA"]
    assert "no sound device" in table(SoundCards((), None, None))
