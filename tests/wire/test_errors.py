"""What an error says and carries where another process gets it."""

from __future__ import annotations

import pickle

from interject.wire.errors import FrameTooLargeError


def test_an_error_from_another_process_says_and_carries_the_same() -> None:
    error = FrameTooLargeError("header", None, 5)

    # Bytes of our own making.
    got = pickle.loads(pickle.dumps(error))

    assert type(got) is FrameTooLargeError
    assert str(got) == str(error)
    assert (got.part, got.size, got.limit) == ("header", None, 5)
