"""What every TurnRepository does, whatever keeps the turns: add an implementation to `REPOSITORIES`."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from interject.servers.llm.database import open_database
from interject.servers.llm.errors import Fault, StoreError
from interject.servers.llm.memory_repository import MemoryTurnRepository
from interject.servers.llm.repository import StoredTurn, Summary
from interject.servers.llm.sqlite_repository import SqliteTurnRepository
from interject.servers.llm.turns import Origin, ReplyState, Turn, completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from interject.servers.llm.repository import TurnRepository

    Opened = Callable[[Path], AbstractContextManager[TurnRepository]]

KITCHEN = Origin(None, "kitchen", "d1")


@contextlib.contextmanager
def in_memory(_: Path) -> Iterator[TurnRepository]:
    yield MemoryTurnRepository()


@contextlib.contextmanager
def in_file(path: Path) -> Iterator[TurnRepository]:
    with closing(SqliteTurnRepository(path, open_database(path, 0.0))) as repository:
        yield repository


REPOSITORIES: dict[str, Opened] = {"memory": in_memory, "sqlite": in_file}


@pytest.fixture(params=list(REPOSITORIES.values()), ids=list(REPOSITORIES))
def opened(request: pytest.FixtureRequest) -> Opened:
    chosen: Opened = request.param
    return chosen


@pytest.fixture
def repository(opened: Opened, tmp_path: Path) -> Iterator[TurnRepository]:
    with opened(tmp_path / "turns") as made:
        yield made


@pytest.fixture
def other(opened: Opened, tmp_path: Path) -> Iterator[TurnRepository]:
    """Another repository of the same kind, that shares nothing with the first."""
    with opened(tmp_path / "other") as made:
        yield made


def asked(text: str, created: float = 1.0, engine: str = "openai") -> Turn:
    return Turn(None, None, text, "", ReplyState.PENDING, created, created, engine)


def texts(stored: list[StoredTurn]) -> list[str]:
    return [kept.turn.asked for kept in stored]


def test_a_turn_is_found_as_it_was_added(repository: TurnRepository) -> None:
    turn = Turn(None, 7, "Grüße\nan dich", "", ReplyState.PENDING, 10.5, 11.5, "openai")
    turn_id = repository.add("c", KITCHEN, turn)
    kept = repository.find(turn_id)
    assert kept == Turn(turn_id, 7, "Grüße\nan dich", "", ReplyState.PENDING, 10.5, 11.5, "openai")
    assert repository.newest() == [StoredTurn("c", Origin("c", "kitchen", "d1"), kept)]
    assert repository.find(turn_id + 1) is None


def test_a_change_is_kept_and_one_of_a_turn_that_is_gone_does_nothing(repository: TurnRepository) -> None:
    turn_id = repository.add("c", KITCHEN, asked("Hello"))
    before = repository.find(turn_id)
    assert before is not None
    after = completed(before, "Good day.", 9.0)
    repository.update(after)
    assert repository.find(turn_id) == after
    repository.clear()
    repository.update(after)
    assert repository.newest() == []


def test_a_conversation_is_its_newest_turns_oldest_first(repository: TurnRepository) -> None:
    for number in range(5):
        repository.add("c", KITCHEN, asked(f"c{number}", created=number))
        repository.add("d", KITCHEN, asked(f"d{number}", created=number))
    assert [turn.asked for turn in repository.turns("c", 1.0, 2)] == ["c3", "c4"]
    assert [turn.asked for turn in repository.turns("c", 1.0, 10)] == ["c2", "c3", "c4"]
    assert repository.turns("e", 0.0, 10) == []


def test_the_newest_of_all_conversations_come_first(repository: TurnRepository) -> None:
    for number in range(4):
        repository.add(f"c{number % 2}", KITCHEN, asked(str(number), created=number))
    assert texts(repository.newest()) == ["3", "2", "1", "0"]
    assert texts(repository.newest(2)) == ["3", "2"]
    assert texts(repository.newest(10, asked_after=1.0)) == ["3", "2"]


def test_the_conversation_of_a_turn(repository: TurnRepository) -> None:
    ids = [repository.add("c" if number != 1 else "d", KITCHEN, asked(str(number))) for number in range(4)]
    assert texts(repository.conversation_of(ids[0], 10)) == ["3", "2", "0"]
    assert texts(repository.conversation_of(ids[0], 1)) == ["3"]
    assert repository.conversation_of(ids[-1] + 1, 10) == []


def test_what_another_engine_answered_is_counted(repository: TurnRepository) -> None:
    for engine in ("openai", "offline", "openai"):
        repository.add("c", KITCHEN, asked("Hello", engine=engine))
    assert (repository.count_of_others("offline"), repository.count_of_others("openai")) == (2, 1)


def test_a_transaction_that_fails_leaves_all_as_it_was(repository: TurnRepository) -> None:
    turn_id = repository.add("c", KITCHEN, asked("Hello"))
    before = repository.find(turn_id)
    assert before is not None

    def fail() -> None:
        with repository.transaction():
            repository.update(completed(before, "Good day.", 9.0))
            repository.add("c", KITCHEN, asked("And?"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [kept.turn for kept in repository.newest()] == [before]
    with repository.transaction():
        repository.add("c", KITCHEN, asked("And?"))
    assert texts(repository.newest()) == ["And?", "Hello"]


def test_what_is_purged_is_gone_and_its_ids_are_not_used_again(repository: TurnRepository) -> None:
    ids = [repository.add("c", KITCHEN, asked(str(number), created=number)) for number in range(3)]
    repository.purge(1.0)
    assert texts(repository.newest()) == ["2"]
    repository.clear()
    assert repository.newest() == []
    assert repository.add("c", KITCHEN, asked("3")) > ids[-1]


def test_turns_of_another_repository_take_the_place_of_those_with_their_ids(
    repository: TurnRepository, other: TurnRepository
) -> None:
    for number in range(3):
        other.add("c", KITCHEN, asked(f"other {number}"))
    repository.add("d", KITCHEN, asked("mine"))
    repository.put(other.newest())
    assert repository.newest() == other.newest()
    assert repository.add("c", KITCHEN, asked("next")) == other.add("c", KITCHEN, asked("next"))


def test_merging_brings_what_became_of_turns_meanwhile(repository: TurnRepository, other: TurnRepository) -> None:
    turn_id = repository.add("c", KITCHEN, asked("Hello"))
    other.put(repository.newest())
    kept = other.find(turn_id)
    assert kept is not None
    other.update(completed(kept, "Good day.", 9.0))
    other.add("c", KITCHEN, asked("And?"))
    for _ in range(2):
        repository.merge(other.newest())
        assert repository.newest() == other.newest()


def test_merging_leaves_a_turn_alone_that_has_the_id_of_another_conversations(
    repository: TurnRepository, other: TurnRepository
) -> None:
    repository.add("c", KITCHEN, asked("mine"))
    before = repository.newest()
    other.add("d", KITCHEN, asked("not mine"))
    repository.merge(other.newest())
    assert repository.newest() == before


def test_merging_does_not_bring_back_what_was_forgotten(repository: TurnRepository, other: TurnRepository) -> None:
    repository.add("c", KITCHEN, asked("A secret", created=10.0))
    other.put(repository.newest())
    other.add("c", KITCHEN, asked("A later secret", created=19.0))
    other.add("c", KITCHEN, asked("Hello", created=21.0))
    assert repository.forget_all(20.0) == 1
    repository.merge(other.newest())
    assert texts(repository.newest()) == ["Hello"]


def test_one_conversation_is_forgotten_and_the_others_are_kept(repository: TurnRepository) -> None:
    for name, created in (("c", 3.0), ("d", 2.0), ("c", 1.0)):
        repository.add(name, KITCHEN, asked("Hello", created=created))
    assert repository.summaries() == [Summary("d", 1, 2.0), Summary("c", 2, 3.0)]
    assert repository.forget("e", 5.0) == 0
    assert repository.forget("c", 5.0) == 2
    assert repository.summaries() == [Summary("d", 1, 2.0)]


def test_memory_drops_the_older_half_where_there_is_no_room() -> None:
    repository = MemoryTurnRepository(most_bytes=100_000)
    for number in range(100):
        repository.add("c", KITCHEN, asked(f"{number} " + "x" * 5000))
        assert texts(repository.newest())[0].startswith(f"{number} ")
        assert len(repository.newest()) <= 20
    assert len(repository.newest()) > 5


def test_errors_of_a_file_say_what_is_to_be_done(tmp_path: Path) -> None:
    path = tmp_path / "turns"
    with in_file(path) as repository, closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked by another program") as locked:
            repository.add("c", KITCHEN, asked("Hello"))
        program.execute("ROLLBACK")
        repository.add("c", KITCHEN, asked("Hello"))
        program.execute("UPDATE turns SET state = 'half a'")
        with pytest.raises(StoreError, match="is damaged") as damaged:
            repository.newest()
    assert (locked.value.fault, damaged.value.fault) == (Fault.OUTAGE, Fault.DAMAGED)
