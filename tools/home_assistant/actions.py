"""What somebody does during a scene besides talking: in Home Assistant, or to our processes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from tools.home_assistant.scene_run import restart_satellite
from tools.home_assistant.scenes import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tools.home_assistant.additions import Additions
    from tools.home_assistant.scene_run import SceneRun

SHORT_ANNOUNCEMENT = "The washing machine is done."
LONG_ANNOUNCEMENT = (
    "This is an announcement of some length. The washing machine is done, and the laundry wants to be hung up. "
    "The dishwasher needs salt. It is going to rain this afternoon, and two windows are still open upstairs."
)
TIMER_S = 3
# What an action waits for comes within this time, or the scene's checks say that it did not.
_PATIENCE_S = 40.0
# Into a reply that is to be cut off by a restart.
_INTO_REPLY_S = 3.0
_LATER_S = 2.0
# Less than the time between two pings.
_UNNOTICED_S = 0.5
_FORGETS_EVERY_S = 2.0


async def _nothing(_stage: SceneRun, _additions: Additions) -> None:
    return


async def _announce(scene_run: SceneRun, additions: Additions) -> None:
    await _announcing(scene_run, additions, SHORT_ANNOUNCEMENT)


async def _announce_at_length(scene_run: SceneRun, additions: Additions) -> None:
    await _announcing(scene_run, additions, LONG_ANNOUNCEMENT)


async def _announce_while_thinking(scene_run: SceneRun, additions: Additions) -> None:
    await scene_run.wire.next("satellite", "transcript", _PATIENCE_S, from_home=True)
    await asyncio.sleep(0.5)
    await _announcing(scene_run, additions, SHORT_ANNOUNCEMENT)


async def _announcing(scene_run: SceneRun, additions: Additions, text: str) -> None:
    scene_run.seen["announce called"] = time.monotonic()
    await additions.client.service("assist_satellite", "announce", additions.satellite, message=text, preannounce=False)
    scene_run.seen["announce returned"] = time.monotonic()


async def _set_timers(scene_run: SceneRun, additions: Additions) -> None:
    """One that is cancelled first, as its end is the end of the scene."""
    await _tell(additions, "set a timer for 10 minutes")
    await _tell(additions, "cancel my timer")
    scene_run.seen["timer set"] = time.monotonic()
    finished = asyncio.create_task(
        scene_run.wire.next("satellite", "timer-finished", _PATIENCE_S, from_home=True), name="timer-finished"
    )
    await _tell(additions, f"set a timer for {TIMER_S} seconds")
    await finished


async def _tell(additions: Additions, text: str) -> list[dict[str, Any]]:
    """Tell the agent built into Home Assistant something, as if it had been said to the satellite."""
    return await additions.client.run_pipeline(
        start_stage="intent",
        end_stage="intent",
        input={"text": text},
        pipeline=additions.pipeline_ids["built-in"],
        device_id=additions.programs["satellite"].device,
    )


async def _forget_speech(scene_run: SceneRun, additions: Additions) -> None:
    """Home Assistant keeps what was spoken; without that a slow TTS is slow each time."""
    while not await scene_run.line_said(len(scene_run.scene.sayings), _FORGETS_EVERY_S):
        await additions.forget_speech()


async def _mute(scene_run: SceneRun, additions: Additions) -> None:
    switch = additions.programs["satellite"].entity("switch", "-mute")
    scene_run.seen["muted"] = time.monotonic()
    await additions.client.service("switch", "turn_on", switch)
    await scene_run.line_said(1, _PATIENCE_S)
    # Whatever comes of it comes within this time.
    await asyncio.sleep(_LATER_S)
    await additions.client.service("switch", "turn_off", switch)
    scene_run.seen["unmuted"] = time.monotonic()


async def _mute_briefly(_stage: SceneRun, additions: Additions) -> None:
    switch = additions.programs["satellite"].entity("switch", "-mute")
    # Not together with the first events of the connection, which it would be noticed with.
    await asyncio.sleep(_UNNOTICED_S)
    await additions.client.service("switch", "turn_on", switch)
    await asyncio.sleep(_UNNOTICED_S)
    await additions.client.service("switch", "turn_off", switch)


async def _kill_stt(scene_run: SceneRun, _additions: Additions) -> None:
    await scene_run.wire.next("stt", "audio-chunk", _PATIENCE_S, from_home=True)
    await asyncio.sleep(0.3)
    await scene_run.crash("stt")


async def _kill_llm(scene_run: SceneRun, _additions: Additions) -> None:
    await scene_run.wire.next("llm", "transcript", _PATIENCE_S, from_home=True)
    await scene_run.crash("llm")


async def _kill_tts(scene_run: SceneRun, _additions: Additions) -> None:
    # Whichever way Home Assistant asks for speech, this is what comes last.
    await scene_run.wire.next("tts", "synthesize", _PATIENCE_S, from_home=True)
    await scene_run.crash("tts")


async def _restart_satellite(scene_run: SceneRun, _additions: Additions) -> None:
    await scene_run.wire.next("satellite", "audio-chunk", _PATIENCE_S, from_home=True)
    await asyncio.sleep(_INTO_REPLY_S)
    await restart_satellite(scene_run)


ACTIONS: dict[Action, Callable[[SceneRun, Additions], Coroutine[None, None, None]]] = {
    Action.NOTHING: _nothing,
    Action.ANNOUNCE: _announce,
    Action.ANNOUNCE_AT_LENGTH: _announce_at_length,
    Action.ANNOUNCE_WHILE_THINKING: _announce_while_thinking,
    Action.SET_TIMERS: _set_timers,
    Action.MUTE: _mute,
    Action.MUTE_BRIEFLY: _mute_briefly,
    Action.KILL_STT: _kill_stt,
    Action.KILL_LLM: _kill_llm,
    Action.KILL_TTS: _kill_tts,
    Action.FORGET_SPEECH: _forget_speech,
    Action.RESTART_SATELLITE: _restart_satellite,
}
