-- Ratings by item, department and month, summed up from the cases that were rated.
SELECT
    r.rated_month AS "month",
    r.catalog_code AS "catalog_code",
    r.dept_code AS "dept_code",
    max(r.task_name) AS "task_name",
    max(r.dept) AS "dept",
    max(r.div) AS "div",
    sum(r.ratings) AS "ratings",
    sum(r.good) AS "good",
    sum(r.bad) AS "bad",
    sum(r.mended) AS "mended",
    sum(r.mended_in_time) AS "mended_in_time",
    CAST(sum(r.good) * 1.0 / sum(r.ratings) AS DECIMAL(6, 4)) AS "good_share",
    CASE WHEN sum(r.bad) > 0 THEN CAST(sum(r.mended_in_time) * 1.0 / sum(r.bad) AS DECIMAL(6, 4)) END AS "mended_share"
FROM thematic.service_rated_case AS r
GROUP BY r.rated_month, r.catalog_code, r.dept_code
