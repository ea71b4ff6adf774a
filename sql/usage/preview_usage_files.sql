-- Preview: the ledger of files, those with a problem first, then those with lines set aside.
-- grain: one file
-- key: file
-- inputs: usage_files
SELECT
    source,
    file,
    sha256,
    size_bytes,
    status,
    problem,
    rows_received,
    rows_landed,
    rows_quarantined,
    rows_duplicate,
    rows_late,
    first_event,
    last_event,
    event_days
FROM usage_files
ORDER BY problem IS NULL, rows_quarantined DESC, rows_duplicate DESC, file
LIMIT 200
