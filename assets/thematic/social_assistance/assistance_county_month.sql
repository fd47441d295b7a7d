-- What the present rosters say of the 24 months up to the newest in which someone on them began to receive. Who is
-- counted is told by WHERE and JOIN, so that a number of persons is not as secret as their names.
WITH members AS (
    SELECT
        left(s.domicile_div, 6) AS "county", s.card_no AS "card_no", s.member_id AS "member_id", s.begin_month AS "begin_month", coalesce(s.end_month, '999912') AS "end_month",
        CASE WHEN s.persons > 0 THEN s.amount / s.persons END AS "monthly"
    FROM std.subsistence_allowance AS s
    WHERE s.card_no IS NOT NULL AND s.member_id IS NOT NULL AND s.domicile_div IS NOT NULL AND regexp_matches(s.begin_month, '^20[0-9]{2}(0[1-9]|1[0-2])$')
),
begins AS (
    SELECT strptime(m.begin_month, '%Y%m') AS "month", lag(strptime(m.begin_month, '%Y%m')) OVER (ORDER BY m.begin_month) AS "before"
    FROM members AS m
    GROUP BY m.begin_month
),
-- a month with no beginning in the year before it is a wrong year, not the newest month
newest AS (SELECT coalesce(max(b.month) FILTER (b.month < b.before + INTERVAL 12 MONTH), max(b.month)) AS "month" FROM begins AS b),
-- one in which nobody began is a month all the same
months AS (SELECT strftime(unnest(generate_series(n.month - INTERVAL 23 MONTH, n.month, INTERVAL 1 MONTH)), '%Y%m') AS "month" FROM newest AS n),
present AS (
    SELECT t.month AS "month", m.county AS "county", m.card_no AS "card_no", m.member_id AS "member_id", m.begin_month AS "begin_month", m.monthly AS "monthly"
    FROM months AS t JOIN members AS m ON m.begin_month <= t.month AND m.end_month >= t.month
),
persons AS (SELECT p.county AS "county", p.month AS "month", count(*) AS "persons", sum(p.monthly) AS "amount" FROM present AS p GROUP BY p.county, p.month),
cards AS (SELECT p.county AS "county", p.month AS "month", p.card_no AS "card_no", min(p.begin_month) AS "begin_month" FROM present AS p GROUP BY p.county, p.month, p.card_no),
homes AS (SELECT c.county AS "county", c.month AS "month", count(*) AS "households" FROM cards AS c GROUP BY c.county, c.month),
fresh AS (SELECT c.county AS "county", c.month AS "month", count(*) AS "new_households" FROM cards AS c WHERE c.begin_month = c.month GROUP BY c.county, c.month),
wrong AS (
    SELECT p.county AS "county", p.month AS "month", count(*) AS "wrong_persons", sum(p.monthly) AS "wrong_amount"
    FROM present AS p
    JOIN thematic.assistance_person AS a ON a.card_no = p.card_no AND a.person_id = p.member_id
    WHERE a.status = 'paid_wrongly' AND strftime(a.since, '%Y%m') <= p.month
    GROUP BY p.county, p.month
),
uninsured AS (
    SELECT p.county AS "county", p.month AS "month", count(*) AS "uninsured_persons"
    FROM present AS p
    JOIN thematic.assistance_person AS a ON a.card_no = p.card_no AND a.person_id = p.member_id
    WHERE a.status = 'uninsured' AND strftime(a.since, '%Y%m') <= p.month
    GROUP BY p.county, p.month
)
SELECT
    p.county AS "county",
    p.month AS "month",
    h.households AS "households",
    p.persons AS "persons",
    CAST(p.amount AS DECIMAL(14, 2)) AS "amount",
    coalesce(f.new_households, 0) AS "new_households",
    coalesce(w.wrong_persons, 0) AS "wrong_persons",
    CAST(coalesce(w.wrong_amount, 0) AS DECIMAL(14, 2)) AS "wrong_amount",
    coalesce(u.uninsured_persons, 0) AS "uninsured_persons",
    CAST(coalesce(w.wrong_persons, 0) * 1.0 / p.persons AS DECIMAL(6, 4)) AS "wrong_share"
FROM persons AS p
JOIN homes AS h ON h.county = p.county AND h.month = p.month
LEFT JOIN fresh AS f ON f.county = p.county AND f.month = p.month
LEFT JOIN wrong AS w ON w.county = p.county AND w.month = p.month
LEFT JOIN uninsured AS u ON u.county = p.county AND u.month = p.month
