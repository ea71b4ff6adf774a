-- Blocking check: received = guided + rejected + quarantined + duplicate, of the day's delivery.
-- grain: one row
-- key: none
-- inputs: usage_files, landed_usage (the delivery day), usage, guided_usage, rejected_usage
--   (the delivery day and the late days before it)
-- A record of the first minutes of the next day (clock skew) waits for that day: `waiting`.
-- `duplicate` counts copies within the delivery and of earlier deliveries. Every event day the
-- delivery touches must have guided and rejected what it holds: counts of whole days, for to look
-- for the delivery's own records among those guided would read the late days anew every night.
WITH touched AS (
    SELECT event_day
    FROM landed_usage
    WHERE event_day <= $day
    GROUP BY event_day
),

ledger AS (
    SELECT
        coalesce(sum(rows_received), 0)::BIGINT AS received,
        coalesce(sum(rows_quarantined), 0)::BIGINT AS quarantined,
        coalesce(sum(rows_duplicate), 0)::BIGINT AS duplicate
    FROM usage_files
    WHERE status = 'loaded'
),

landed AS (
    SELECT
        count(*) FILTER (WHERE event_day <= $day) AS happened,
        count(*) FILTER (WHERE event_day > $day) AS waiting
    FROM landed_usage
),

outcome AS (
    SELECT count(*) FILTER (WHERE delivered = $day) AS kept
    FROM usage
),

refused AS (
    SELECT count(*) AS rejected
    FROM rejected_usage
    WHERE contains(source_file, '/' || $day::DATE || '/')
),

held AS (
    SELECT
        date,
        count(*) AS records
    FROM usage
    SEMI JOIN touched ON usage.date = touched.event_day
    GROUP BY date
),

guided AS (
    SELECT
        date,
        sum(records)::BIGINT AS records
    FROM (
        SELECT
            date,
            count(*) AS records
        FROM guided_usage
        GROUP BY date
        UNION ALL
        SELECT
            date,
            count(*) AS records
        FROM rejected_usage
        GROUP BY date
    )
    GROUP BY date
),

unequal AS (
    SELECT coalesce(sum(abs(held.records - coalesce(guided.records, 0))), 0)::BIGINT AS records
    FROM held
    LEFT JOIN guided USING (date)
)

SELECT
    (
        abs(received - quarantined - duplicate - happened - waiting)
        + greatest(kept - happened, 0)
        + unequal.records
    )::BIGINT AS failing,
    received,
    kept - rejected AS guided,
    rejected,
    quarantined,
    duplicate + happened - kept AS duplicate,
    waiting
FROM ledger, landed, outcome, refused, unequal
