-- Members on the rosters with what other departments say of them, and those who are missing from the rosters.
WITH roster AS (
    SELECT
        s.card_no AS "card_no", s.member_id AS "person_id", s.member_name AS "person_name", left(s.domicile_div, 6) AS "county", s.kind AS "kind", s.head_id AS "head_id",
        s.relation AS "relation", s.begin_month AS "begin_month", CASE WHEN s.persons > 0 THEN CAST(s.amount / s.persons AS DECIMAL(10, 2)) END AS "monthly", s._batch AS "batch", s._row AS "row"
    FROM std.subsistence_allowance AS s
    WHERE s.end_month IS NULL AND s.card_no IS NOT NULL AND s.member_id IS NOT NULL
),
-- what is wrong with a payment, and what a recipient still lacks, as the cross-department checks found it
wrong AS (
    SELECT d.batch AS "batch", d.row AS "row", string_agg(DISTINCT d."check", ';' ORDER BY d."check") AS "reasons", min(d.since) AS "since"
    FROM base.disagreement AS d
    WHERE d.dataset = 'subsistence_allowance' AND (d."check" LIKE 'x01%' OR d."check" LIKE 'x15%' OR d."check" LIKE 'x16%')
    GROUP BY d.batch, d.row
),
lacking AS (
    SELECT d.other_batch AS "batch", d.other_row AS "row", string_agg(DISTINCT d."check", ';' ORDER BY d."check") AS "reasons", min(d.since) AS "since"
    FROM base.disagreement AS d
    WHERE d.other = 'subsistence_allowance' AND d."check" LIKE 'x17%'
    GROUP BY d.other_batch, d.other_row
),
homes AS (
    SELECT p.household_no AS "household_no", min(r.card_no) AS "card_no", min(r.county) AS "county", min(r.kind) AS "kind", min(r.head_id) AS "head_id"
    FROM roster AS r
    JOIN std.population_register AS p ON p.id_number = r.person_id
    WHERE p.household_no IS NOT NULL
    GROUP BY p.household_no
    HAVING count(DISTINCT r.card_no) = 1
)
SELECT
    r.card_no AS "card_no", r.person_id AS "person_id", min(r.person_name) AS "person_name", min(r.county) AS "county", min(r.kind) AS "kind", min(r.head_id) AS "head_id", min(r.relation) AS "relation",
    min(r.begin_month) AS "begin_month", min(r.monthly) AS "monthly",
    CASE WHEN count(w.batch) > 0 THEN 'paid_wrongly' WHEN count(l.batch) > 0 THEN 'uninsured' ELSE 'entitled' END AS "status",
    coalesce(min(w.reasons), min(l.reasons)) AS "reasons", coalesce(min(w.since), min(l.since)) AS "since"
FROM roster AS r
LEFT JOIN wrong AS w ON w.batch = r.batch AND w.row = r.row
LEFT JOIN lacking AS l ON l.batch = r.batch AND l.row = r.row
GROUP BY r.card_no, r.person_id
UNION ALL
SELECT
    h.card_no AS "card_no", p.id_number AS "person_id", min(p.name) AS "person_name", min(h.county) AS "county", min(h.kind) AS "kind", min(h.head_id) AS "head_id", min(p.relation) AS "relation",
    NULL AS "begin_month", NULL AS "monthly", 'missed_member' AS "status", 'same_household' AS "reasons", NULL AS "since"
FROM homes AS h
JOIN std.population_register AS p ON p.household_no = h.household_no
LEFT JOIN roster AS r ON r.person_id = p.id_number
LEFT JOIN std.death_certificate AS d ON d.id_number = p.id_number
WHERE p.id_number IS NOT NULL AND r.person_id IS NULL AND d.id_number IS NULL AND coalesce(p.dead, '0') = '0'
GROUP BY h.card_no, p.id_number
UNION ALL
SELECT
    '无' AS "card_no", i.certno AS "person_id", min(i.psn_name) AS "person_name", min(i.insuplc_admdvs) AS "county", NULL AS "kind", NULL AS "head_id", NULL AS "relation",
    NULL AS "begin_month", NULL AS "monthly", 'missed_marked' AS "status", 'medical_identity' AS "reasons", min(i.psn_idet_begin) AS "since"
FROM std.medical_insurance AS i
LEFT JOIN std.subsistence_allowance AS r ON r.member_id = i.certno
LEFT JOIN std.death_certificate AS d ON d.id_number = i.certno
WHERE i.certno IS NOT NULL AND i.psn_idet_type IS NOT NULL AND i.psn_idet_end IS NULL AND i.psn_insu_stas = '1' AND r.member_id IS NULL AND d.id_number IS NULL
GROUP BY i.certno
