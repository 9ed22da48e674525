-- The embedded engine merges fifteen parts of a kind where it merged five: each merge makes all projections anew, and
-- small parts are many. A day has up to eighty parts for it while it lasts, not forty-five, and each row is written half
-- as often. What merges replaced is taken away by one thread, a part at a time: a hundred threads that take away a
-- minute's parts at once hold the table's folder, and whoever inserts waits for it. Decision 0012 has the figures.
{embedded}ALTER TABLE room_events MODIFY SETTING
{embedded}    merge_selector_base = 15,
{embedded}    concurrent_part_removal_threshold = 1000000;
