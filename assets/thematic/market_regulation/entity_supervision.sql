-- One row a market entity: what the departments that watch it know. Every source is counted by credit code on its own first.
WITH published AS (
    SELECT a.uscc AS "uscc", count(*) AS "licences", max(a.decided) AS "last_licence" FROM std.admin_licence AS a WHERE a.uscc IS NOT NULL GROUP BY a.uscc
),
food AS (
    SELECT f.uscc_or_id AS "uscc", arg_max(f.licence_no, f.valid_to) AS "licence_no", max(f.valid_to) AS "valid_to"
    FROM std.food_licence AS f WHERE f.state = '1' AND f.uscc_or_id IS NOT NULL GROUP BY f.uscc_or_id
),
inspected AS (
    SELECT i.uscc AS "uscc", count(*) AS "inspections", count(*) FILTER (i.result <> '1') AS "problems", count(*) FILTER (i.result = '6') AS "unreached", max(i.checked_on) AS "last_checked"
    FROM std.random_inspection AS i WHERE i.uscc IS NOT NULL GROUP BY i.uscc
),
fined AS (
    SELECT p.uscc AS "uscc", count(*) AS "penalties", sum(p.fine) AS "fines", max(p.decided) AS "last_penalty" FROM std.penalty_publicity AS p WHERE p.uscc IS NOT NULL GROUP BY p.uscc
),
listed AS (
    SELECT d.uscc AS "uscc", count(*) AS "lists" FROM std.dishonesty_list AS d WHERE d.removed_on IS NULL AND d.uscc IS NOT NULL GROUP BY d.uscc
),
graded AS (
    SELECT t.uscc AS "uscc", arg_max(t.grade, t.year) AS "grade" FROM std.tax_credit AS t WHERE t.uscc IS NOT NULL GROUP BY t.uscc
)
SELECT
    e.uscc AS "uscc",
    e.name AS "name",
    e.state AS "state",
    e.type AS "type",
    e.industry AS "industry",
    e.div AS "div",
    e.founded AS "founded",
    e.end_date AS "end_date",
    coalesce(a.licences, 0) AS "licences",
    a.last_licence AS "last_licence",
    f.licence_no AS "food_licence_no",
    f.valid_to AS "food_valid_to",
    coalesce(i.inspections, 0) AS "inspections",
    coalesce(i.problems, 0) AS "problems",
    coalesce(i.unreached, 0) AS "unreached",
    i.last_checked AS "last_checked",
    coalesce(p.penalties, 0) AS "penalties",
    coalesce(p.fines, 0) AS "fines",
    p.last_penalty AS "last_penalty",
    coalesce(d.lists, 0) AS "lists",
    t.grade AS "tax_grade",
    coalesce(e.state IN ('2', '3', '4') AND f.licence_no IS NOT NULL, false) AS "ended_with_food_licence",
    coalesce(d.lists, 0) > 0 AS "listed",
    coalesce(i.unreached, 0) > 0 AS "not_found"
FROM base.legal_entity AS e
LEFT JOIN published AS a ON a.uscc = e.uscc
LEFT JOIN food AS f ON f.uscc = e.uscc
LEFT JOIN inspected AS i ON i.uscc = e.uscc
LEFT JOIN fined AS p ON p.uscc = e.uscc
LEFT JOIN listed AS d ON d.uscc = e.uscc
LEFT JOIN graded AS t ON t.uscc = e.uscc
WHERE left(e.uscc, 1) = '9'
