-- grain: one record of the parts that stands in an earlier file or line, too
-- key: part, place
-- inputs: parts (files of landed records, each row with its file and its place in it)
-- A source's files sort by delivery day, then name: the earliest delivery of a record stands.
-- Copies are found by grouping the ids alone: most records have none, so ranking
-- every row would sort the whole day for nothing.
WITH repeated AS (
    SELECT record_id
    FROM parts
    WHERE $event_day::DATE IS NULL OR event_day = $event_day::DATE
    GROUP BY record_id
    HAVING count(*) > 1
),

ranked AS (
    SELECT
        part,
        file_row_number AS place,
        row_number() OVER (PARTITION BY record_id ORDER BY source_file, source_line) AS nth
    FROM parts
    SEMI JOIN repeated USING (record_id)
    WHERE $event_day::DATE IS NULL OR event_day = $event_day::DATE
)

SELECT
    part,
    place
FROM ranked
WHERE nth > 1
