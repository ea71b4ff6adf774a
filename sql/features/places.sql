-- Where a subscription was in the last 30 days, by half hours with messages or calls.
-- Home is the cell of most half hours at night, then of most at all, then the lower pseudonym.
-- grain: one subscription with a known cell
-- key: subscription_id
-- inputs: daily_places
WITH seen AS (
    SELECT
        subscription_id,
        cell,
        area,
        sum(half_hours)::BIGINT AS half_hours,
        sum(night_half_hours)::BIGINT AS night_half_hours
    FROM daily_places
    GROUP BY subscription_id, cell, area
),

place AS (
    SELECT
        subscription_id,
        cell,
        sum(half_hours)::BIGINT AS half_hours,
        sum(night_half_hours)::BIGINT AS night_half_hours
    FROM seen
    GROUP BY subscription_id, cell
),

stacked AS (
    SELECT
        subscription_id,
        half_hours,
        night_half_hours,
        sum(half_hours) OVER (
            PARTITION BY subscription_id ORDER BY half_hours DESC, cell ROWS UNBOUNDED PRECEDING
        ) AS covered,
        sum(half_hours) OVER (PARTITION BY subscription_id) AS everywhere,
        row_number() OVER (
            PARTITION BY subscription_id ORDER BY night_half_hours DESC, half_hours DESC, cell
        ) = 1 AS is_home
    FROM place
),

area AS (
    SELECT
        subscription_id,
        count(DISTINCT area) AS areas
    FROM seen
    GROUP BY subscription_id
)

SELECT
    subscription_id,
    count(*) AS cells_30d,
    any_value(area.areas) AS areas_30d,
    -- those before whose cell four fifths were not yet covered
    count(*) FILTER (WHERE covered - half_hours < (4 * everywhere + 4) // 5) AS frequent_cells_30d,
    entropy_of(sum(log_weight(half_hours)), sum(half_hours), count(*)) AS cell_entropy_30d,
    CASE
        WHEN sum(night_half_hours) > 0
            THEN ratio(sum(half_hours) FILTER (WHERE is_home), sum(half_hours))
    END AS home_share_30d
FROM stacked
INNER JOIN area USING (subscription_id)
GROUP BY subscription_id
