-- Ratings with the case that they are of: item and department are the case's.
SELECT
    strftime(r.rated_at, '%Y%m') AS "month",
    c.catalog_code AS "catalog_code",
    c.dept_code AS "dept_code",
    max(c.task_name) AS "task_name",
    max(c.dept) AS "dept",
    max(c.div) AS "div",
    count(*) AS "ratings",
    count(*) FILTER (r.score IN ('3', '4', '5')) AS "good",
    count(*) FILTER (r.score IN ('1', '2')) AS "bad",
    count(*) FILTER (r.score IN ('1', '2') AND r.mended_on IS NOT NULL) AS "mended",
    count(*) FILTER (r.score IN ('1', '2') AND r.mended_on <= r.mend_due) AS "mended_in_time",
    CAST(count(*) FILTER (r.score IN ('3', '4', '5')) * 1.0 / count(*) AS DECIMAL(6, 4)) AS "good_share",
    CASE WHEN count(*) FILTER (r.score IN ('1', '2')) > 0
        THEN CAST(count(*) FILTER (r.score IN ('1', '2') AND r.mended_on <= r.mend_due) * 1.0 / count(*) FILTER (r.score IN ('1', '2')) AS DECIMAL(6, 4)) END AS "mended_share"
FROM std.service_rating AS r
JOIN std.service_case AS c ON c.project_no = r.project_no
WHERE r.rated_at IS NOT NULL AND c.catalog_code IS NOT NULL AND c.dept_code IS NOT NULL
GROUP BY strftime(r.rated_at, '%Y%m'), c.catalog_code, c.dept_code
