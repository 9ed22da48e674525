"""A database with our schema, made from one that was migrated before."""

import json
from typing import Protocol


class RunsSql(Protocol):
    """A store that statements can be run on."""

    def run(self, sql: str, database: str = ...) -> bytes:
        """Run one and return the answer."""


class MigratedSchema:
    """The tables and views of a database that was migrated, as statements that make them again in another one."""

    DATABASE = "migrated_schema"

    def __init__(self, statements: list[str]) -> None:
        self._statements = statements

    @classmethod
    def read(cls, store: RunsSql) -> "MigratedSchema":
        """Read it, in an order in which the statements can be run: views after what they read."""
        query = f"SELECT create_table_query FROM system.tables WHERE database = '{cls.DATABASE}' FORMAT JSONCompact"
        waiting = [statement for (statement,) in json.loads(store.run(query))["data"]]
        ordered: list[str] = []
        while waiting:
            made = {_made_by(statement) for statement in ordered}
            left = {_made_by(statement) for statement in waiting} - made
            ready = [each for each in waiting if not any(name in _after_name(each) for name in left)]
            assert ready, f"no order in which {left} can be made"
            ordered += ready
            waiting = [each for each in waiting if each not in ready]
        return cls(ordered)

    def create(self, store: RunsSql, name: str) -> None:
        """Make a database of that name that has it, migrations on record."""
        store.run(f"CREATE DATABASE {name}")
        for statement in self._statements:
            store.run(statement.replace(f"{self.DATABASE}.", f"{name}."), name)
        store.run(f"INSERT INTO {name}.schema_migrations SELECT * FROM {self.DATABASE}.schema_migrations")


def _made_by(statement: str) -> str:
    return statement.partition(f"{MigratedSchema.DATABASE}.")[2].split()[0]


def _after_name(statement: str) -> set[str]:
    """Return the tables that a statement names after the one that it makes."""
    return {part.split()[0].rstrip(")`,") for part in statement.split(f"{MigratedSchema.DATABASE}.")[2:]}
