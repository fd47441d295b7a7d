-- A child's mother and father: by the birth certificate, which names the mother, in whose household the child of that day and name
-- stands; else by the register, the head of the household and the head's spouse. A later certificate (a correction) counts.
WITH certified AS (
    SELECT
        m.household_no AS "household_no", CAST(b.born_at AS DATE) AS "born", b.child_name AS "child_name",
        arg_max(b.mother_id, b.issue_date) AS "mother_id", arg_max(b.father_id, b.issue_date) AS "father_id"
    FROM std.birth_certificate AS b
    JOIN base.population AS m ON m.id_number = b.mother_id
    WHERE m.household_no IS NOT NULL
    GROUP BY m.household_no, CAST(b.born_at AS DATE), b.child_name
),
-- joined by itself: in a LEFT JOIN the OR would hold every child against every certificate; and one of several chosen here,
-- since of all children a window would keep a province's in memory
named AS (
    SELECT p.id_number AS "id_number", f.child_name AS "child_name", f.mother_id AS "mother_id", f.father_id AS "father_id"
    FROM base.population AS p
    JOIN certified AS f ON f.household_no = p.household_no AND f.born = p.birth_date AND (f.child_name = p.name OR f.child_name IS NULL)
    QUALIFY row_number() OVER (PARTITION BY p.id_number ORDER BY f.child_name NULLS LAST, f.mother_id) = 1
),
heads AS (
    SELECT a.household_no AS "household_no", a.sex AS "sex", a.id_number AS "id_number"
    FROM base.population AS a
    WHERE a.relation IN ('02', '10', '11', '12') AND a.household_no IN (
        SELECT k.household_no FROM base.population AS k WHERE k.relation BETWEEN '20' AND '39' AND k.relation NOT IN ('28', '38'))
),
-- of several the last; not by max(), whose texts, of a province's households, are kept in memory that no limit counts
head AS (
    SELECT h.household_no AS "household_no", h.sex AS "sex", h.id_number AS "id_number"
    FROM heads AS h
    WHERE NOT EXISTS (SELECT 1 FROM heads AS o WHERE o.household_no = h.household_no AND o.sex = h.sex AND o.id_number > h.id_number)
)
SELECT
    c.id_number AS "id_number",
    coalesce(f.mother_id, w.id_number) AS "mother_id",
    coalesce(f.father_id, m.id_number) AS "father_id",
    CASE WHEN f.mother_id IS NULL THEN 'population_register' ELSE 'birth_certificate' END AS "said_by"
FROM base.population AS c
LEFT JOIN named AS f ON f.id_number = c.id_number
LEFT JOIN head AS w ON w.household_no = c.household_no AND w.sex = '2'
LEFT JOIN head AS m ON m.household_no = c.household_no AND m.sex = '1'
WHERE c.relation BETWEEN '20' AND '39' AND c.relation NOT IN ('28', '38')
