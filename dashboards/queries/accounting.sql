-- Accounting: what the log's frames said they held, and where it is (inputs). Balanced: nothing is lost or doubled.
SELECT
    sum(accounting.accepted) AS accepted,
    sum(accounting.stored) AS stored,
    sum(accounting.dead_lettered) AS dead_lettered,
    toBool(accepted = stored + dead_lettered) AS balanced
FROM accounting
