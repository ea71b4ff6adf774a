-- Labels that were successfully appealed against (申诉): the newest decision on each.
-- What a court or the police ordered is not ours to take back.
-- grain: one label of one subject
-- key: subject_type, subject_id, class_code, reason_code
-- inputs: appeals, reasons
SELECT
    appeals.subject_type,
    appeals.subject_id,
    appeals.class_code,
    appeals.reason_code,
    max(appeals.decided_at) AS appealed_at,
    max(appeals.holds_until) AS appeal_holds_until,
    arg_max(appeals.ticket_id, (appeals.decided_at, appeals.ticket_id)) AS appeal,
    arg_max(appeals.finding, (appeals.decided_at, appeals.ticket_id)) AS appeal_finding,
    arg_max(appeals.maker, (appeals.decided_at, appeals.ticket_id)) AS appeal_maker,
    arg_max(appeals.checker, (appeals.decided_at, appeals.ticket_id)) AS appeal_checker
FROM appeals
INNER JOIN reasons
    ON
        appeals.class_code = reasons.class_code
        AND appeals.reason_code = reasons.reason_code
WHERE NOT reasons.legal
GROUP BY
    appeals.subject_type,
    appeals.subject_id,
    appeals.class_code,
    appeals.reason_code
