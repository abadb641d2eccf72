"""What real Home Assistants, 2026.11.0 and 2026.2.3, said to the satellite, and how to play it to its pure machine.

The `.jsonl` files here were recorded in November 2026, on loopback, with the taps of script/test-homeassistant:

    script/test-homeassistant --work out/homeassistant                 # 2026.11.0; --suite trixie: 2026.2.3
    PYTHONPATH=. .venv/bin/python -m tools.generators.record_traces \
        out/homeassistant/2026.11.0 tests/satellite/transports/home_assistant/traces

`streaming` was cut off 2.5 s into the reply with 2026.2.3, whose speech begins later than that of 2026.11: at 4 s the
agent had already finished, which is `streaming-late`.

The first line of each says which version and scene it is (`scenes` of tools/home_assistant tells what happens
in each). Every other line is an event: `t` (seconds since `run-satellite`), `direction`, `type`, `data`, and `bytes` of
payload if there was any. Directions: `home` is what Home Assistant sent; `satellite` what it was sent, without the
microphone's audio; `call` what the conversation asked of its pipeline, as the satellite's trace has it. Chunks that
came at once are one line, from `t` to `until`: in `chunks`, each [stream, first timestamp, number of chunks] is a run
of chunks whose timestamps advance by their length. `stream` counts the streams of speech; whose a chunk is was not
guessed (no other stream could have had its timestamp), and each stream that came to its end has as many bytes as the
TTS server spoke. No audio was kept: what is played to the machine instead says of which stream it is, and its place
there.
"""
