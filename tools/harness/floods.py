"""Peers that send a service all they can, as a program of the lowest priority that ends by itself.

`python -m tools.harness.floods FLOOD PORT ADDRESS SECONDS` attacks a service on loopback from an address of loopback,
and prints how many frames or connections it sent. What the service answers is read and thrown away.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# The kernel is to run whoever is attacked first: two processes that want the same core say nothing of the service.
_NICE = 19
# What a service takes at most in one JSON part.
_JSON_BYTES = 1 << 16
_PAYLOAD_BYTES = 4 << 20
_PING = b'{"type": "ping"}\n'
_DESCRIBE = b'{"type": "describe"}\n'
# 3 MiB, all that fits in the buffers between the two at first.
_PINGS = 45_000
_FLOODERS = 20
_JSON_FLOODERS = 32
_CONNECTIONS = 2_000
_PAYLOADS = 200
# Writing waits for the service this long, so that the end is noticed.
_PATIENCE_S = 0.1


class Flood(Enum):
    """What is sent."""

    PINGS = "pings"
    LISTS = "lists"
    KEYS = "keys"
    MANY_LISTS = "many-lists"
    DESCRIBES = "describes"
    CONNECTIONS = "connections"
    PAYLOADS = "payloads"


def main() -> int:
    """Attack; see above."""
    os.nice(_NICE)
    flood, port, address, seconds = sys.argv[1:]
    attack = _Attack(int(port), address, time.monotonic() + float(seconds))
    _ATTACKS[Flood(flood)](attack)
    sys.stdout.write(f"{attack.sent}\n")
    return 0


class _Attack:
    """One attacker: where to, from where, until when."""

    def __init__(self, port: int, address: str, until_s: float) -> None:
        self._port = port
        self._address = address
        self._until_s = until_s
        self.sent = 0

    def goes_on(self) -> bool:
        return time.monotonic() < self._until_s

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=1, source_address=(self._address, 0))
        connection.settimeout(_PATIENCE_S)
        return connection

    def pour(self, frame: bytes, at_once: int) -> None:
        """Send a frame over and over on one connection; a service that closes it gets the next."""
        batch = frame * at_once
        while self.goes_on():
            with contextlib.suppress(OSError), self.connect() as connection:
                reading = threading.Thread(target=_drain, args=(connection,), daemon=True)
                reading.start()
                while self.goes_on():
                    self._send_whole(connection, batch)
                    self.sent += at_once

    def _send_whole(self, connection: socket.socket, data: bytes) -> None:
        left = memoryview(data)
        while left and self.goes_on():
            with contextlib.suppress(TimeoutError):
                left = left[connection.send(left) :]

    def from_many(self, flooders: int, frame: bytes, at_once: int) -> None:
        threads = [threading.Thread(target=self.pour, args=(frame, at_once), daemon=True) for _ in range(flooders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def storm(self) -> None:
        """Connect and leave, in rounds; every other connection is reset."""
        abruptly = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        while self.goes_on():
            for number in range(_CONNECTIONS):
                if not self.goes_on():
                    break
                with contextlib.suppress(OSError), self.connect() as connection:
                    if number % 2:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abruptly)
                    self.sent += 1

    def hold_payloads(self) -> None:
        """Send many payloads that lack their last byte, and wait."""
        header = f'{{"type": "audio-chunk", "payload_length": {_PAYLOAD_BYTES}}}\n'.encode()
        almost = header + bytes(_PAYLOAD_BYTES - 1)
        with contextlib.ExitStack() as open_ones:
            for _ in range(_PAYLOADS):
                if not self.goes_on():
                    break
                with contextlib.suppress(OSError):
                    connection = open_ones.enter_context(self.connect())
                    # Whoever is not read any more goes on with the next connection.
                    connection.settimeout(0)
                    self._send_what_goes(connection, almost)
                    self.sent += 1
            time.sleep(max(0.0, self._until_s - time.monotonic()))

    def _send_what_goes(self, connection: socket.socket, data: bytes) -> None:
        left, patience_s = memoryview(data), time.monotonic() + _PATIENCE_S
        while left and time.monotonic() < patience_s:
            try:
                left = left[connection.send(left) :]
            except BlockingIOError:
                time.sleep(0.001)


def _drain(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1 << 16):
                    return


def _json_frame(data: bytes) -> bytes:
    return f'{{"type": "no-such", "data_length": {len(data)}}}\n'.encode() + data


def _lists() -> bytes:
    return b'{"a":[' + b",".join([b"[]"] * ((_JSON_BYTES - 16) // 3)) + b"]}"


def _keys() -> bytes:
    return b"{" + b",".join(b'"%05d":0' % number for number in range((_JSON_BYTES - 16) // 10)) + b"}"


_ATTACKS: dict[Flood, Callable[[_Attack], None]] = {
    Flood.PINGS: lambda attack: attack.pour(_PING, _PINGS),
    Flood.LISTS: lambda attack: attack.pour(_json_frame(_lists()), 8),
    Flood.KEYS: lambda attack: attack.pour(_json_frame(_keys()), 8),
    Flood.MANY_LISTS: lambda attack: attack.from_many(_JSON_FLOODERS, _json_frame(_lists()), 2),
    Flood.DESCRIBES: lambda attack: attack.from_many(_FLOODERS, _DESCRIBE, 1000),
    Flood.CONNECTIONS: lambda attack: attack.storm(),
    Flood.PAYLOADS: lambda attack: attack.hold_payloads(),
}


if __name__ == "__main__":
    sys.exit(main())
