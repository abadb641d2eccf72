"""What commands about simulated rooms take: how many scenes, from which seed, in whose voices."""

from __future__ import annotations

import argparse
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tools.room.pairs import answering_as
from tools.simulator.corpus import built_in, flite, piper, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tools.simulator.corpus import Corpus

_Choice = TypeVar("_Choice", bound=Enum)


def add_voices(parser: argparse.ArgumentParser) -> None:
    """Let more voices be asked for; `chosen_corpus` has them."""
    add = parser.add_argument
    add("--flite", action="store_true", help="let flite's voices speak as well (Debian's flite must be installed)")
    add("--speech", type=Path, metavar="DIR", help="recorded voices as well: WAV files and a manifest.json")
    replies = parser.add_mutually_exclusive_group()
    replies.add_argument(
        "--replies",
        type=Path,
        metavar="DIR",
        help="let all replies be what was played in recordings for script/bench real, not synthetic speech",
    )
    replies.add_argument(
        "--reply-voice", type=Path, metavar="MODEL", help="let a Piper voice (.onnx) reply in place of espeak-ng's"
    )


def chosen_corpus(arguments: argparse.Namespace) -> Corpus:
    """Make the corpus that was asked for; raises InterjectError where voices cannot be had."""
    recordings = [] if arguments.speech is None else recorded(arguments.speech)
    corpus = built_in().with_clips([*(flite() if arguments.flite else ()), *recordings])
    if arguments.reply_voice is not None:
        corpus = corpus.answering_with(piper(arguments.reply_voice))
    return corpus if arguments.replies is None else answering_as(arguments.replies, corpus)


def seed(text: str) -> int:
    """Read a whole number; ArgumentTypeError for what is none."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: a whole number from 0 on")
    return int(text)


def how_many(text: str) -> int:
    """Read how many; ArgumentTypeError for less than one."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a whole number from 1 on")
    return int(text)


def one_of(kinds: Iterable[_Choice]) -> Callable[[str], _Choice]:
    """Give a reader of the kinds' names; it raises ArgumentTypeError for others."""
    named = {kind.value: kind for kind in kinds}

    def parsed(text: str) -> _Choice:
        if text not in named:
            raise argparse.ArgumentTypeError(f"{text}: one of {', '.join(named)}")
        return named[text]

    return parsed
