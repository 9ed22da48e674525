"""Apache Kafka's own jars, fetched by Maven once and kept in the user's cache folder."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from roomstate.refusals import CommandRefused

POM: Final = Path(__file__).with_name("pom.xml")
_COPY_GOAL: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_FETCH_S: Final = 600.0


class BrokerMissing(CommandRefused):
    """What the broker needs is not on this machine; the text says what to install."""


def require_java() -> str:
    """Return the path of the `java` command.

    Raises: BrokerMissing.
    """
    return _require("java", "Java 17 or newer (Debian: apt-get install default-jre-headless)")


def fetched_jars() -> Path:
    """Return the folder of the broker's jars; the first call has Maven fetch them (about 60 MB).

    Raises: BrokerMissing if Maven is not installed or cannot fetch them.
    """
    named = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    folder = _cache_folder() / f"kafka-{kafka_version()}-{named}"
    if not folder.is_dir():
        _fetch(folder)
    return folder


def kafka_version() -> str:
    """Return the version that the project's Maven file names."""
    path = "{*}dependencies/{*}dependency/{*}version"
    return ElementTree.parse(POM).getroot().findtext(path, default="")


def _fetch(folder: Path) -> None:
    maven = _require("mvn", "Maven (Debian: apt-get install maven)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / ".fetching.lock").open("w") as lock:
        # Maven's own store of what it fetched is not made for two at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch_now(maven, folder)


def _fetch_now(maven: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as made:
        jars = Path(made) / "jars"
        command = (
            *(maven, "--batch-mode", "--quiet", "--strict-checksums", "--file", str(POM), _COPY_GOAL),
            *("-DincludeScope=runtime", f"-DoutputDirectory={jars}"),
        )
        fetching = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_S, check=False)
        if fetching.returncode or not jars.is_dir():
            raise BrokerMissing(f"Maven could not fetch Apache Kafka: {_first_error(fetching.stdout)}")
        jars.rename(folder)


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roomstate"


def _require(command: str, what: str) -> str:
    path = shutil.which(command)
    if path is None:
        raise BrokerMissing(f"a local Kafka needs {what}; Roomstate itself runs without it")
    return path


def _first_error(text: str) -> str:
    lines = (line.removeprefix("[ERROR]").strip() for line in text.splitlines())
    return next((line for line in lines if line), "no reason given")
