-- What the present rosters say of each month since someone on them began to receive.
WITH members AS (
    SELECT
        left(s.domicile_div, 6) AS "county", s.card_no AS "card_no", s.member_id AS "member_id", s.begin_month AS "begin_month", coalesce(s.end_month, '999912') AS "end_month",
        CASE WHEN s.persons > 0 THEN s.amount / s.persons END AS "monthly"
    FROM std.subsistence_allowance AS s
    WHERE s.card_no IS NOT NULL AND s.member_id IS NOT NULL AND regexp_matches(s.begin_month, '^20[0-9]{2}(0[1-9]|1[0-2])$')
),
months AS (SELECT DISTINCT m.begin_month AS "month" FROM members AS m QUALIFY dense_rank() OVER (ORDER BY m.begin_month DESC) <= 24),
judged AS (
    SELECT m.county AS "county", m.card_no AS "card_no", m.member_id AS "member_id", m.begin_month AS "begin_month", m.end_month AS "end_month", m.monthly AS "monthly",
        CASE WHEN p.status = 'paid_wrongly' THEN strftime(p.since, '%Y%m') END AS "wrong_from", CASE WHEN p.status = 'uninsured' THEN strftime(p.since, '%Y%m') END AS "uninsured_from"
    FROM members AS m
    LEFT JOIN thematic.assistance_person AS p ON p.card_no = m.card_no AND p.person_id = m.member_id
)
SELECT
    j.county AS "county", t.month AS "month",
    count(DISTINCT j.card_no) AS "households", count(*) AS "persons", CAST(sum(j.monthly) AS DECIMAL(14, 2)) AS "amount",
    count(DISTINCT j.card_no) FILTER (j.begin_month = t.month) AS "new_households",
    count(*) FILTER (j.wrong_from <= t.month) AS "wrong_persons",
    CAST(coalesce(sum(j.monthly) FILTER (j.wrong_from <= t.month), 0) AS DECIMAL(14, 2)) AS "wrong_amount",
    count(*) FILTER (j.uninsured_from <= t.month) AS "uninsured_persons",
    CAST(count(*) FILTER (j.wrong_from <= t.month) * 1.0 / count(*) AS DECIMAL(6, 4)) AS "wrong_share"
FROM months AS t
JOIN judged AS j ON j.begin_month <= t.month AND j.end_month >= t.month
WHERE j.county IS NOT NULL
GROUP BY j.county, t.month
