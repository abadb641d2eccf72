"""The picture of a demo: what it shows is what happened, and nothing in it stands on top of something else."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from tools.harness.checks import Evidence
from tools.harness.metrics import demo_metrics
from tools.picture.drawing import Caption, draw
from tools.picture.svg import width_of

RATE_HZ = 16_000
SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption("a question & its answer", "script/demo --picture docs/interruption.svg", "abc1234")
WORDS = "Once upon a time, an old keeper lived in a <lighthouse> at the edge of the sea.".split()
WORD_MS = 250.0
BEGUN_S = 3.0
# Words of a quarter of a second each: at this moment the eighth is over and the ninth sounds.
PAUSED_MS = 8 * WORD_MS + 100
Deeds = tuple[tuple[str, float, dict[str, float]], ...]
CUT: Deeds = (("duck", 5.0, {"position_ms": PAUSED_MS - 100}), ("pause", 5.1, {}), ("interrupt", 5.5, {}))
RESUMED: Deeds = (*CUT[:1], ("pause", 5.1, {}), ("resume", 6.6, {"rewound_ms": 100.0}))
RESUMED_AND_CUT: Deeds = (*RESUMED, ("duck", 6.6, {}), ("pause", 6.7, {}), ("interrupt", 7.3, {}))


def test_words_that_were_heard_and_words_that_were_not_look_different() -> None:
    close_look = [text for text in texts(draw_of(CUT)) if text.y > 300]
    placed = {text.words: text.look for text in close_look if text.words in WORDS}

    assert placed == {"lived": "", "in": "gone", "a": "gone", "<lighthouse>": "gone", "at": "gone"}


def test_what_the_model_remembers_ends_where_it_was_cut_off() -> None:
    lines = [text.words for text in texts(draw_of(CUT))]

    told = next(line for line in lines if "[INTERRUPTED]" in line)
    assert told.split("[INTERRUPTED]")[0].split() == WORDS[:8]


@pytest.mark.parametrize("deeds", [CUT, RESUMED, RESUMED_AND_CUT], ids=["cut", "resumed", "resumed and cut"])
def test_each_thing_that_it_did_is_marked_with_the_time_since_the_user_spoke(deeds: Deeds) -> None:
    found = [text.words for text in texts(draw_of(deeds))]

    names = {"interrupt": "commit"}
    expected = [f"{names.get(kind, kind)} {round((at_s - 4.95) * 1000)} ms" for kind, at_s, _ in deeds]
    assert [name for name in expected if name not in found] == []


@pytest.mark.parametrize(
    "deeds", [CUT, RESUMED, RESUMED_AND_CUT, ()], ids=["cut", "resumed", "resumed and cut", "left alone"]
)
def test_no_text_stands_on_another_and_all_is_on_the_page(deeds: Deeds) -> None:
    root = ET.fromstring(draw_of(deeds))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    found = texts(ET.tostring(root, encoding="unicode"))

    assert [(one.words, other.words) for one, other in combinations(found, 2) if one.touches(other)] == []
    assert [text.words for text in found if text.left < 0 or text.right > width or text.y > height] == []


def test_who_cannot_see_it_is_told_what_it_shows() -> None:
    root = ET.fromstring(draw_of(CUT))

    title, description = (root.findtext(f"{SVG}{name}") or "" for name in ("title", "desc"))
    assert root.attrib["role"] == "img"
    assert "cut off" in title
    for told in ("a question & its answer", "pause after 150 ms", " ".join(WORDS[:8]), CAPTION.command, "abc1234"):
        assert told in description


def test_the_latencies_of_the_run_are_in_it() -> None:
    evidence = evidence_of(CUT)
    found = [text.words for text in texts(draw(evidence, demo_metrics(evidence), CAPTION))]

    assert {"1000 ms", "first sound of the reply", "50 ms", "duck"} <= set(found)


def test_a_long_scene_is_a_small_file_and_a_scene_without_a_reply_has_one() -> None:
    assert len(draw_of(RESUMED_AND_CUT, seconds=60).encode()) < 60_000
    nothing = Evidence([], [], np.zeros(RATE_HZ, np.int16), np.zeros(RATE_HZ, np.int16), RATE_HZ)
    assert "A conversation" in draw(nothing, {}, CAPTION)


@dataclass(frozen=True, slots=True)
class Placed:
    words: str
    look: str
    left: float
    right: float
    y: float
    size: float

    def touches(self, other: Placed) -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not beside and abs(self.y - other.y) < 0.8 * min(self.size, other.size)


def texts(svg: str) -> list[Placed]:
    found = []
    for element in ET.fromstring(svg).iter(f"{SVG}text"):
        words = "".join(element.itertext()).strip()
        x, size = float(element.attrib["x"]), float(element.attrib["font-size"])
        # No wider than it is likely to be: what a browser makes of it must not overlap.
        width = 0.9 * width_of(words, size)
        left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[element.get("text-anchor", "start")]
        found.append(Placed(words, element.get("class", ""), left, left + width, float(element.attrib["y"]), size))
    return found


def draw_of(deeds: Deeds, seconds: float = 10.0) -> str:
    evidence = evidence_of(deeds, seconds)
    return draw(evidence, demo_metrics(evidence), CAPTION)


def evidence_of(deeds: Deeds, seconds: float = 10.0) -> Evidence:
    """A reply of 17 words that begins at 3 s, somebody who speaks into it at 4.95 s, and what was done about it."""
    marks = [[word, WORD_MS * number, WORD_MS * (number + 1)] for number, word in enumerate(WORDS)]
    events = [
        event("room", "user-speaks", 1.0, clip="question.wav", onset_t=1.05),
        event("room", "user-stops", 2.0, clip="question.wav"),
        event("satellite", "transcript", 2.3, stream=1, text="tell me a story"),
        event("satellite", "reply-started", BEGUN_S, epoch=1),
        event("satellite", "word-marks", BEGUN_S, epoch=1, marks=marks),
        event("room", "user-speaks", 4.9, clip="interruption.wav", onset_t=4.95),
    ]
    for kind, at_s, more in deeds:
        events.append(event("satellite", kind, at_s, **{"position_ms": PAUSED_MS, "rewound_ms": 0.0, **more}))
        if kind == "interrupt":
            heard = " ".join(WORDS[:8])
            events[-1] |= {"epoch": 1, "reason": "speech", "heard": heard, "heard_ms": PAUSED_MS}
    events.append(event("satellite", "transcript", 6.0, stream=2, text="what time is it"))
    frames = round(seconds * RATE_HZ)
    wave = (8000 * np.sin(np.arange(frames) / 30)).astype(np.int16)
    return Evidence(sorted(events, key=lambda one: float(one["t"])), [], wave, wave[::-1].copy(), RATE_HZ)


def event(source: str, kind: str, at_s: float, **fields: Any) -> dict[str, Any]:
    return {"t": at_s, "source": source, "type": kind, **fields}
