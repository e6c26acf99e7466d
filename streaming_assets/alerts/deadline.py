"""A deadline for an exchange as a whole: a timeout of a socket begins anew with every byte."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress


class Line:
    """The connections of an exchange; they are gone when it is hung up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: list[socket.socket] = []
        self._is_hung_up = False

    def goes_over(self, opened: socket.socket) -> None:
        """Make a connection part of the line, before anything is waited for that comes over it."""
        with self._lock:
            if self._is_hung_up:
                opened.close()
                raise TimeoutError
            # TLS takes the connection away from the socket that it wraps, and leaves its duplicate.
            self._opened.append(opened.dup())

    def hang_up(self) -> None:
        """End the connections: whoever waits for them goes on at once, and no other is used."""
        with self._lock:
            self._is_hung_up = True
            for opened in self._opened:
                with suppress(OSError):  # the other side was faster
                    opened.shutdown(socket.SHUT_RDWR)
                opened.close()
            self._opened.clear()


def within(seconds: float, exchange: Callable[[Line], None]) -> None:
    """Have an exchange over a line. Raises TimeoutError if it is not over in time, and what the exchange raises."""
    line = Line()
    outcome: Future[None] = Future()

    def answer() -> None:
        try:
            exchange(line)
        except Exception as error:
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    # A look-up of a name cannot be broken off: its thread outlives the deadline until the resolver gives up.
    threading.Thread(target=answer, daemon=True).start()
    try:
        outcome.result(timeout=seconds)
    finally:
        line.hang_up()
