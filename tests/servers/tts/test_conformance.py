"""What every engine does, seen from a client."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING

import pytest
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeTextFormat,
    SynthesizeVoice,
)

from interject.servers.tts.handler import MAX_TEXT_CHARS
from interject.servers.tts.settings import TtsEngine
from interject.servers.tts.synthesis_queue import SynthesisQueue
from interject.wire.errors import PeerError
from interject.wire.events import Interrupt
from tests.servers.tts.harness import check_marks, held, receive, receive_until, running, say, stream
from tools.testing.patience import eventually, expecting

if TYPE_CHECKING:
    from interject.servers.tts.settings import TtsSettings
    from tests.servers.tts.harness import Running

TEXT = "Dr. Smith paid 3.5 dollars in the house. Then, at 10:30 p.m., he left! See https://example.com/a?b=1 now"
LONG_TEXT = "The lighthouse keeper counted the waves in the night and wrote them down one by one. " * 200
WORDS = {"audio-start", "audio-chunk", "audio-stop", "user-event"}


async def test_a_text_is_one_stream_with_marks_before_their_audio(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        heard = await say(client, TEXT)
    assert heard.types.count("audio-start") == heard.types.count("audio-stop") == 1
    assert set(heard.types) == WORDS
    assert heard.audio_ms > 3000
    assert max(heard.pcm) > 0
    check_marks(TEXT, heard)
    assert heard.estimated == {False}
    assert [record["text"] for record in service.trace.of("sentence")] == [
        "Dr. Smith paid 3.5 dollars in the house. ",
        "Then, at 10:30 p.m., he left! ",
        "See https://example.com/a?b=1 now",
    ]
    assert service.trace.of("synthesis-finished")[0]["audio_ms"] == int(heard.audio_ms)


async def test_markup_is_not_said_and_each_written_word_is_marked(settings: TtsSettings) -> None:
    """As other agents than our bridge write; the listener finds the words in the text as it was written."""
    written = "- **Rain**, and _more_ rain. See [the sea](https://example.com/sea) \U0001f30a.\n# Now `ls`."
    plain = "Rain, and more rain. See the sea.\nNow ls."
    async with running(settings) as service, service.client() as client:
        marked = await say(client, written)
        unmarked = await say(client, plain)
    check_marks(written, marked)
    assert marked.estimated == {False}
    assert marked.audio_ms == pytest.approx(unmarked.audio_ms, rel=0.15)


async def test_the_same_connection_serves_text_after_text_in_order(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        for text in ("First.", "The second one."):
            await client.send(Synthesize(text=text).event())
        first = await receive_until(client, "audio-stop")
        second = await receive_until(client, "audio-stop")
    check_marks("First.", first)
    check_marks("The second one.", second)


async def test_streamed_text_is_one_stream_of_audio(settings: TtsSettings) -> None:
    chunks = [TEXT[index : index + 7] for index in range(0, len(TEXT), 7)]
    async with running(settings) as service, service.client() as client:
        heard = await stream(client, chunks, whole=TEXT)
        whole = await say(client, TEXT)
    assert heard.types.count("audio-start") == heard.types.count("audio-stop") == 1
    assert heard.types[-2:] == ["audio-stop", "synthesize-stopped"]
    check_marks(TEXT, heard)
    assert len(service.trace.of("synthesis-finished")) == 2
    assert heard.audio_ms == pytest.approx(whole.audio_ms, abs=20)


async def test_a_sentence_sounds_before_the_text_goes_on(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        await client.send(SynthesizeStart().event())
        await client.send(SynthesizeChunk(text="It is late. ").event())
        # Nothing more is sent: the first sentence must come by itself, whole.
        first = await receive_until(client, "audio-chunk")
        await service.trace.wait_for("sentence")
        await client.send(SynthesizeChunk(text="Good night").event())
        await client.send(SynthesizeStop().event())
        rest = await receive_until(client, "synthesize-stopped")
    heard = type(first)(first.events + rest.events)
    check_marks("It is late. Good night", heard)
    assert rest.types.count("audio-start") == 0


@pytest.mark.parametrize("text", ["", "  \n ", "\n\n"])
async def test_no_words_no_audio(settings: TtsSettings, text: str) -> None:
    async with running(settings) as service, service.client() as client:
        assert (await say(client, text)).types == ["audio-start", "audio-stop"]
        assert (await stream(client, [text])).types == ["audio-start", "audio-stop", "synthesize-stopped"]


@pytest.mark.parametrize(
    "text",
    [
        "...",
        "—",
        "😀",
        "\0",
        "a\0b c",
        "\ud83d",
        "[[",
        "<b>x</b>",
        "\u200b",
        "- - -",
        "日本語",
        "a  b\t\tc\r\nd",
        "x" * 400,
    ],
)
async def test_odd_text_is_spoken_or_passed_over(settings: TtsSettings, text: str) -> None:
    async with running(settings) as service, service.client() as client:
        heard = await say(client, text)
        check_marks(text.encode("utf-8", "replace").decode(), heard)
        check_marks("And on.", await say(client, "And on."))


async def test_an_interrupt_stops_at_once_and_never_cleanly(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        await client.send(SynthesizeStart().event())
        await client.send(SynthesizeChunk(text=LONG_TEXT).event())
        await receive_until(client, "audio-chunk")
        await client.send(Interrupt(reason="speech", epoch=1).event())
        with pytest.raises(PeerError) as caught:
            await receive_until(client, "audio-stop")
        assert caught.value.code == "interrupted"
        cancelled = await service.trace.wait_for("synthesis-cancelled")
        assert cancelled["reason"] == "interrupt"
        # What the client had on its way for the reply that was cut is no mistake, and the next text is served.
        await client.send(SynthesizeChunk(text="late").event())
        await client.send(SynthesizeStop().event())
        check_marks("And again.", await say(client, "And again."))


async def test_an_interrupt_right_behind_its_request_and_one_without_any(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        await client.send(Interrupt(reason="speech", epoch=1).event())
        await asyncio.gather(
            client.send(Synthesize(text=LONG_TEXT[:500]).event()),
            client.send(Interrupt(reason="early", epoch=2).event()),
        )
        with pytest.raises(PeerError) as caught:
            await receive_until(client, "audio-stop")
        assert caught.value.code == "interrupted"
        check_marks("Good.", await say(client, "Good."))


async def test_a_closed_connection_stops_the_work(settings: TtsSettings) -> None:
    async with running(settings) as service:
        async with service.client() as client:
            await client.send(Synthesize(text=LONG_TEXT).event())
            await receive_until(client, "audio-chunk")
        assert (await service.trace.wait_for("synthesis-cancelled"))["reason"] == "closed"
        assert not service.trace.of("synthesis-finished")


async def test_a_client_that_does_not_read_stops_the_work_and_holds_nobody_up(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as sleeper:
        # Far more audio than the buffers of the sockets hold.
        for _ in range(4):
            await sleeper.send(Synthesize(text=LONG_TEXT).event())
        await service.trace.wait_for("first-audio")
        async with service.client() as client:
            for _ in range(5):
                check_marks("Hello there.", await say(client, "Hello there."))
            # Taking turns with another client, it would have got its turn.
            unread = -1
            async with expecting("the service to stop speaking to a client that does not read"):
                while unread != (unread := spoken_to_the_sleeper(service)):
                    for _ in range(5):
                        check_marks("Still here.", await say(client, "Still here."))
        assert service.trace.of("synthesis-started")
        assert LONG_TEXT not in "".join(record["text"] for record in service.trace.of("sentence"))


def spoken_to_the_sleeper(service: Running) -> int:
    return sum(record["text"].startswith("The lighthouse") for record in service.trace.of("sentence"))


async def test_many_at_once_are_all_served(settings: TtsSettings) -> None:
    texts = [f"This is satellite number {number}. It speaks. And it ends." for number in range(20)]

    async with running(settings) as service, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(service.client()) for _ in texts]
        spoken_to = [asyncio.create_task(say(client, text)) for client, text in zip(clients, texts, strict=True)]
        for text, heard in zip(texts, await asyncio.gather(*spoken_to), strict=True):
            check_marks(text, heard)
    # Fair: everybody's first sentence comes before anybody's last.
    spoken = [record["text"] for record in service.trace.of("sentence")]
    assert spoken.index("And it ends.") > 10


async def test_a_full_queue_is_told(settings: TtsSettings) -> None:
    queue = SynthesisQueue(max_waiting=0)
    async with running(settings, queue) as service, service.client() as client, held(queue):
        with pytest.raises(PeerError, match="try again later") as caught:
            await say(client, "Hello.")
    assert caught.value.code == "busy"


async def test_a_newcomer_is_spoken_to_before_all_that_another_host_waits_for(settings: TtsSettings) -> None:
    queue = SynthesisQueue()
    async with running(settings, queue) as service, contextlib.AsyncExitStack() as stack:
        async with held(queue):
            crowd = [await stack.enter_async_context(service.client()) for _ in range(12)]
            for number, client in enumerate(crowd):
                await client.send(Synthesize(f"This is number {number}.").event())
            await eventually(lambda: queue.waiting == len(crowd), "all of them to wait")
            newcomer = await stack.enter_async_context(service.client(local="127.0.0.2"))
            await newcomer.send(Synthesize("Hello.").event())
            await eventually(lambda: queue.waiting == len(crowd) + 1, "the newcomer to wait")
            # Who is gone does not wait any more.
            await crowd.pop().close()
            await eventually(lambda: queue.waiting == len(crowd) + 1, "the last one to be forgotten")
        for client in [newcomer, *crowd]:
            await receive_until(client, "audio-stop")
    assert service.trace.of("sentence")[0]["text"] == "Hello."
    assert len(service.trace.of("sentence")) == len(crowd) + 1


async def test_unknown_names_are_told_with_those_that_there_are(settings: TtsSettings) -> None:
    default = "en-US" if settings.voice is None else settings.voice
    async with running(settings) as service, service.client() as client:
        with pytest.raises(PeerError, match=r"no voice 'xx_nobody'.*there are .*\w") as caught:
            await say(client, "Hello.", SynthesizeVoice(name="xx_nobody"))
        assert caught.value.code == "unknown-voice"
        with pytest.raises(PeerError, match="no speaker 'nobody'") as caught:
            await say(client, "Hello.", SynthesizeVoice(name=default, speaker="nobody"))
        assert caught.value.code == "unknown-speaker"
        with pytest.raises(PeerError, match="no language 'qq'") as caught:
            await say(client, "Hello.", SynthesizeVoice(language="qq"))
        assert caught.value.code == "unknown-language"
        check_marks("Hello.", await say(client, "Hello.", SynthesizeVoice(language="en_US")))


async def test_a_refused_stream_gives_one_error_whatever_else_is_sent_for_it(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        await client.send(SynthesizeStart(voice=SynthesizeVoice(name="xx_nobody")).event())
        with pytest.raises(PeerError, match="no voice"):
            await receive(client)
        await client.send(SynthesizeChunk(text="Hello. ").event())
        await client.send(Synthesize(text="Hello. ").event())
        await client.send(SynthesizeStop().event())
        check_marks("Yes.", await say(client, "Yes."))


async def test_bad_requests_are_told(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        for event, code in (
            (Synthesize(text="<speak/>", text_format=SynthesizeTextFormat.SSML).event(), "text-format"),
            (Synthesize(text="x" * (MAX_TEXT_CHARS + 1)).event(), "text-too-long"),
            (SynthesizeChunk(text="x").event(), "no-stream"),
            (SynthesizeStop().event(), "no-stream"),
            (dataclasses.replace(Synthesize(text="").event(), data={}), "bad-event"),
            (dataclasses.replace(Synthesize(text="").event(), data={"text": 5}), "bad-event"),
            (Event(type="synthesize", data={"text": "x", "voice": {"name": 5}}), "bad-event"),
        ):
            await client.send(event)
            with pytest.raises(PeerError) as caught:
                await receive(client)
            assert caught.value.code == code
        check_marks("Fine.", await say(client, "Fine."))


async def test_a_stream_over_the_text_limit_ends_with_an_error(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        await client.send(SynthesizeStart().event())
        for _ in range(3):
            await client.send(SynthesizeChunk(text="x" * (MAX_TEXT_CHARS // 2)).event())
        with pytest.raises(PeerError) as caught:
            await receive_until(client, "audio-stop")
        assert caught.value.code == "text-too-long"
        await client.send(SynthesizeStop().event())
        check_marks("Fine.", await say(client, "Fine."))


async def test_info_is_true(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        await client.send(Describe().event())
        (program,) = Info.from_event(await receive(client)).tts
        assert program.name == (settings.engine or TtsEngine.ESPEAK_NG).value
        assert program.version
        assert program.supports_synthesize_streaming
        voice = next(voice for voice in program.voices if voice.installed and voice.speakers)
        assert voice.description
        assert voice.languages
        assert voice.speakers
        heard = await say(client, "Hello.", SynthesizeVoice(name=voice.name, speaker=voice.speakers[-1].name))
        check_marks("Hello.", heard)


async def test_without_streaming_a_streaming_client_gets_the_whole_text(settings: TtsSettings) -> None:
    async with running(dataclasses.replace(settings, no_streaming=True)) as service, service.client() as client:
        await client.send(Describe().event())
        assert not Info.from_event(await receive(client)).tts[0].supports_synthesize_streaming
        await client.send(SynthesizeStart().event())
        await client.send(SynthesizeChunk(text="Hello. ").event())
        await client.send(Synthesize(text="Hello. ").event())
        await client.send(SynthesizeStop().event())
        heard = await receive_until(client, "audio-stop")
        assert heard.types.count("audio-start") == 1
        check_marks("Hello.", heard)


async def test_sentence_silence_lies_between_sentences_only(settings: TtsSettings) -> None:
    quiet, loud = (dataclasses.replace(settings, sentence_silence=seconds) for seconds in (0.0, 2.0))
    lengths = []
    for variant in (quiet, loud):
        async with running(variant) as service, service.client() as client:
            heard = await say(client, "One. Two. Three.")
            check_marks("One. Two. Three.", heard)
            lengths.append(heard.audio_ms)
    assert lengths[1] - lengths[0] == pytest.approx(4000, abs=20)


async def test_marks_never_repeat_what_was_added_for_the_engine(settings: TtsSettings) -> None:
    async with running(dataclasses.replace(settings, auto_punctuation=".")) as service, service.client() as client:
        heard = await say(client, "Good morning")
    assert heard.marks[-1].text == "morning"
