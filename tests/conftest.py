"""Fixtures that every folder of tests may use."""

pytest_plugins = ["tests.fixtures_store", "tests.fixtures_kafka", "tests.fixtures_secured_kafka"]
