"""The pipeline of the processors' tests, here too."""

from tests.processors.conftest import pipeline

__all__ = ["pipeline"]
