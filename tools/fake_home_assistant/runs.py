"""The pipeline runs of one satellite, kept as Home Assistant keeps them: with the flaw that makes it deaf.

Measured with Home Assistant 2026.11.0 and 2026.2.3. A run that is asked for while another is under way (STT, the agent
thinking or streaming) sets the flag that lets microphone audio in, then cancels the other one, whose end resets that
flag: from then on all audio of the new run is dropped, with no error and no timeout, and neither another run-pipeline
into it nor `audio-stop` or `detection` cures it. A run from text to text, which is invalid, cancels the same way and
ends at once: after it the next run hears. 2026.11 says `validation-error` to it, 2026.2 nothing. Sent in one go with
the run that follows, it comes too late: the flag is reset after that run has set it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from wyoming.error import Error

from tools.fake_home_assistant.stages import StageFailedError

if TYPE_CHECKING:
    from wyoming.pipeline import RunPipeline

    from tools.fake_home_assistant.release import Release
    from tools.fake_home_assistant.stages import Stages


class Runs:
    """Starts runs, cancels them, and takes the microphone's audio; `running` is the flag of the flaw."""

    def __init__(self, stages: Stages, release: Release) -> None:
        self.running = False
        # Chunks that nobody wanted: what a satellite sends into a Home Assistant that is deaf, or that is idle.
        self.dropped = 0
        self.ended = asyncio.Event()
        self._failed = False
        self._stages = stages
        self._release = release
        self._audio: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._live: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> bool:
        """Whether a run is truly under way, whatever the flag says."""
        return bool(self._live)

    @property
    def deaf(self) -> bool:
        """Whether a run is under way that will never hear anything."""
        return self.active and not self.running

    @property
    def restarts(self) -> bool:
        """Whether a run that is to restart on its end may."""
        return not (self._failed and self._release.gives_up_failing_runs)

    def start(self, request: RunPipeline, phrase: str | None) -> None:
        """Take a request, and return before it has any effect beyond the flag, as Home Assistant does."""
        self._audio = asyncio.Queue()
        self.running = True
        self._failed = False
        self.ended.clear()
        self._stages.start(self._accept(request, phrase, self._audio), "pipeline request")

    def hear(self, audio: bytes) -> None:
        """Take audio of the microphone; without a run, or when deaf, it is dropped."""
        if self.running:
            self._audio.put_nowait(audio)
        else:
            self.dropped += 1

    def stop_hearing(self) -> None:
        """End the user's turn, if there is one."""
        self._audio.put_nowait(None)

    async def cancel(self) -> None:
        """Cancel the run under way and wait for its end; the satellite is told nothing."""
        if self._task is None:
            return
        task = self._task
        task.cancel()
        await asyncio.wait({task})
        self._task = None

    async def _accept(self, request: RunPipeline, phrase: str | None, audio: asyncio.Queue[bytes | None]) -> None:
        await self.cancel()
        task = self._stages.start(self._run(request, phrase, audio), "pipeline run")
        self._task = task
        self._live.add(task)
        task.add_done_callback(self._live.discard)
        await asyncio.wait({task})
        # Whichever it is by now: of two requests at once the second one's run is forgotten here, not ended.
        self._task = None

    async def _run(self, request: RunPipeline, phrase: str | None, audio: asyncio.Queue[bytes | None]) -> None:
        silent = False
        try:
            await self._stages.run(request, phrase, audio)
        except StageFailedError as error:
            self._failed = True
            silent = error.code == "validation-error" and not self._release.says_validation_error
            if not silent:
                with contextlib.suppress(ConnectionError):
                    await self._stages.send(Error(text=error.code, code=error.code).event())
        except asyncio.CancelledError:
            await asyncio.sleep(self._release.times.winding_up)
            raise
        finally:
            if not silent:
                self.running = False
                self.ended.set()
