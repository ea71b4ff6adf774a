-- Warning check: sources with fewer files than they deliver a day, or far from the lines they
-- usually deliver on this weekday.
-- grain: one row
-- key: none
-- inputs: usage_files (the day and the same weekday of the four weeks before)
-- Usual is the median of the weeks that have the source; half and double of it are far.
WITH expected AS (
    SELECT
        unnest($sources::VARCHAR[]) AS source_name,
        unnest($files_a_day::INTEGER[]) AS files_a_day
),

delivered AS (
    SELECT
        source,
        date,
        count(*) FILTER (WHERE status = 'loaded') AS loaded,
        sum(rows_received) AS received
    FROM usage_files
    GROUP BY source, date
),

usual AS (
    SELECT
        source,
        median(received) AS received
    FROM delivered
    WHERE date < $day AND loaded > 0
    GROUP BY source
),

known AS (
    SELECT source FROM delivered
    UNION
    SELECT source_name FROM expected
),

judged AS (
    SELECT
        known.source,
        coalesce(today.loaded, 0) AS loaded,
        coalesce(today.received, 0)::BIGINT AS received,
        expected.files_a_day,
        usual.received::BIGINT AS usual,
        coalesce(today.loaded, 0) < expected.files_a_day AS too_few,
        coalesce(today.received, 0) NOT BETWEEN usual.received / 2 AND usual.received * 2 AS strange
    FROM known
    LEFT JOIN delivered AS today ON known.source = today.source AND today.date = $day
    LEFT JOIN usual ON known.source = usual.source
    LEFT JOIN expected ON known.source = expected.source_name
)

SELECT
    count(*) FILTER (WHERE too_few OR strange) AS failing,
    count(*) AS sources,
    string_agg(
        source || ': ' || loaded || coalesce(' of ' || files_a_day, '') || ' files, '
        || received || ' lines' || coalesce(', usually ' || usual, ''),
        '; ' ORDER BY source
    ) FILTER (WHERE too_few OR strange) AS incomplete
FROM judged
