-- Ratings with the case that they are of: item and department are the case's.
SELECT
    r.project_no AS "project_no",
    max(c.catalog_code) AS "catalog_code",
    max(c.dept_code) AS "dept_code",
    max(c.task_name) AS "task_name",
    max(c.dept) AS "dept",
    max(c.div) AS "div",
    strftime(min(r.rated_at), '%Y%m') AS "rated_month",
    count(*) AS "ratings",
    count(*) FILTER (r.score IN ('3', '4', '5')) AS "good",
    count(*) FILTER (r.score IN ('1', '2')) AS "bad",
    count(*) FILTER (r.score IN ('1', '2') AND r.mended_on IS NOT NULL) AS "mended",
    count(*) FILTER (r.score IN ('1', '2') AND r.mended_on <= r.mend_due) AS "mended_in_time"
FROM std.service_rating AS r
JOIN std.service_case AS c ON c.project_no = r.project_no
WHERE r.rated_at IS NOT NULL AND c.catalog_code IS NOT NULL AND c.dept_code IS NOT NULL
GROUP BY r.project_no
