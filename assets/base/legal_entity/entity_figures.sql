-- What other departments' records count up to for an entity. A person with several records counts once.
SELECT
    t.uscc AS "uscc",
    sum(t.branches) AS "branches",
    count(DISTINCT t.insured) AS "insured",
    max(t.month) AS "insured_month",
    count(DISTINCT t.employed) AS "employed",
    count(t.licence) AS "licences",
    count(t.checked) AS "inspections",
    max(t.checked) AS "last_inspected"
FROM (
    SELECT m.parent_uscc AS "uscc", 1 AS "branches", NULL AS "insured", NULL AS "month", NULL AS "employed", NULL AS "licence", NULL AS "checked"
    FROM std.market_entity AS m
    WHERE m.parent_uscc IS NOT NULL AND m.state = '1'
    UNION ALL
    SELECT s.main_uscc AS "uscc", 1 AS "branches", NULL AS "insured", NULL AS "month", NULL AS "employed", NULL AS "licence", NULL AS "checked"
    FROM std.social_organisation AS s
    WHERE s.main_uscc IS NOT NULL AND s.is_branch = '1' AND s.status = '1'
    UNION ALL
    SELECT i.uscc AS "uscc", 0 AS "branches", i.id_number AS "insured", i.period AS "month", NULL AS "employed", NULL AS "licence", NULL AS "checked"
    FROM std.social_insurance AS i
    WHERE i.uscc IS NOT NULL AND i.insurance = '110' AND i.enrol_state = '1'
    UNION ALL
    SELECT j.uscc AS "uscc", 0 AS "branches", NULL AS "insured", NULL AS "month", j.id_number AS "employed", NULL AS "licence", NULL AS "checked"
    FROM std.employment AS j
    WHERE j.uscc IS NOT NULL AND j.reg_kind = '1' AND j.ended_on IS NULL
    UNION ALL
    SELECT l.uscc AS "uscc", 0 AS "branches", NULL AS "insured", NULL AS "month", NULL AS "employed", l.licence_no AS "licence", NULL AS "checked"
    FROM base.licence AS l
    WHERE l.uscc IS NOT NULL AND l.state = '1'
    UNION ALL
    SELECT r.uscc AS "uscc", 0 AS "branches", NULL AS "insured", NULL AS "month", NULL AS "employed", NULL AS "licence", r.checked_on AS "checked"
    FROM std.random_inspection AS r
    WHERE r.uscc IS NOT NULL
) AS t
GROUP BY t.uscc
