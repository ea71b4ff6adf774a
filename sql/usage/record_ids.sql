-- grain: one record being landed
-- key: nth
-- inputs: staged_usage (nth, source and the source's own key of each record)
SELECT
    nth,
    digest_id(source || '|' || record_key) AS record_id
FROM staged_usage
