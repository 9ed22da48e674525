-- Parts that a merge replaced stay on disk for a minute: if a write of the merge failed, the next start goes on with them
-- (storage/embedded/failed_writes.py). ClickHouse's own default is eight minutes, the embedded engine's is none.
ALTER TABLE room_events MODIFY SETTING old_parts_lifetime = 60;
ALTER TABLE owners MODIFY SETTING old_parts_lifetime = 60;
ALTER TABLE accepted_gaps MODIFY SETTING old_parts_lifetime = 60;
