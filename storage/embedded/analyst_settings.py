"""Which settings the reading user may give: formats, how a query reads and joins, and tighter limits.

Of what clients send by themselves, the harmless rest is ignored. Everything else is refused: some settings hold file
names, SQL, or a way out of the limits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from storage.embedded.engine_errors import READONLY, SETTING_OUT_OF_BOUNDS, EngineError
from storage.embedded.sql_text import words

_FORMAT_SETTING: Final = re.compile(r"(?:output_format|input_format|format|date_time|optimize|join|group_by)_\w+\Z")
_LIMIT_SETTING: Final = re.compile(
    r"max_(?:rows|bytes|result|block_size|columns|temporary_columns|temporary_non_const_columns|threads|execution_time"
    r"|partitions_to_read|execution_speed)\w*\Z|max_memory_usage\Z|\w+_overflow_mode\Z"
)
_REFUSED_SETTING: Final = re.compile(
    r"format_(?:schema|template_(?:row|resultset)\Z|avro_schema_registry|display_secrets)"
    r"|input_format_record_errors_file_path|output_format_(?:schema|avro_confluent)"
)
"""What looks like a setting of formats, but names files or servers or shows secrets."""
_READ_SETTINGS: Final = words(
    """
    session_timezone extremes totals_mode totals_auto_threshold limit offset final union_default_mode
    intersect_default_mode except_default_mode any_join_distinct_right_table_keys prefer_column_name_to_alias
    transform_null_in aggregate_functions_null_for_empty empty_result_for_aggregation_by_empty_set
    cast_keep_nullable cast_string_to_dynamic_use_inference cast_string_to_variant_use_inference
    data_type_default_nullable enable_unaligned_array_join
    enable_extended_results_for_datetime_functions force_index_by_date force_primary_key
    force_optimize_projection use_skip_indexes use_skip_indexes_if_final use_query_condition_cache
    do_not_merge_across_partitions_select_final short_circuit_function_evaluation preferred_block_size_bytes
    preferred_max_column_in_block_size_bytes min_bytes_to_use_direct_io timeout_before_checking_execution_speed
    low_cardinality_allow_in_native_format allow_experimental_json_type allow_experimental_variant_type
    allow_experimental_dynamic_type allow_experimental_object_type enable_json_type enable_variant_type
    enable_dynamic_type allow_experimental_time_time64_type enable_time_time64_type
    function_range_max_elements_in_block count_distinct_implementation rows_before_aggregation
    exact_rows_before_limit query_plan_optimize_prewhere allow_suspicious_types_in_group_by
    allow_suspicious_types_in_order_by describe_compact_output describe_include_subcolumns
    show_table_uuid_in_table_create_query_if_not_nil analyze_index_with_space_filling_curves
    """
)
_IGNORED: Final = words(
    """
    log_comment log_queries log_query_threads log_query_settings log_profile_events log_processors_profiles
    log_formatted_queries send_logs_level send_profile_events send_progress_in_http_headers
    http_headers_progress_interval_ms http_write_exception_in_output_format add_http_cors_header
    cancel_http_readonly_queries_on_client_close connect_timeout connect_timeout_with_failover_ms
    receive_timeout send_timeout http_send_timeout http_receive_timeout http_connection_timeout
    http_max_uri_size tcp_keep_alive_timeout idle_connection_timeout async_insert wait_for_async_insert
    wait_for_async_insert_timeout async_insert_busy_timeout_ms async_insert_max_data_size
    async_insert_deduplicate insert_deduplicate insert_quorum insert_quorum_timeout insert_deduplication_token
    insert_null_as_default insert_distributed_sync mutations_sync alter_sync distributed_ddl_task_timeout
    distributed_ddl_output_mode database_atomic_wait_for_drop_and_detach_synchronously
    replication_alter_partitions_sync select_sequential_consistency load_balancing priority use_client_time_zone
    use_uncompressed_cache use_query_cache enable_writes_to_query_cache enable_reads_from_query_cache
    query_cache_ttl query_cache_nondeterministic_function_handling workload network_zstd_compression_level
    stream_flush_interval_ms parallel_replicas_for_cluster_engines max_parallel_replicas skip_unavailable_shards
    prefer_localhost_replica os_thread_priority allow_experimental_analyzer enable_analyzer
    max_insert_block_size min_insert_block_size_rows min_insert_block_size_bytes max_insert_threads
    max_partitions_per_insert_block max_query_size
    """
)


@dataclass(frozen=True, slots=True)
class AnalystLimits:
    """What one query of the reading user may take at most: time, memory, answer, and disk while it runs."""

    time_s: int = 60
    memory_bytes: int = 2 << 30
    result_bytes: int = 1 << 30
    temporary_bytes: int = 4 << 30
    threads: int = 2

    def settings(self) -> dict[str, str]:
        """Return the limits as the engine's settings."""
        return {
            "max_execution_time": str(self.time_s),
            "max_memory_usage": str(self.memory_bytes),
            "max_result_bytes": str(self.result_bytes),
            "max_temporary_data_on_disk_size_for_query": str(self.temporary_bytes),
            "max_threads": str(self.threads),
        }


class AnalystSettings:
    """Judges settings given beside the statement and inside it."""

    def __init__(self, limits: AnalystLimits) -> None:
        self._limits = limits.settings()

    def beside(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the settings to run with: those given, within the limits, and the limits.

        A limit that is too wide is narrowed (`narrowed` names it): clients send theirs with every query.
        Raises: EngineError if a setting is not for the reading user.
        """
        settings = {}
        for name, value in given.items():
            if name in _IGNORED or (name == "readonly" and value in {"1", "2"}):
                continue
            self._check_name(name)
            if name not in self._limits or self._is_within(name, value):
                settings[name] = value
        return self._limits | settings

    def narrowed(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the limits among the settings given that are too wide, each with the value that holds instead."""
        return {
            name: most
            for name, most in self._limits.items()
            if name in given and not self._is_within(name, given[name])
        }

    def inside(self, name: str, value: str) -> None:
        """Check one setting of a statement's SETTINGS clause. Raises: EngineError."""
        self._check_name(name)
        if name in self._limits and not self._is_within(name, value):
            most = self._limits[name]
            raise EngineError(SETTING_OUT_OF_BOUNDS, f"Setting {name} shouldn't be greater than {most}")

    def _check_name(self, name: str) -> None:
        is_known = name in _READ_SETTINGS or _FORMAT_SETTING.match(name) or _LIMIT_SETTING.match(name)
        if not is_known or _REFUSED_SETTING.match(name):
            raise EngineError(READONLY, f"Cannot modify '{name}' setting in readonly mode")

    def _is_within(self, name: str, value: str) -> bool:
        try:
            number = float(value)
        except ValueError:
            return False
        return 0 < number <= float(self._limits[name])
