-- Where a subscription was that day, as half hours in a cell, under pseudonyms; one bucket.
-- A half hour with messages or calls counts once, for the cell with most of them: at equal
-- numbers the one met first, then the lower cell (of its last 28 bits, an ECI whole).
-- grain: one (subscription, cell)
-- key: subscription_id, cell
-- inputs: events, old_places, touched
WITH seen AS (
    SELECT
        subscription_id,
        cell,
        at_second // 1800 AS half_hour,
        max(area) AS area,
        -- one number that orders: how many, how early, which; 23, 11 and 28 bits
        (
            (least(count(*), 8388607) << 39)
            + ((1799 - min(at_second) % 1800)::BIGINT << 28)
            + (268435455 - (cell & 268435455))
        )::BIGINT AS standing
    FROM events
    WHERE
        (is_sms OR is_voice)
        AND cell IS NOT NULL
    GROUP BY subscription_id, cell, at_second // 1800
),

half_hourly AS (
    SELECT
        subscription_id,
        half_hour,
        arg_max(cell, standing) AS plain_cell,
        -- the same row's: `arg_max` would pass over one without an area
        arg_max_null(area, standing) AS area
    FROM seen
    GROUP BY subscription_id, half_hour
),

place AS (
    SELECT
        subscription_id,
        plain_cell,
        max(area) AS area,
        count(*) AS half_hours,
        count(*) FILTER (WHERE half_hour < 14 OR half_hour >= 38) AS night_half_hours
    FROM half_hourly
    GROUP BY subscription_id, plain_cell
),

-- a cell is shared by many: digesting each once saves most of the digests
cells AS (
    SELECT
        plain_cell,
        pseudonym($pepper, 'cell', plain_cell) AS cell
    FROM place
    GROUP BY plain_cell
)

SELECT
    place.* EXCLUDE (plain_cell), -- noqa: AM04
    cells.cell
FROM place
INNER JOIN cells USING (plain_cell)
UNION ALL BY NAME
SELECT * EXCLUDE (date, bucket) -- noqa: AM04
FROM old_places
ANTI JOIN touched USING (subscription_id)
