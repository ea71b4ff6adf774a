-- The earliest instant at which an order of the night moved a number, SIM or subscription
-- before the day: from then on usage may belong to somebody else.
-- grain: one row; null if there is none
-- key: none
-- inputs: order_events
SELECT min(effective_at) AS since
FROM order_events
WHERE
    effective_at < $day_start
    -- these leave every holding as it was; any other order may not
    AND order_type NOT IN ('SUSPEND', 'RESUME', 'BILL', 'PAY', 'PROTECT')
