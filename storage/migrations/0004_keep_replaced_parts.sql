-- Parts that a merge replaced stay on disk for a minute: if a write of the merge failed, the next start goes on with them
-- (storage/embedded/failed_writes.py). ClickHouse's own default is eight minutes, the embedded engine's is none.
ALTER TABLE room_events{_local}{on_cluster} MODIFY SETTING old_parts_lifetime = 60;
ALTER TABLE owners{on_cluster} MODIFY SETTING old_parts_lifetime = 60;
ALTER TABLE accepted_gaps{on_cluster} MODIFY SETTING old_parts_lifetime = 60;
