-- The embedded engine makes an insert's projections when its part is first merged, not while the insert waits: of an
-- insert of 100 rows they took more than half of the time. Questions go through the rows of parts that have none yet,
-- and through the projections of all others. (Servers have the two settings from 26.6 on: docs/operating.md.)
{embedded}ALTER TABLE room_events MODIFY SETTING
{embedded}    materialize_projections_on_insert = 0,
{embedded}    materialize_projections_on_merge = 1;
