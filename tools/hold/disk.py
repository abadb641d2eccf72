"""What becomes of questions while the disk that keeps the conversations is full, locked, damaged or read-only."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.asr import Transcript
from wyoming.handle import Handled, NotHandled

from interject.wire.client import connect
from interject.wire.errors import WireError
from tools.harness.processes import ProcessDiedError, Processes, Program, free_uri
from tools.hold.harms import Harm, harms, inside, read_only, store_in
from tools.hold.part import Part, Row, Size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ROOMS = 6
_QUESTIONS = {Size.SHORT: 3, Size.FULL: 6}
# Nobody waits for longer.
_ANSWER_WITHIN_S = 5.0
# Beside the same questions to an unharmed store.
_SLOWER_S = 0.5
# The bridge tries the disk again each 30 s.
_KEPT_AGAIN_WITHIN_S = 40.0
_KEPT_POLL_S = 1.0
_REMEMBERED = "the number is {number}"
_REMEMBERS = "what did i say"
_MISTAKE_STATUS = 2


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of questions: how many were asked and answered, the slowest answer, how many rooms remember."""

    asked: int
    answered: int
    slowest_s: float
    remembered: int


async def run_disk(folder: Path, size: Size) -> list[Row]:
    """Harm a bridge's store in each way while several rooms ask, each way with a bridge of its own."""
    harmed = [_harmed(harm, size) for harm in await harms(folder)]
    found = await asyncio.gather(*harmed, _read_only(folder / "read-only"))
    return [row for rows in found for row in rows]


DISK = Part("disk", run_disk)


class Bridge:
    """A bridge that runs, with its files in a folder."""

    def __init__(self, folder: Path, command: Sequence[str] = ()) -> None:
        self.folder = folder
        self.uri = free_uri()
        # The folder itself may be another disk for the bridge, which is gone when it ends.
        self._log = folder.with_name(f"{folder.name}.log")
        trace = folder.with_name(f"{folder.name}.jsonl")
        flags = ("--store", str(store_in(folder)), "--trace-file", str(trace), "--offline-words-per-second", "10000")
        self.program = Program("llm", "interject.servers.llm", self.uri, flags, self._log, command)

    def told(self) -> list[str]:
        """Return the lines of its log that a user is to read."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if " WARNING " in line or " ERROR " in line or line.startswith("interject")]

    def tracebacks(self) -> int:
        """Return how many tracebacks its log has."""
        return self._log.read_text(encoding="utf-8", errors="replace").count("Traceback")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a harm did: answers before and meanwhile; lines that a user is to read; what must not happen at all.

    kept_s: when what is said was kept again after the harm was over; None: not within our patience, or not tried.
    """

    unharmed: Answers
    harmed: Answers
    lines: int
    kept_s: float | None
    wrong: Sequence[str]


async def _harmed(harm: Harm, size: Size) -> list[Row]:
    bridge = Bridge(harm.place, harm.command)
    await asyncio.to_thread(bridge.folder.mkdir)
    async with Processes(os.environ) as processes:
        await processes.start(bridge.program)
        await processes.wait_until_ready("llm")
        pid, questions = processes.pid("llm"), _QUESTIONS[size]
        unharmed = await _asked_by_rooms(bridge.uri, questions, "before")
        lines_before = len(bridge.told())
        await asyncio.to_thread(harm.begin, pid)
        harmed = await _asked_by_rooms(bridge.uri, questions, "meanwhile")
        lines = len(bridge.told()) - lines_before
        await asyncio.to_thread(harm.end)
        kept_s = await _kept_again_s(bridge, pid) if size is Size.FULL else None
        wrong = [] if _alive(processes) else ["the bridge ended"]
    if bridge.tracebacks():
        wrong.append("a traceback")
    return _rows(harm.name, Outcome(unharmed, harmed, lines, kept_s, wrong), size)


