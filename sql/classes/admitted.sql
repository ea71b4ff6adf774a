-- The observations that count: all but those an upheld appeal was about.
-- What was seen until the decision never counts again, nor does a rule whose window reaches back
-- before it. A fact (a bill, a decision by hand) and a link to a listed person stand on no
-- window: they are left out for the appeal's term, in which the record is to be mended.
-- grain: one source that asserts one label of one subject, for one subscription or party
-- key: none
-- inputs: observations, appealed, reasons
-- noqa: disable=AM04
SELECT observations.*
FROM observations
INNER JOIN reasons
    ON
        observations.class_code = reasons.class_code
        AND observations.reason_code = reasons.reason_code
LEFT JOIN appealed
    ON
        observations.subject_type = appealed.subject_type
        AND observations.subject_id = appealed.subject_id
        AND observations.class_code = appealed.class_code
        AND observations.reason_code = appealed.reason_code
WHERE
    appealed.appealed_at IS NULL
    OR (
        observations.observed_at > appealed.appealed_at
        AND $day_end - to_days(coalesce(observations.window_days, 0)) >= appealed.appealed_at
        AND (
            (reasons.mode <> 'fact' AND observations.origin <> 'link')
            OR appealed.appeal_holds_until <= $known_at
        )
    )
