-- Blocking check: effective labels without sources, evidence or the hash of their rules.
-- grain: one row
-- key: none
-- inputs: labels
SELECT
    count(*) FILTER (
        WHERE
        effective
        AND (coalesce(source_ref, '') = '' OR coalesce(evidence, '{}') = '{}' OR ruleset_hash IS NULL)
    ) AS failing,
    count(*) FILTER (WHERE effective) AS effective,
    count(*) AS labels
FROM labels
