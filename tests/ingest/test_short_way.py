"""The short way of a status gives what the long way gives: the same replies, the same inputs, the same order."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ingest.server import IngestServer
from ingest.writer import WriterLimits
from ingest.edge import EdgeLimits
from storage.sqlite_log import SqliteLog
from tests.ingest.controlled import Controlled
from tests.ingest.serving import STATUS, Guest, Served, served, settings_for
