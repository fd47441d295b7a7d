-- Legal entities with their licences: one row a licence whose party has a credit code.
-- `inputs_present` is 1 where only the licence knows the entity, 2 where a registration authority knows it too.
SELECT
    l.cert_name AS "cert_name",
    l.licence_no AS "licence_no",
    l.organ_uscc AS "organ_uscc",
    l.doc_no AS "doc_no",
    e.uscc AS "uscc",
    e.name AS "name",
    e.state AS "entity_state",
    e.type AS "entity_type",
    e.industry AS "industry",
    e.div AS "div",
    l.party_name AS "party_name",
    l.doc_name AS "doc_name",
    l.kind AS "kind",
    l.content AS "content",
    l.decided AS "decided",
    l.valid_from AS "valid_from",
    l.valid_to AS "valid_to",
    l.organ AS "organ",
    l.state AS "licence_state",
    2 AS "inputs_expected",
    CASE WHEN e.state IS NULL THEN 1 ELSE 2 END AS "inputs_present",
    CASE WHEN e.state IS NULL THEN 0.5 ELSE 1.0 END AS "coverage"
FROM base.licence AS l
JOIN base.legal_entity AS e ON e.uscc = l.uscc
