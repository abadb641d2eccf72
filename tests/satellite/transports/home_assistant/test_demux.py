from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interject.satellite.transports.assist.demux import STALE, Demux

CHUNK_MS = 46


def test_two_streams_are_told_apart_chunk_by_chunk() -> None:
    demux = Demux().opened(1)
    demux, owner = demux.chunk(0, CHUNK_MS)
    assert owner == 1
    demux = demux.disowned().opened(2)
    owners = []
    for timestamp in (CHUNK_MS, 0, 2 * CHUNK_MS, CHUNK_MS):
        demux, owner = demux.chunk(timestamp, CHUNK_MS)
        owners.append(owner)
    assert owners == [STALE, 2, STALE, 2]
    demux, owner = demux.stopped(3 * CHUNK_MS)
    assert owner == STALE
    demux, owner = demux.stopped(2 * CHUNK_MS)
    assert owner == 2
    assert demux == Demux()


def test_an_end_without_a_timestamp_is_that_of_the_speech_that_is_wanted() -> None:
    demux = Demux().opened(1).disowned().opened(2)
    assert demux.stopped(None)[1] == 2


def test_speech_of_no_stream_belongs_to_nobody() -> None:
    assert Demux().chunk(500, CHUNK_MS)[1] is None
    assert Demux().stopped(500)[1] is None
    assert Demux().stopped(None)[1] is None


def test_a_beginning_without_audio_start_is_no_part_of_a_stream_under_way() -> None:
    demux, _ = Demux().opened(1).chunk(0, CHUNK_MS)
    assert demux.chunk(0, CHUNK_MS)[1] is None


def test_other_rounding_is_forgiven() -> None:
    demux = Demux().opened(1).disowned().opened(2)
    demux, _ = demux.chunk(0, CHUNK_MS)
    demux, owner = demux.chunk(CHUNK_MS + 1, CHUNK_MS)
    assert owner == 2
    assert demux.chunk(2 * CHUNK_MS + 1, CHUNK_MS)[1] == 2


def test_of_two_streams_at_the_same_place_the_wanted_one_loses_nothing() -> None:
    """The old one has come to a stop at 0, and only the new one goes on."""
    demux = Demux().opened(1).disowned().opened(2)
    for number in range(20):
        demux, owner = demux.chunk(number * CHUNK_MS, CHUNK_MS)
        assert owner == 2


@given(
    st.lists(st.lists(st.integers(1, 93), min_size=1, max_size=30), min_size=1, max_size=5),
    st.data(),
)
def test_whatever_the_interleaving_each_stream_keeps_its_own(streams: list[list[int]], data: st.DataObject) -> None:
    """Any number of streams, of any chunks: told apart while no two are at the same place."""
    demux = Demux()
    places: dict[int, int] = {}
    left = {owner: list(lengths) for owner, lengths in enumerate(streams, start=1)}
    waiting = list(left)
    while waiting or places:
        unique = [owner for owner in places if list(places.values()).count(places[owner]) == 1]
        can_open = bool(waiting) and 0 not in places.values()
        if not unique and not can_open:
            break
        owner = data.draw(st.sampled_from([*unique, *(waiting[:1] if can_open else [])]))
        if owner not in places:
            waiting.remove(owner)
            places[owner] = 0
            demux = demux.opened(owner)
        elif left[owner]:
            length_ms = left[owner].pop(0)
            demux, taken_for = demux.chunk(places[owner], length_ms)
            assert taken_for == owner
            places[owner] += length_ms
        else:
            demux, taken_for = demux.stopped(places.pop(owner))
            assert taken_for == owner
