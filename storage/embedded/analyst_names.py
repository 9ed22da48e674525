"""Which functions and tables the reading user may name: nothing that leaves the database.

Functions are taken from the engine's own list by their category, so that a new category is refused; the few harmful
ones of harmless categories are named here. A function that the writing user defined is allowed.
"""

import re
from typing import Final

from storage.embedded.engine import Engine, Session, Surroundings
from storage.embedded.engine_errors import ACCESS_DENIED, EngineError
from storage.embedded.sql_text import quoted_text, words

_PLAIN_NAME: Final = re.compile(r"[^\W\d]\w*\Z")
_TABLE_NAME: Final = re.compile(r"(?:([^\W\d]\w*)\.)?([^\W\d]\w*)\Z")
_REFUSED_CATEGORIES: Final = frozenset(
    {"AI", "Dictionary", "Embedded Dictionary", "Introspection", "Machine Learning", "Internal"}
)
_REFUSED_FUNCTIONS: Final = words(
    """
    file hascolumnintable getmacro showcertificate generateserialid getserversetting filesystemavailable
    filesystemcapacity filesystemunreserved getclienthttpheader zookeepersessionuptime transactionid
    transactionlatestsnapshot transactionoldestsnapshot fuzzquery catboostevaluate reversednsquery eval
    timeseriesstoretags
    """
)
_UNLISTED_FUNCTIONS: Final = frozenset({"lambda", "_cast", "exists"})
_TABLE_FUNCTIONS: Final = words(
    """
    numbers numbers_mt zeros zeros_mt primes generateseries generate_series generaterandom values view format
    null merge
    """
)
_SYSTEM_TABLES: Final = words(
    """
    one numbers numbers_mt zeros zeros_mt primes tables columns databases settings settings_changes functions
    formats data_type_families time_zones contributors licenses parts parts_columns projections projection_parts
    projection_parts_columns data_skipping_indices merges mutations metrics events asynchronous_metrics errors
    build_options collations keywords table_engines table_functions database_engines
    aggregate_function_combinators codecs completions documentation merge_tree_settings
    replicated_merge_tree_settings processes user_processes dictionaries macros clusters detached_parts
    detached_tables dropped_tables dropped_tables_parts disks storage_policies constraints view_refreshes roles
    users current_roles enabled_roles role_grants grants privileges quotas quotas_usage quota_usage quota_limits
    row_policies settings_profiles settings_profile_elements warnings statements unicode tokenizers
    data_skipping_index_types disk_types dimensional_metrics histogram_metrics query_cache query_condition_cache
    user_defined_functions
    """
)
_OWN_SYSTEM: Final = "system"


class AllowedNames:
    """The names that the reading user may use, as the engine of this process has them."""

    def __init__(self, engine: Engine) -> None:
        with engine.session(Surroundings()) as session:
            self._functions = _functions(session)
            self._aggregates = _lines(session, "SELECT lower(name) FROM system.functions WHERE is_aggregate")
            combinators = _lines(session, "SELECT lower(name) FROM system.aggregate_function_combinators")
            self._system_tables = frozenset(_lines(session, "SELECT name FROM system.tables WHERE database = 'system'"))
        self._functions |= _UNLISTED_FUNCTIONS
        self._combinators = tuple(combinators)

    def check_function(self, session: Session, name: str) -> None:
        """Check a function, of rows or of tables. Raises: EngineError."""
        if name.lower() in _TABLE_FUNCTIONS or self._is_allowed(name.lower()):
            return
        if _PLAIN_NAME.match(name) and name.lower() not in _REFUSED_FUNCTIONS:
            sql = f"SELECT count() FROM system.functions WHERE origin = 'SQLUserDefined' AND name = {quoted_text(name)}"
            if session.run(sql, with_parameters=False).body.strip() != b"0":
                return
        raise _refused(f"function {name}")

    def check_known_function(self, name: str) -> None:
        """Check a function that stands without arguments. Raises: EngineError."""
        if not self._is_allowed(name.lower()):
            raise _refused(f"function {name}")

    def check_table_function(self, name: str, _arguments: list[str]) -> None:
        """Check a function in a table's place. Raises: EngineError."""
        if name.lower() not in _TABLE_FUNCTIONS:
            raise _refused(f"table function {name}")

    def check_table(self, name: str, database: str) -> None:
        """Check a table's name, seen from a database. Raises: EngineError."""
        match = _TABLE_NAME.match(name)
        if match is None:
            raise _refused(f"table {name}")
        in_database, table = match[1] or database, match[2]
        if in_database.lower() != _OWN_SYSTEM or table in _SYSTEM_TABLES:
            return
        # Without a database it may be the name of a subquery.
        if match[1] or table in self._system_tables:
            raise _refused(f"table system.{table}")

    def check_plain(self, name: str) -> None:
        """Check that a name is one plain word. Raises: EngineError."""
        if _PLAIN_NAME.match(name) is None:
            raise _refused(f"name {name}")

    def check_merge(self, arguments: list[str], database: str) -> None:
        """Check the arguments of merge(): a database that is named plainly and is not `system`. Raises: EngineError."""
        kind, _, name = arguments[0].partition(" ") if len(arguments) > 1 else ("Identifier", "", database)
        name = name.strip("'")
        if kind not in {"Literal", "Identifier"} or name.lower() == _OWN_SYSTEM or _PLAIN_NAME.match(name) is None:
            raise _refused("merge() of this database")

    def _is_allowed(self, name: str) -> bool:
        if name in _REFUSED_FUNCTIONS:
            return False
        return name in self._functions or self._is_combined(name)

    def _is_combined(self, name: str) -> bool:
        """Tell whether the name is that of an aggregate function with combinators (sumIf, uniqArrayIf)."""
        for combinator in self._combinators:
            if name.endswith(combinator):
                rest = name.removesuffix(combinator)
                if rest in self._aggregates or self._is_combined(rest):
                    return True
        return False


def _refused(what: str) -> EngineError:
    return EngineError(ACCESS_DENIED, f"analyst: Not enough privileges: {what} is not allowed")


def _functions(session: Session) -> frozenset[str]:
    """Return all functions of allowed categories and their other names, in lower case."""
    rows = _lines(session, "SELECT concat(name, '\t', alias_to, '\t', categories) FROM system.functions", raw=True)
    categories, aliases = {}, {}
    for row in rows:
        name, alias_to, listed = row.split("\t")
        categories[name] = {part for part in listed.split(";") if part}
        aliases[name] = alias_to
    table_functions = set(_lines(session, "SELECT lower(name) FROM system.table_functions")) - _TABLE_FUNCTIONS
    allowed = set()
    for name in categories:
        canonical = name
        for _ in range(3):
            canonical = aliases.get(canonical) or canonical
        its = categories.get(canonical, set())
        if its and not its & _REFUSED_CATEGORIES and canonical.lower() not in _REFUSED_FUNCTIONS:
            allowed.add(name.lower())
    # A name that is also a table function's must be harmless in that place too.
    return frozenset(allowed - table_functions)


def _lines(session: Session, sql: str, raw: bool = False) -> list[str]:
    return session.run(sql, "TabSeparatedRaw" if raw else "TabSeparated").body.decode().splitlines()
