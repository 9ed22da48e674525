"""Waking readers in other processes as soon as frames are durable, without polling.

Every reader binds a Unix datagram socket in a folder beside the log; whoever has committed sends one byte to each
socket of the topic. A socket whose owner died refuses the byte and is removed. The byte is only a hint: a reader looks
for itself, and looks anyway every `LOOK_AGAIN_S`, so that a lost hint costs time and never a frame.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import select
import socket
import tempfile
import time
from pathlib import Path

LOOK_AGAIN_S = 0.25
"""The longest sleep of a reader without looking for itself."""

_SOCKET_PATH_BYTES_MAX = 100
"""The kernel takes 107 (Linux) or 103 (macOS) bytes of path."""
_NAME_BYTES_MAX = 32
_BINDING_TRIES = 5


def wakeup_folder(log_path: Path) -> Path:
    """Return the folder of the sockets of a log's readers: the same in every process that opened the same file."""
    beside = log_path.with_name(log_path.name + ".wake")
    if len(os.fsencode(beside)) + 1 + _NAME_BYTES_MAX <= _SOCKET_PATH_BYTES_MAX:
        return beside
    name = hashlib.sha256(os.fsencode(log_path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"roomstate-{name}.wake"


class Sleeper:
    """A reader's side: sleeps until somebody wakes its channel.

    Where no socket can be made the sleeper still works, on the timer alone.
    """

    def __init__(self, folder: Path, channel: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._path = folder / f"{channel}-{os.getpid()}-{secrets.token_hex(4)}"
        self._is_bound = any(self._bind() for _ in range(_BINDING_TRIES))
        self._poller = select.poll()
        self._poller.register(self._socket, select.POLLIN)

    def _bind(self) -> bool:
        """Return whether it worked; it does not if the last of the others took the folder away just now."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._socket.bind(str(self._path))
        except OSError:
            return False
        return True

    def fileno(self) -> int:
        """Return the socket's descriptor, for an event loop to watch."""
        return self._socket.fileno()

    def forget(self) -> None:
        """Drop the hints received so far; to be called before looking, so that none given after the look is lost."""
        with contextlib.suppress(BlockingIOError):
            while self._is_bound:
                self._socket.recv(16)

    def sleep(self, timeout_s: float) -> None:
        """Return when woken, or after `timeout_s` or `LOOK_AGAIN_S`, whichever is shorter."""
        limit_s = max(0.0, min(timeout_s, LOOK_AGAIN_S))
        if self._is_bound:
            self._poller.poll(limit_s * 1000)
        else:
            time.sleep(limit_s)

    def wake(self) -> None:
        """End a sleep under way, from another thread."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"!", str(self._path))

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
        if self._is_bound:
            self._path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others are there
                self._path.parent.rmdir()


class Waker:
    """A writer's side: wakes every sleeper of a channel, in whatever process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def wake(self, channel: int) -> None:
        """Send one byte to each sleeper of the channel; never blocks and never fails."""
        try:
            names = os.listdir(self._folder)
        except OSError:
            return
        prefix = f"{channel}-"
        for name in names:
            if name.startswith(prefix):
                self._send(self._folder / name)

    def _send(self, path: Path) -> None:
        try:
            self._socket.sendto(b"!", str(path))
        except BlockingIOError:
            return  # its buffer is full of hints that it has not seen yet: one more would say nothing new
        except OSError as error:
            if error.errno == errno.ECONNREFUSED and path.is_socket():
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
