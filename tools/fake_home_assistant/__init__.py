"""A Home Assistant to test against: it talks to a satellite as the real one was measured to do.

    turns = [Turn("what time is it", Reply("Noon.", tone(1.0)))]
    async with FakeHomeAssistant(connector("tcp://127.0.0.1:10700"), turns, V2026_11) as home:
        await home.connected()
        ...                                # the satellite hears speech: run-pipeline, audio-chunk…, audio-stop
        await home.received("played")      # waits, and fails with the wire log after some seconds
        assert home.utterances[0].audio.startswith(FIRST_WORD)
        await home.announce(tone(2.0))     # returns when it was played, as the real one does
        home.mute()
        home.unmute()
        home.timer(TimerFinished(id="1").event())
        home.drop_link()

Modules: `release` (what versions differ in, and all times; run it on a virtual clock with a unix:// URI), `script`
(what is transcribed, thought and spoken; a list of turns or a function of what STT got), `runs` (pipeline runs, and the
flaw that makes it deaf), `stages` (wake word, STT, agent, TTS), `voice` (its voice activity detection), `speech` (reply
audio on the wire), `peer` (connections, pings, announcements, timers, mute), `wire_log` (all that was sent and
received). Each says which measured behaviour it mirrors; measured are Home Assistant 2026.11.0 and 2026.2.3.
"""
