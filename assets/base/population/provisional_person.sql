-- Children with a birth certificate whom the register does not know yet, by name, day of birth and the mother's id; the certificate's
-- number stands for what is missing of these. A child is known where one of that day, and of that name if it has one, stands in the
-- household of the mother or the father: a namesake of that day elsewhere is not silently taken for it. Of several certificates of a
-- child the one issued last counts.
WITH certified AS (
    SELECT
        coalesce(c.child_name, c.cert_no) || '@' || strftime(c.born_at, '%Y%m%d') || '@' || coalesce(c.mother_id, c.cert_no) AS "provisional_key",
        c.child_name AS "name", c.sex AS "sex", CAST(c.born_at AS DATE) AS "birth_date", c.mother_id AS "mother_id",
        c.father_id AS "father_id", c.birth_div AS "birth_div", c.cert_no AS "cert_no", c.issue_date AS "issue_date",
        c._batch AS "batch", c._row AS "row"
    FROM std.birth_certificate AS c
    WHERE c.born_at IS NOT NULL
),
parents AS (
    SELECT m.provisional_key AS "provisional_key", m.name AS "name", m.birth_date AS "birth_date", m.mother_id AS "parent_id"
    FROM certified AS m
    UNION ALL
    SELECT f.provisional_key AS "provisional_key", f.name AS "name", f.birth_date AS "birth_date", f.father_id AS "parent_id"
    FROM certified AS f
),
known AS (
    SELECT DISTINCT p.provisional_key AS "provisional_key"
    FROM parents AS p
    JOIN base.population AS parent ON parent.id_number = p.parent_id
    JOIN base.population AS child ON child.household_no = parent.household_no AND child.birth_date = p.birth_date
    WHERE p.name IS NULL OR child.name = p.name
)
SELECT
    b.provisional_key AS "provisional_key",
    b.name AS "name",
    b.sex AS "sex",
    b.birth_date AS "birth_date",
    b.mother_id AS "mother_id",
    b.father_id AS "father_id",
    b.birth_div AS "birth_div",
    b.cert_no AS "cert_no",
    b.batch AS "batch",
    b.row AS "row"
FROM certified AS b
LEFT JOIN known AS k ON k.provisional_key = b.provisional_key
WHERE k.provisional_key IS NULL
QUALIFY row_number() OVER (PARTITION BY b.provisional_key ORDER BY b.issue_date DESC NULLS LAST, b.cert_no) = 1
