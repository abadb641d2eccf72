"""Our four processes with a real Home Assistant: installed in a Debian of its own, or one that runs already."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from tools.bench.report import conclusion, missed
from tools.harness.processes import free_uri
from tools.home_assistant.client import connect
from tools.home_assistant.figures import as_figures, columns_of, merged
from tools.home_assistant.harness import harness
from tools.home_assistant.installation import Installation, Running
from tools.home_assistant.judge import judge
from tools.home_assistant.report import Outcome, as_json, markdown
from tools.home_assistant.scenes import SCENES, many
from tools.home_assistant.turns import take_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.home_assistant.harness import Harness
    from tools.home_assistant.scenes import Scene

_SUITES = ("forky", "trixie")
_USER, _PASSWORD = "HOME_ASSISTANT_USER", "HOME_ASSISTANT_PASSWORD"
_SCENARIO = f"only this one; repeatable: {', '.join(SCENES)}"
_EPILOG = f"""
Installing takes root, some minutes and 2 GB, once; then a scene takes half a minute, all of them about ten. forky has
the newest Home Assistant, trixie the newest for Python 3.13. With --reuse it needs no root: {_USER} and {_PASSWORD} say
who logs in; what is added there is taken away again. Everything listens on loopback only.
"""


def main() -> int:
    """Play the scenes and print the table; status 1 when something did not come true, 2 when none could be played.

    With --barge-ins a goal that is missed is status 1 too.
    """
    arguments = _parse(sys.argv[1:])
    arguments.work = arguments.work.resolve()
    arguments.work.mkdir(parents=True, exist_ok=True)
    try:
        version, outcomes = asyncio.run(_play(arguments))
    except InterjectError as error:
        sys.stderr.write(f"test-homeassistant: {error}\n")
        return 2
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.stderr.write("test-homeassistant: stopped; what it had started and added is gone\n")
        return 2
    sys.stdout.write(f"\n{markdown(version, outcomes)}")
    whole = json.dumps(as_json(version, outcomes), indent=1, ensure_ascii=False)
    (arguments.work / f"report-{version}.json").write_text(whole, encoding="utf-8")
    failed = any(outcome.failed for outcome in outcomes)
    if arguments.barge_ins:
        figures = as_figures(merged(outcome.columns for outcome in outcomes))
        sys.stdout.write(f"\n{conclusion(figures)}\n")
        failed = failed or bool(missed(figures))
    return 1 if failed else 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/test-homeassistant", description=__doc__, epilog=_EPILOG)
    parser.add_argument("--suite", choices=_SUITES, default="forky", help="Debian release (default: forky)")
    parser.add_argument("--reuse", metavar="URL", help="a Home Assistant that runs, such as http://127.0.0.1:8123")
    parser.add_argument("--work", type=Path, default=Path("out/homeassistant"), metavar="DIR")
    parser.add_argument("--scenario", action="append", choices=sorted(SCENES), metavar="NAME", help=_SCENARIO)
    parser.add_argument(
        "--barge-ins", type=_count, metavar="N", help="so many interruptions in a row, and nothing else"
    )
    return parser.parse_args(argv)


def _count(value: str) -> int:
    if not value.isdecimal() or not int(value):
        raise argparse.ArgumentTypeError(f"{value}: a whole number from 1 on")
    return int(value)


def _scenes(arguments: argparse.Namespace) -> list[Scene]:
    if arguments.barge_ins:
        return [many(arguments.barge_ins)]
    return [scene for scene in SCENES.values() if arguments.scenario is None or scene.name in arguments.scenario]


async def _play(arguments: argparse.Namespace) -> tuple[str, list[Outcome]]:
    this = asyncio.current_task()
    if this is not None:
        # As Ctrl-C does; else Home Assistant would outlive us.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    async with AsyncExitStack() as stack:
        home = await _home(arguments, stack)
        client = await stack.enter_async_context(connect(home.url, home.user, home.password))
        folder = arguments.work / client.version
        scene_run = await stack.enter_async_context(harness(client, folder))
        return client.version, [await _outcome(scene_run, scene) for scene in _scenes(arguments)]


async def _home(arguments: argparse.Namespace, stack: AsyncExitStack) -> Running:
    if arguments.reuse is None:
        installation = Installation(arguments.work, arguments.suite, int(free_uri().rsplit(":", 1)[1]))
        await installation.install(_say)
        return await stack.enter_async_context(installation.running())
    if _PASSWORD not in os.environ:
        raise MissingPasswordError
    return Running(arguments.reuse.rstrip("/"), os.environ.get(_USER, "admin"), os.environ[_PASSWORD])


class MissingPasswordError(InterjectError):
    """Nobody can log in."""

    def __init__(self) -> None:
        super().__init__(f"--reuse needs {_USER} and {_PASSWORD} in the environment")


async def _outcome(scene_run: Harness, scene: Scene) -> Outcome:
    _say(f"{scene.name}: {scene.summary} …")
    if scene.agent not in scene_run.additions.pipelines:
        return Outcome(
            scene, error=f"this Home Assistant has no {scene.agent} agent (its Ollama integration is missing)"
        )
    try:
        evidence = await scene_run.play(scene)
        play = await asyncio.to_thread(take_apart, evidence)
        outcome = Outcome(scene, judge(play), await asyncio.to_thread(columns_of, play))
    except InterjectError as error:
        outcome = Outcome(scene, error=str(error))
    for what in outcome.failed:
        _say(f"  FAILED  {what}")
    return outcome


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
