"""Many requests side by side, by threads that end with the pull, however it ends.

The threads are daemons: a program that was interrupted ends at once, even while one of
them looks for a host.
"""

import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Lock, Semaphore, Thread
from types import TracebackType
from typing import Self

from braze_frames.errors import AuthError, BrazeError, RequestError

Outcome = bytes | BrazeError

# Answers for each thread that may wait to be read, so that they don't fill memory.
_AHEAD = 2

# Seconds for all threads to end once their sockets are cut; it takes them far less.
_GRACE = 1.0


class Requests(Iterator[tuple[int, Outcome]]):
    """Requests under way: iterate over what comes, number and body or error.

    Whatever ends the iteration early, an interrupt, an error or `close`, closes the
    client: no thread goes on asking or waiting.

    Parameters
    ----------
    ask : callable
        Number → body; raises what went wrong.
    size : int
        How many requests there are.
    workers : int
        How many threads ask.
    close : callable
        Closes the client.
    """

    def __init__(
        self,
        ask: Callable[[int], bytes],
        size: int,
        workers: int,
        close: Callable[[], None],
    ) -> None:
        self._left, self._close = size, close
        self._read: tuple[int, Outcome] | None = None
        self._crew = _Crew(ask, size, min(workers, size))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None or self._left:
            self.close()

    def __del__(self) -> None:
        self._crew.stop()

    def __next__(self) -> tuple[int, Outcome]:
        if self._read is not None:
            self._read = None
            self._crew.room.release()
        if not self._left:
            self._crew.end()
            raise StopIteration
        try:
            self._crew.start()
            self._read = self._crew.answers.get()
        except BaseException:
            self.close()
            raise
        self._left -= 1
        if isinstance(self._read[1], AuthError):
            self.close()
            raise self._read[1]
        return self._read

    def close(self) -> None:
        """Ask for nothing more, and close the client."""
        self._left = 0
        self._crew.stop()
        self._close()
        self._crew.end()

    def came(self) -> list[tuple[int, bytes]]:
        """Return the answers that came and were not yet read to their end.

        The newest one that was handed out is among them: an interrupt may have come
        before it was used.
        """
        waiting = [] if self._read is None else [self._read]
        while True:
            try:
                waiting.append(self._crew.answers.get_nowait())
            except Empty:
                break
        return [(n, body) for n, body in waiting if isinstance(body, bytes)]


class _Crew:
    """The threads: apart from what is iterated, so that they don't keep it alive."""

    def __init__(self, ask: Callable[[int], bytes], size: int, workers: int) -> None:
        self._ask, self._numbers = ask, iter(range(size))
        self._lock = Lock()
        self._stopped = False
        self.room = Semaphore((1 + _AHEAD) * workers)
        self.answers: SimpleQueue[tuple[int, Outcome]] = SimpleQueue()
        self._threads = [
            Thread(target=self._work, name=f"braze_frames-{n}", daemon=True)
            for n in range(workers)
        ]
        self._idle = [*self._threads]

    def start(self) -> None:
        """Start the threads that do not run yet."""
        while self._idle:
            self._idle.pop().start()

    def stop(self) -> None:
        """Let no thread ask any more."""
        self._stopped = True
        self.room.release(max(len(self._threads), 1))

    def end(self) -> None:
        """Wait a moment for the threads to end."""
        self.stop()
        until = time.monotonic() + _GRACE
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(until - time.monotonic(), 0.0))

    def _work(self) -> None:
        while True:
            self.room.acquire()
            with self._lock:
                number = None if self._stopped else next(self._numbers, None)
            if number is None:
                return
            self.answers.put((number, self._outcome(number)))

    def _outcome(self, number: int) -> Outcome:
        try:
            return self._ask(number)
        except BrazeError as error:
            return error.with_traceback(None)
        except BaseException as error:  # noqa: BLE001 - a thread has no one to tell
            kind = type(error).__name__
        return RequestError(f"the answer could not be read ({kind}); ask again")
