from __future__ import annotations

from interject.servers.stt.engines.idle_pool import UNUSED_S, IdlePool


def never(_: str) -> bool:
    return False


def test_what_fits_is_taken_else_what_was_left_last() -> None:
    pool: IdlePool[str] = IdlePool()
    assert pool.take(never) is None
    for now_s, item in enumerate(("a", "b", "c")):
        pool.leave(item, now_s)
    assert pool.take("b".__eq__) == "b"
    assert [pool.take(never), pool.take(never), pool.take(never)] == ["c", "a", None]


def test_what_is_unused_for_long_is_dropped_but_one_stays() -> None:
    pool: IdlePool[str] = IdlePool()
    for item in ("a", "b", "c"):
        pool.leave(item, 0.0)
    assert pool.drop_unused(UNUSED_S - 1) == 0
    assert pool.drop_unused(UNUSED_S) == 2
    assert pool.drop_unused(10 * UNUSED_S) == 0
    assert pool.take(never) == "c"


def test_what_was_used_meanwhile_stays() -> None:
    pool: IdlePool[str] = IdlePool()
    for item in ("a", "b"):
        pool.leave(item, 0.0)
    pool.leave(pool.take(never) or "", UNUSED_S / 2)
    assert pool.drop_unused(UNUSED_S) == 1
    assert pool.take(never) == "b"
