"""The sub-command `doctor`."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - a setting's type is read while the program runs
from typing import TYPE_CHECKING, ClassVar

from interject.satellite.aec.engines import make_echo_control
from interject.satellite.doctor.measure import measure, rehearse
from interject.satellite.doctor.play import play
from interject.satellite.doctor.recording import Archive, lay_out
from interject.satellite.doctor.verdict import judge, report
from interject.satellite.duplex.modes import DuplexMode
from interject.satellite.frontend.frontend import HearingSettings
from interject.satellite.frontend.vad import SileroVad
from interject.satellite.settings import SatelliteSettings
from interject.satellite.settings.sound import RoomSettings, SoundSettings
from interject.wire.errors import SettingError
from interject.wire.help_page import HelpPage
from interject.wire.logs import configure_logging
from interject.wire.settings import load, option

if TYPE_CHECKING:
    from collections.abc import Sequence


# No slots: neither has what it inherits from.
@dataclass(frozen=True)
class DoctorSettings(SatelliteSettings):
    """Those of the satellite, and the check-up's own."""

    GROUP: ClassVar[str] = "Check-up"
    TABLE: ClassVar[str] = "check-up"

    record: Path | None = option(
        None, "folder that keeps what was played and heard, a recording of the room", metavar="DIR"
    )


_PAGE = HelpPage(
    "interject-satellite doctor",
    "Play a test of about 20 s, listen to it, and say how well a user can interrupt this satellite. Status: 0 any "
    "speech can interrupt, 1 something has to be changed for that, 2 it could not be measured.",
    groups=(DoctorSettings.GROUP, SoundSettings.GROUP, RoomSettings.GROUP),
    note="It takes all flags of the satellite, whose --help lists the others: give it those that yours has.",
)
_SPEECH, _CHANGE, _NOT_MEASURED = 0, 1, 2


def run_doctor(argv: Sequence[str]) -> int:
    """Play, measure, print the report, return the exit status; raises InterjectError where that cannot be done."""
    settings = load(DoctorSettings, prefix="satellite", argv=argv, environ=os.environ, description=_PAGE)
    if settings.text:
        raise SettingError("text", "a check-up needs a microphone and a loudspeaker; leave the setting out")
    configure_logging(debug=settings.debug, log_format=settings.log_format)
    # What is missing is told before anything sounds.
    control, vad = make_echo_control(settings.echo_canceller), SileroVad()
    hearing = HearingSettings(
        noise_suppression=settings.mic_noise_suppression,
        auto_gain=settings.mic_auto_gain,
        volume_multiplier=settings.mic_volume_multiplier,
    )
    archive = None if settings.record is None else Archive(settings.record)
    programme, recording = asyncio.run(play(settings, _tell))
    # Also of a check-up that cannot be measured it is worth keeping why.
    text = None if archive is None else archive.add(programme, recording)
    if text is not None:
        _tell(f"{text}: a recording of your room; listen to it before you give it to anybody")
    _tell("Measuring …")
    layout = lay_out(programme, recording)
    rehearsal = rehearse(recording, layout, control, vad, hearing, settings.speaking_threshold)
    findings = measure(recording, layout, rehearsal)
    verdict = judge(findings, settings.echo_canceller)
    said = report(findings, verdict, settings.echo_canceller)
    sys.stdout.write(said)
    if archive is not None and text is not None:
        archive.conclude(text, said)
    if verdict.mode is None:
        return _NOT_MEASURED
    return _SPEECH if verdict.mode is DuplexMode.SPEECH else _CHANGE


def _tell(step: str) -> None:
    sys.stderr.write(f"{step}\n")
    sys.stderr.flush()
