-- What stands for and against an entity: its penalties, the lists it is or was on, its latest tax grade.
SELECT
    t.uscc AS "uscc",
    count(t.penalised) AS "penalties",
    count(t.penalised) FILTER (WHERE t.is_grave) AS "grave_penalties",
    sum(t.fine) AS "fines",
    max(t.penalised) AS "last_penalty",
    max(t.public_to) AS "public_to",
    count(t.listed_on) AS "listings",
    count(t.listed_on) FILTER (WHERE t.stands) AS "listed_now",
    coalesce(bool_or(t.stands AND t.list_kind = '5'), FALSE) AS "abnormal",
    coalesce(bool_or(t.stands AND t.list_kind <> '5'), FALSE) AS "grave",
    max(t.listed_on) AS "last_listed",
    max(t.tax_year) AS "tax_year",
    arg_max(t.grade, t.graded) AS "tax_grade"
FROM (
    SELECT
        p.uscc AS "uscc", p.decided AS "penalised", regexp_matches(p.kinds, '停产|暂扣|吊销|限制从业|拘留') AS "is_grave", p.fine AS "fine", p.public_to AS "public_to",
        NULL AS "listed_on", NULL AS "stands", NULL AS "list_kind", NULL AS "tax_year", NULL AS "grade", NULL AS "graded"
    FROM base.penalty AS p
    WHERE p.uscc IS NOT NULL
    UNION ALL
    SELECT
        d.uscc AS "uscc", NULL AS "penalised", NULL AS "is_grave", NULL AS "fine", NULL AS "public_to",
        d.listed_on AS "listed_on", d.removed_on IS NULL AS "stands", d.list_kind AS "list_kind", NULL AS "tax_year", NULL AS "grade", NULL AS "graded"
    FROM std.dishonesty_list AS d
    WHERE d.uscc IS NOT NULL
    UNION ALL
    SELECT
        g.uscc AS "uscc", NULL AS "penalised", NULL AS "is_grave", NULL AS "fine", NULL AS "public_to",
        NULL AS "listed_on", NULL AS "stands", NULL AS "list_kind", g.year AS "tax_year", g.grade AS "grade", concat(g.year, g.graded_on) AS "graded"
    FROM std.tax_credit AS g
) AS t
GROUP BY t.uscc
