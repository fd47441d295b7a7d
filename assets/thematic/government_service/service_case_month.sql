-- Cases by item, department and month of application. One row of std.service_case is one case as it stands now.
SELECT
    strftime(c.applied_at, '%Y%m') AS "month",
    c.catalog_code AS "catalog_code",
    c.dept_code AS "dept_code",
    c.div AS "div",
    max(c.task_name) AS "task_name",
    max(c.dept) AS "dept",
    count(*) AS "cases",
    count(*) FILTER (c.apply_type IN ('网上', '辽事通')) AS "online",
    count(c.result_at) AS "finished",
    count(*) FILTER (c.result_at <= c.promised_at) AS "within_promise",
    count(*) FILTER (c.result_type = '3') AS "refused",
    CAST(avg(epoch(c.result_at - c.accepted_at) / 3600.0) FILTER (c.result_at >= c.accepted_at) AS DECIMAL(12, 1)) AS "hours",
    CAST(avg(epoch(c.promised_at - c.accepted_at) / 3600.0) FILTER (c.promised_at >= c.accepted_at) AS DECIMAL(12, 1)) AS "promised_hours",
    CASE WHEN count(c.result_at) > 0 THEN CAST(count(*) FILTER (c.result_at <= c.promised_at) * 1.0 / count(c.result_at) AS DECIMAL(6, 4)) END AS "within_share"
FROM std.service_case AS c
WHERE c.applied_at IS NOT NULL AND c.catalog_code IS NOT NULL AND c.dept_code IS NOT NULL AND c.div IS NOT NULL
GROUP BY strftime(c.applied_at, '%Y%m'), c.catalog_code, c.dept_code, c.div
