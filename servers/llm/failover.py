"""Turns in a file, with the newest mirrored in memory, which takes over while the file fails."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, TypeVar

from interject.servers.llm.conversations import Conversations, Retention
from interject.servers.llm.database import LOCK_WAIT_S, begin_anew, open_database, remove_set_aside
from interject.servers.llm.errors import StoreDamagedError, StoreError, StoreOutageError
from interject.servers.llm.memory_repository import MemoryTurnRepository
from interject.servers.llm.outage import (
    TRY_AGAIN_S,
    Clocks,
    Disk,
    Step,
    after_fault,
    after_success,
    is_expiry_due,
    may_expire,
    put_off,
)
from interject.servers.llm.sqlite_repository import SqliteTurnRepository

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from interject.servers.llm.repository import TurnRepository

T = TypeVar("T", bound=object)
_LOGGER = logging.getLogger(__name__)

# What a large house says in some hours.
_MOST_TURNS_LOADED = 200
# What one turn may change in memory: its conversation as far as an interruption looks back.
_MOST_TURNS_MIRRORED = 200


class FailoverStorage:
    """Does work on conversations in the file, or in memory alone while the file fails; `do` raises no StoreError.

    Memory has the newest turns under the same ids, so it goes on where the file left off; and the file, when it can be
    used again, takes what was said meanwhile. An outage is one line in the log, and its end another. Every method
    blocks, and one thread may use it.
    """

    def __init__(
        self,
        path: Path,
        retention: Retention,
        engine: str,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`engine` writes the replies; `clock` tells the time in seconds since 1970, `monotonic` any, in s."""
        self._path = path
        self._retention = retention
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._memory = MemoryTurnRepository()
        self._file: SqliteTurnRepository | None = None
        self._disk = Disk()
        self._expired_at: Clocks | None = None
        # Of the file as memory has it; 0 before memory has it.
        self._version = 0

    def open(self) -> None:
        """Open or create the file, and delete what has expired; raises StoreError where it can never be used."""
        try:
            self._open(LOCK_WAIT_S)
        except StoreOutageError as error:
            self._go_without(error)
        if others := self._in_file(lambda file: file.count_of_others(self._engine)):
            _LOGGER.info("%d of the answers in %s are another engine's: this one is not shown them", others, self._path)
        self._expire()

    def close(self) -> None:
        """Close the file; one that failed gets a last chance to take what was said."""
        if self._disk.out_since is not None:
            self._try_again()
        self._let_go()

    def do(self, work: Callable[[Conversations], T], touched: Callable[[T], int | None]) -> T:
        """Do work in one transaction, and return its result; `touched` gives the id of the turn that it changed."""
        done = self._in_file(lambda file: self._do_in_file(file, work, touched))
        if done is not None:
            return done
        with self._memory.transaction():
            return work(self._conversations(self._memory))

    def maintain(self) -> None:
        """Try a file that failed again, and delete what has expired, each where it is due."""
        if self._disk.is_due(self._monotonic()):
            self._try_again()
        self._in_file(self._follow)
        if is_expiry_due(self._expired_at, self._now()):
            self._expire()

    def _conversations(self, repository: TurnRepository) -> Conversations:
        return Conversations(repository, self._retention, self._engine, self._clock)

    def _in_file(self, work: Callable[[SqliteTurnRepository], T]) -> T | None:
        """Return the result of work that is done in the file, None while no file can be used."""
        while self._file is not None:
            try:
                return work(self._file)
            except StoreError as error:
                self._mend(error)
        return None

    def _do_in_file(
        self, file: SqliteTurnRepository, work: Callable[[Conversations], T], touched: Callable[[T], int | None]
    ) -> T:
        with file.transaction():
            self._follow(file)
            done = work(self._conversations(file))
            turn_id = touched(done)
            changed = [] if turn_id is None else file.conversation_of(turn_id, _MOST_TURNS_MIRRORED)
        self._memory.put(changed)
        return done

    def _follow(self, file: SqliteTurnRepository) -> bool:
        """Load the newest turns into memory again if another program has changed the file; returns True."""
        version = file.version()
        if version != self._version:
            newest = file.newest(_MOST_TURNS_LOADED)
            self._version = version
            self._memory.clear()
            self._memory.put(newest)
        return True

    def _mend(self, error: StoreError) -> None:
        """Let the file go; begin a new one if it is damaged, use memory alone otherwise."""
        self._disk, step = after_fault(self._disk, error.fault, self._monotonic())
        if step is Step.USE_MEMORY and self._file is not None:
            # Also a disk that is full can be read: what was forgotten a moment ago is not to come back.
            with contextlib.suppress(StoreError):
                self._follow(self._file)
        self._let_go()
        if step is Step.USE_MEMORY:
            self._tell(error)
            return
        try:
            self._begin_anew(error)
        except StoreError as failed:
            self._go_without(failed)

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _go_without(self, told: StoreError) -> None:
        self._disk = put_off(self._disk, self._monotonic())
        self._tell(told)

    def _tell(self, told: StoreError) -> None:
        _LOGGER.error(
            "%s; until then conversations are kept in memory alone, and it is tried again every %g s", told, TRY_AGAIN_S
        )

    def _try_again(self) -> None:
        self._disk = put_off(self._disk, self._monotonic())
        try:
            # Nobody is to wait for a lock that was there before.
            self._open(0.0)
        except StoreError as error:
            _LOGGER.debug("%s still cannot be used: %s", self._path, error)
            return
        _LOGGER.warning("the conversation store %s works again; it has what was said meanwhile", self._path)

    def _open(self, lock_wait_s: float) -> None:
        """Use the file, or a new one in place of a damaged one; raises StoreError."""
        connection = open_database(self._path, self._clock(), lock_wait_s)
        try:
            self._use(connection)
        except StoreDamagedError as error:
            self._begin_anew(error)

    def _begin_anew(self, damage: StoreError) -> None:
        """Use a new file in place of a damaged one that is closed; raises StoreError."""
        self._use(begin_anew(self._path, self._clock(), damage))

    def _use(self, connection: sqlite3.Connection) -> None:
        """Use a file that was opened, once it has all that memory has; raises StoreError, and then it is closed."""
        file = SqliteTurnRepository(self._path, connection)
        try:
            with file.transaction():
                file.merge(self._memory.newest())
            file.wait_for_locks(LOCK_WAIT_S)
            self._version = 0
            self._follow(file)
        except BaseException:
            file.close()
            raise
        self._file = file
        self._disk = after_success(self._disk)

    def _expire(self) -> None:
        """Delete what has expired, unless the date has jumped since the last time."""
        now = self._now()
        if may_expire(self._expired_at, now):
            self._expire_in(self._memory)
            self._in_file(self._expire_in_file)
            self._read_anew()
            remove_set_aside(self._path, now.wall_s - self._retention.life_s)
        self._expired_at = now

    def _expire_in_file(self, file: SqliteTurnRepository) -> bool:
        self._expire_in(file)
        file.give_room_back()
        return True

    def _read_anew(self) -> None:
        """Open the file again, so that damage is found while memory still has the turns to mend it with.

        SQLite does not read again what it has in its cache.
        """
        if self._file is None:
            return
        self._let_go()
        try:
            self._open(LOCK_WAIT_S)
        except StoreError as error:
            self._go_without(error)

    def _expire_in(self, repository: TurnRepository) -> None:
        with repository.transaction():
            self._conversations(repository).expire()

    def _now(self) -> Clocks:
        return Clocks(self._clock(), self._monotonic())
