-- Inspections by organ and month.
SELECT
    strftime(i.checked_on, '%Y%m') AS "month",
    i.dept_code AS "dept_code",
    max(i.dept_name) AS "dept_name",
    count(*) AS "inspections",
    count(*) FILTER (i.result = '1') AS "clean",
    count(*) FILTER (i.result = '6') AS "unreached",
    count(i.done_on) AS "done",
    CAST(avg(i.done_on - i.checked_on) AS DECIMAL(10, 1)) AS "days_to_done",
    CAST(count(*) FILTER (i.result = '1') * 1.0 / count(*) AS DECIMAL(6, 4)) AS "clean_share"
FROM std.random_inspection AS i
WHERE i.checked_on IS NOT NULL AND i.dept_code IS NOT NULL
GROUP BY strftime(i.checked_on, '%Y%m'), i.dept_code
