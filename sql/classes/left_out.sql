-- Assertions that became no observation: of labels nobody defined, or of days before a transfer;
-- and observations that an upheld appeal refuted.
-- grain: one row
-- key: none
-- inputs: sender_assertions, report_assertions, reasons, rule_windows, holders, observations,
--         admitted
-- noqa: disable=RF04
WITH asserted AS (
    SELECT
        subject_id,
        class_code,
        reason_code,
        source_ref
    FROM sender_assertions
    UNION ALL
    SELECT
        NULL AS subject_id,
        class_code,
        reason_code,
        source_ref
    FROM report_assertions
)

SELECT
    count(*) FILTER (WHERE reasons.class_code IS NULL) AS unknown,
    count(*) FILTER (
        WHERE
        reasons.subject = 'party'
        AND holders.changed_at > $day_end - to_days(rule_windows.window_days)
    ) AS before_transfer,
    (SELECT count(*) FROM observations) - (SELECT count(*) FROM admitted) AS appealed
FROM asserted
LEFT JOIN reasons
    ON
        asserted.class_code = reasons.class_code
        AND asserted.reason_code = reasons.reason_code
LEFT JOIN rule_windows ON asserted.source_ref = rule_windows.rule_ref
LEFT JOIN holders ON asserted.subject_id = holders.subscription_id
