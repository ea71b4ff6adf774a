-- Plot: subscriptions by product and status.
-- grain: one row a product and status
-- key: series, x
-- inputs: subscriptions
SELECT
    status AS series,
    product_code AS x,
    count(*) AS y
FROM subscriptions
GROUP BY status, product_code
ORDER BY product_code, status