def _rows(name: str, outcome: Outcome, size: Size) -> list[Row]:
    """Say what came of a harm; the short size does not wait until the disk is tried again."""
    harmed, unharmed = outcome.harmed, outcome.unharmed
    seen = [
        f"{harmed.answered} answered",
        f"{harmed.remembered} of {_ROOMS} rooms remember",
        f"{_count(outcome.lines, 'line')} in the log",
    ]
    goal = ["all answered and remembered", "1 line"]
    held = harmed.answered == harmed.asked and harmed.remembered == _ROOMS and outcome.lines == 1
    if size is Size.FULL:
        seen.append("never kept again" if outcome.kept_s is None else f"kept again {outcome.kept_s:.0f} s after it")
        goal.append("kept again by itself")
        held &= outcome.kept_s is not None
    attack, tried = f"conversation store: {name}", f"{harmed.asked} questions of {_ROOMS} rooms at once"
    slowest = f"slowest answer {harmed.slowest_s:.2f} s, unharmed {unharmed.slowest_s:.2f} s"
    in_time = harmed.slowest_s <= unharmed.slowest_s + _SLOWER_S
    return [
        Row(attack, tried, ", ".join([*seen, *outcome.wrong]), ", ".join(goal), held and not outcome.wrong),
        Row(attack, tried, slowest, f"{_SLOWER_S:g} s slower at most", in_time, timed=True),
    ]


async def _read_only(folder: Path) -> list[Row]:
    """Start a bridge where it cannot write: it says so, and answers from memory or ends."""
    await asyncio.to_thread(folder.mkdir)
    command = await asyncio.to_thread(read_only, folder)
    if command is None:
        return []
    bridge = Bridge(folder, command)
    async with Processes(os.environ) as processes:
        await processes.start(bridge.program)
        try:
            await processes.wait_until_ready("llm")
        except ProcessDiedError:
            status = await processes.wait("llm")
            seen, held = f"ended with status {status}", status == _MISTAKE_STATUS
        else:
            answers = await _asked_by_rooms(bridge.uri, 1, "read-only")
            seen, held = f"{answers.answered} of {answers.asked} questions answered", answers.answered == answers.asked
    lines = len(bridge.told())
    return [
        Row(
            "conversation store: read-only at the start",
            "a start",
            f"{seen}, {_count(lines, 'line')} in the log",
            "answers from memory, or ends with status 2; 1 line",
            held and lines == 1 and not bridge.tracebacks(),
        )
    ]


async def _asked_by_rooms(uri: str, questions: int, conversation: str) -> Answers:
    """Have rooms tell something and ask for it, one question after the other each, all rooms at once."""
    rooms = await asyncio.gather(*(_room(uri, f"{conversation}-{room}", questions) for room in range(_ROOMS)))
    took_s = [took for room in rooms for took, text in room if text is not None]
    remembered = sum(_REMEMBERED.format(number=questions - 1) in (room[-1][1] or "").lower() for room in rooms)
    return Answers(sum(map(len, rooms)), len(took_s), max(took_s, default=_ANSWER_WITHIN_S), remembered)


async def _room(uri: str, conversation: str, questions: int) -> list[tuple[float, str | None]]:
    said = [_REMEMBERED.format(number=number) for number in range(questions)]
    return [await _ask(uri, conversation, text) for text in (*said, _REMEMBERS)]


async def _ask(uri: str, conversation: str, text: str) -> tuple[float, str | None]:
    """Ask, and return how long (s) the answer took, and its text; None: there was none."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            connection = await connect(uri)
            try:
                await connection.send(Transcript(text=text, context={"conversation_id": conversation}).event())
                while True:
                    event = await connection.receive()
                    if Handled.is_type(event.type):
                        return time.monotonic() - began, Handled.from_event(event).text
                    if NotHandled.is_type(event.type):
                        return time.monotonic() - began, None
            finally:
                await connection.close()
    except (WireError, TimeoutError):
        return time.monotonic() - began, None


async def _kept_again_s(bridge: Bridge, pid: int) -> float | None:
    """Return after how many seconds something that is said is in the file again; None: not in time."""
    began, store = time.monotonic(), inside(pid, store_in(bridge.folder))
    number = 0
    while time.monotonic() - began < _KEPT_AGAIN_WITHIN_S:
        number += 1
        text = f"afterwards number {number}"
        await _ask(bridge.uri, "afterwards", text)
        if await asyncio.to_thread(_is_in, store, text.encode()):
            return time.monotonic() - began
        await asyncio.sleep(_KEPT_POLL_S)
    return None


def _is_in(store: Path, text: bytes) -> bool:
    files = (store, store.with_name(f"{store.name}-wal"))
    return any(text in path.read_bytes() for path in files if path.exists())


def _alive(processes: Processes) -> bool:
    try:
        processes.check()
    except ProcessDiedError:
        return False
    return True


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
