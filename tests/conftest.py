"""Fixtures that every folder of tests may use, and how drawn examples are chosen.

`make test` draws the same examples each time, so that a change is judged by what it changed. To look for what nobody
has thought of, draw others: `pytest --hypothesis-profile search`.
"""

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("same")

pytest_plugins = ["tests.fixtures_store", "tests.fixtures_kafka", "tests.fixtures_secured_kafka"]
