-- What other departments' records count up to for an entity.
SELECT
    t.uscc AS "uscc",
    sum(t.branches) AS "branches",
    sum(t.insured) AS "insured",
    max(t.changed) AS "insured_as_of",
    sum(t.employed) AS "employed",
    sum(t.inspections) AS "inspections",
    max(t.checked) AS "last_inspected"
FROM (
    SELECT m.parent_uscc AS "uscc", 1 AS "branches", 0 AS "insured", NULL AS "changed", 0 AS "employed", 0 AS "inspections", NULL AS "checked"
    FROM std.market_entity AS m
    WHERE m.parent_uscc IS NOT NULL AND m.state = '1'
    UNION ALL
    SELECT s.main_uscc AS "uscc", 1 AS "branches", 0 AS "insured", NULL AS "changed", 0 AS "employed", 0 AS "inspections", NULL AS "checked"
    FROM std.social_organisation AS s
    WHERE s.main_uscc IS NOT NULL AND s.is_branch = '1' AND s.status = '1'
    UNION ALL
    SELECT i.uscc AS "uscc", 0 AS "branches", 1 AS "insured", CAST(i.changed_at AS DATE) AS "changed", 0 AS "employed", 0 AS "inspections", NULL AS "checked"
    FROM std.social_insurance AS i
    WHERE i.uscc IS NOT NULL AND i.insurance = '110' AND i.enrol_state = '1'
    UNION ALL
    SELECT j.uscc AS "uscc", 0 AS "branches", 0 AS "insured", NULL AS "changed", 1 AS "employed", 0 AS "inspections", NULL AS "checked"
    FROM std.employment AS j
    WHERE j.uscc IS NOT NULL AND j.reg_kind = '1' AND j.ended_on IS NULL
    UNION ALL
    SELECT r.uscc AS "uscc", 0 AS "branches", 0 AS "insured", NULL AS "changed", 0 AS "employed", 1 AS "inspections", r.checked_on AS "checked"
    FROM std.random_inspection AS r
    WHERE r.uscc IS NOT NULL
) AS t
GROUP BY t.uscc
