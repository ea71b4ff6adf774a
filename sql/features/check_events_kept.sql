-- Blocking check: the partials hold every guided record, second, octet and fen of the day.
-- grain: one row
-- key: none
-- inputs: guided_usage, daily_usage
SELECT
    (
        abs(guided.records - summed.records)
        + abs(guided.octets - summed.octets)
        + abs(guided.fen - summed.fen)
    )::BIGINT AS failing,
    guided.records,
    summed.records AS records_in_partials
FROM (
    SELECT
        count(*)::BIGINT AS records,
        coalesce(sum(bytes) FILTER (WHERE usage_type = 'data'), 0)::BIGINT AS octets,
        coalesce(sum(charge_fen), 0)::BIGINT AS fen
    FROM guided_usage
) AS guided
CROSS JOIN (
    SELECT
        coalesce(sum(records), 0)::BIGINT AS records,
        coalesce(sum(data_bytes), 0)::BIGINT AS octets,
        coalesce(sum(spend_fen), 0)::BIGINT AS fen
    FROM daily_usage
) AS summed
