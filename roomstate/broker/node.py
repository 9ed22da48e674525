"""One Apache Kafka process (KRaft) on a folder and a port of its own."""

import base64
import logging
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from roomstate.broker.jars import fetched_jars, require_java
from roomstate.broker.properties import server_properties
from roomstate.ports import free_port
from roomstate.refusals import CommandRefused
from roomstate.running.parent_death import end_with_starter
from roomstate.running.suspending import suspend

_LOG = logging.getLogger(__name__)
_JVM_OPTIONS: Final = (
    *("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
)
_START_S: Final = 60.0
_STOP_S: Final = 30.0
_POLL_S: Final = 0.05


class BrokerNode:
    """A broker that can be stopped, killed, frozen and started again on the same folder and port.

    `options` are added to the broker's configuration and win over ours. To be started from the main thread: the
    process ends with the thread that started it, so that nothing is left behind by a test run that was killed.
    """

    def __init__(self, folder: Path, port: int = 0, options: Mapping[str, str] | None = None) -> None:
        """Shape: port 0 = any free one."""
        self.folder = folder
        self.port = port or free_port()
        self._controller_port = free_port()
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The log's URL on this broker."""
        return f"kafka://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id; 0 = it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    @property
    def log_path(self) -> Path:
        """What the process printed."""
        return self.folder / "broker.log"

    def start(self) -> None:
        """Start the process and return once it takes records.

        Raises: BrokerMissing without Java or jars; CommandRefused with what it printed if it does not start.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._format_once()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties_path)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_starter,  # noqa: PLW1509  # one system call
            )
        self._wait_until_ready()

    def stop(self) -> int:
        """End the process as an operator would; return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as a crash would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Suspend the process and return once all of it stands still: connections stay, nothing is answered."""
        suspend(self.pid)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def _properties_path(self) -> Path:
        return self.folder / "server.properties"

    def _format_once(self) -> None:
        text = server_properties(self.folder, self.port, self._controller_port, self._options)
        self._properties_path.write_text(text)
        if (self.folder / "log" / "meta.properties").exists():
            return
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ("format", f"--cluster-id={cluster_id}", "--config", str(self._properties_path))
        formatting = subprocess.run(
            self._java("kafka.tools.StorageTool", *arguments), capture_output=True, text=True, check=False
        )
        if formatting.returncode:
            raise CommandRefused(f"Kafka can't use {self.folder}: {_reason(formatting.stderr or formatting.stdout)}")

    def _java(self, main_class: str, *arguments: str) -> tuple[str, ...]:
        return require_java(), *_JVM_OPTIONS, "-cp", f"{fetched_jars()}/*", main_class, *arguments

    def _wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + _START_S
        while not self._takes_records():
            if not self.pid or time.monotonic() > deadline_s:
                self.kill()
                raise CommandRefused(f"Kafka did not start: {_reason(self.log_path.read_text(errors='replace'))}")
            time.sleep(_POLL_S)

    def _takes_records(self) -> bool:
        """Tell whether the port is open: the broker opens it last, when it has its place in the cluster."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _end(self, number: int) -> int:
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)  # a frozen one would not notice
        try:
            return process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            _LOG.warning("Kafka did not end within %.0f s and is killed", _STOP_S)
            process.kill()
            return process.wait()


def _reason(text: str) -> str:
    """Return the last error that the broker told, without the stack under it."""
    told = [line.strip() for line in text.splitlines() if "Exception" in line or "ERROR" in line]
    return told[-1] if told else "it said nothing"
