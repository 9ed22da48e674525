-- The embedded store puts on disk whatever a statement wrote before it answers, all at once, projections included
-- (storage/embedded/syncing.py). That its tables sync their parts file by file as well only takes longer.
{embedded}ALTER TABLE room_events MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0;
{embedded}ALTER TABLE owners MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0;
{embedded}ALTER TABLE accepted_gaps MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0;
