-- Accounting: what the log's frames said they held, and where it is (inputs). Balanced: nothing is lost or doubled.
-- Parameters: none.
SELECT
    sum(accounting.accepted) AS accepted,
    sum(accounting.stored) AS stored,
    sum(accounting.dead_lettered) AS dead_lettered,
    toBool(countIf(accounting.accepted != accounting.stored + accounting.dead_lettered
        OR places_sum != places_sum_due) = 0) AS balanced
FROM accounting
