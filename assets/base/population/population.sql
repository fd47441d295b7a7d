-- Who says what about a person: one SELECT a source, same columns, same order. Whose word counts is in the contract. Birth date and sex of
-- records that lack them are read from the id.
-- married for the first time or again (21 to 23) is married: no other department tells which
SELECT
    r.id_number AS "id_number",
    r.name AS "name",
    r.sex AS "sex",
    r.ethnicity AS "ethnicity",
    r.birth_date AS "birth_date",
    r.household_no AS "household_no",
    r.relation AS "relation",
    r.hukou_div AS "hukou_div",
    r.hukou_address AS "hukou_address",
    r.living_address AS "living_address",
    CASE WHEN r.marital IN ('21', '22', '23') THEN '20' ELSE r.marital END AS "marital",
    NULL AS "marital_since", NULL AS "spouse_id",
    r.education AS "education",
    r.dead AS "dead",
    r.death_date AS "death_date",
    r.cancel_date AS "cancel_date",
    r.police_station AS "police_station",
    NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc", NULL AS "person_no", NULL AS "pension",
    NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired", NULL AS "pool_div", NULL AS "medical",
    NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance", NULL AS "allowance_card", NULL AS "phone",
    'population_register' AS "_source",
    r.updated_at AS "_event",
    r._batch AS "_batch",
    r._row AS "_row"
FROM std.population_register AS r
UNION ALL
SELECT
    p.id_number AS "id_number",
    p.name AS "name",
    p.sex AS "sex",
    p.ethnicity AS "ethnicity",
    CAST(try_strptime(substr(p.id_number, 7, 8), '%Y%m%d') AS DATE) AS "birth_date",
    NULL AS "household_no", NULL AS "relation",
    CASE WHEN p.cancelled_on IS NULL THEN p.hukou_div END AS "hukou_div",
    NULL AS "hukou_address",
    CASE WHEN p.cancelled_on IS NULL THEN p.living_address END AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead", NULL AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station", NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc",
    NULL AS "person_no", NULL AS "pension", NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired",
    NULL AS "pool_div", NULL AS "medical", NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance",
    NULL AS "allowance_card",
    p.phone AS "phone",
    'residence_permit' AS "_source",
    p.updated_at AS "_event",
    p._batch AS "_batch",
    p._row AS "_row"
FROM std.residence_permit AS p
UNION ALL
-- a wrong id stays in std, so that the cremation finds its certificate
SELECT
    d.id_number AS "id_number",
    d.name AS "name",
    d.sex AS "sex",
    d.ethnicity AS "ethnicity",
    d.birth_date AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead",
    CAST(d.died_at AS DATE) AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station", NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc",
    NULL AS "person_no", NULL AS "pension", NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired",
    NULL AS "pool_div", NULL AS "medical", NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance",
    NULL AS "allowance_card", NULL AS "phone",
    'death_certificate' AS "_source",
    d.reported_at AS "_event",
    d._batch AS "_batch",
    d._row AS "_row"
FROM std.death_certificate AS d
WHERE d.id_type = '111' AND NOT list_contains(coalesce(d._failed, []), 'id_valid')
UNION ALL
SELECT
    c.id_number AS "id_number",
    c.name AS "name",
    c.sex AS "sex",
    NULL AS "ethnicity",
    CAST(try_strptime(substr(c.id_number, 7, 8), '%Y%m%d') AS DATE) AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead",
    c.died_on AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station", NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc",
    NULL AS "person_no", NULL AS "pension", NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired",
    NULL AS "pool_div", NULL AS "medical", NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance",
    NULL AS "allowance_card", NULL AS "phone",
    'cremation' AS "_source",
    c.cremated_to AS "_event",
    c._batch AS "_batch",
    c._row AS "_row"
FROM std.cremation AS c
WHERE c.id_type = '111'
UNION ALL
-- who is written in the other's place is left out
SELECT
    m.man_id AS "id_number",
    m.man_name AS "name",
    '1' AS "sex",
    NULL AS "ethnicity",
    m.man_birth AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    CASE m.op_type WHEN 'IA' THEN '20' ELSE '40' END AS "marital",
    m.op_date AS "marital_since",
    CASE m.op_type WHEN 'IA' THEN m.woman_id END AS "spouse_id",
    NULL AS "education", NULL AS "dead", NULL AS "death_date", NULL AS "cancel_date", NULL AS "police_station",
    NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc", NULL AS "person_no", NULL AS "pension",
    NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired", NULL AS "pool_div", NULL AS "medical",
    NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance", NULL AS "allowance_card", NULL AS "phone",
    'marriage_registration' AS "_source",
    m.op_date AS "_event",
    m._batch AS "_batch",
    m._row AS "_row"
FROM std.marriage_registration AS m
WHERE m.op_type IN ('IA', 'IB') AND m.man_nation = '156' AND NOT list_has_any(coalesce(m._failed, []), ['man_id_valid', 'man_is_male', 'two_people'])
UNION ALL
SELECT
    w.woman_id AS "id_number",
    w.woman_name AS "name",
    '2' AS "sex",
    NULL AS "ethnicity",
    w.woman_birth AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    CASE w.op_type WHEN 'IA' THEN '20' ELSE '40' END AS "marital",
    w.op_date AS "marital_since",
    CASE w.op_type WHEN 'IA' THEN w.man_id END AS "spouse_id",
    NULL AS "education", NULL AS "dead", NULL AS "death_date", NULL AS "cancel_date", NULL AS "police_station",
    NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc", NULL AS "person_no", NULL AS "pension",
    NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired", NULL AS "pool_div", NULL AS "medical",
    NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance", NULL AS "allowance_card", NULL AS "phone",
    'marriage_registration' AS "_source",
    w.op_date AS "_event",
    w._batch AS "_batch",
    w._row AS "_row"
FROM std.marriage_registration AS w
WHERE w.op_type IN ('IA', 'IB') AND w.woman_nation = '156' AND NOT list_has_any(coalesce(w._failed, []), ['woman_id_valid', 'woman_is_female', 'two_people'])
UNION ALL
SELECT
    a.member_id AS "id_number",
    a.member_name AS "name",
    CASE WHEN substr(a.member_id, 17, 1) IN ('1', '3', '5', '7', '9') THEN '1' ELSE '2' END AS "sex",
    NULL AS "ethnicity",
    CAST(try_strptime(substr(a.member_id, 7, 8), '%Y%m%d') AS DATE) AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead", NULL AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station", NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc",
    NULL AS "person_no", NULL AS "pension", NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired",
    NULL AS "pool_div", NULL AS "medical", NULL AS "medical_state", NULL AS "medical_pool",
    a.kind AS "allowance",
    a.card_no AS "allowance_card",
    NULL AS "phone",
    'subsistence_allowance' AS "_source",
    CAST(try_strptime(a.begin_month || '01', '%Y%m%d') AS DATE) AS "_event",
    a._batch AS "_batch",
    a._row AS "_row"
FROM std.subsistence_allowance AS a
WHERE a.end_month IS NULL
UNION ALL
-- pensions; who pays through the bureau of human resources works for himself
SELECT
    i.id_number AS "id_number",
    i.name AS "name",
    i.sex AS "sex",
    i.ethnicity AS "ethnicity",
    i.birth_date AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead", NULL AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station",
    CASE WHEN i.insurance = '110' AND i.pay_state = '1' THEN CASE WHEN i.org_name LIKE '%人力资源和社会保障局' THEN '3' ELSE '1' END END AS "work_state",
    CASE WHEN i.pay_state = '1' AND i.org_name NOT LIKE '%人力资源和社会保障局' THEN i.org_name END AS "employer",
    CASE WHEN i.pay_state = '1' AND i.org_name NOT LIKE '%人力资源和社会保障局' THEN i.uscc END AS "employer_uscc",
    i.person_no AS "person_no",
    i.insurance AS "pension",
    i.enrol_state AS "pension_state",
    i.benefit_state AS "benefit_state",
    i.retired AS "retired",
    i.pool_div AS "pool_div",
    NULL AS "medical", NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance", NULL AS "allowance_card",
    NULL AS "phone",
    'social_insurance' AS "_source",
    i.changed_at AS "_event",
    i._batch AS "_batch",
    i._row AS "_row"
FROM std.social_insurance AS i
WHERE i.insurance IN ('110', '120', '170')
UNION ALL
SELECT
    e.id_number AS "id_number",
    e.name AS "name",
    e.sex AS "sex",
    e.ethnicity AS "ethnicity",
    e.birth_date AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead", NULL AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station",
    CASE WHEN e.ended_on IS NULL THEN e.reg_kind END AS "work_state",
    CASE WHEN e.ended_on IS NULL THEN e.org_name END AS "employer",
    CASE WHEN e.ended_on IS NULL THEN e.uscc END AS "employer_uscc",
    NULL AS "person_no", NULL AS "pension", NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired",
    NULL AS "pool_div", NULL AS "medical", NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance",
    NULL AS "allowance_card", NULL AS "phone",
    'employment' AS "_source",
    e.reg_date AS "_event",
    e._batch AS "_batch",
    e._row AS "_row"
FROM std.employment AS e
UNION ALL
SELECT
    h.certno AS "id_number",
    h.psn_name AS "name",
    h.gend AS "sex",
    h.naty AS "ethnicity",
    h.brdy AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead", NULL AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station", NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc",
    NULL AS "person_no", NULL AS "pension", NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired",
    NULL AS "pool_div",
    h.insutype AS "medical",
    h.psn_insu_stas AS "medical_state",
    h.insuplc_admdvs AS "medical_pool",
    NULL AS "allowance", NULL AS "allowance_card", NULL AS "phone",
    'medical_insurance' AS "_source",
    h.psn_insu_date AS "_event",
    h._batch AS "_batch",
    h._row AS "_row"
FROM std.medical_insurance AS h
UNION ALL
SELECT
    k.holder_code AS "id_number",
    k.holder AS "name",
    CASE WHEN substr(k.holder_code, 17, 1) IN ('1', '3', '5', '7', '9') THEN '1' ELSE '2' END AS "sex",
    NULL AS "ethnicity",
    CAST(try_strptime(substr(k.holder_code, 7, 8), '%Y%m%d') AS DATE) AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead", NULL AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station", NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc",
    NULL AS "person_no", NULL AS "pension", NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired",
    NULL AS "pool_div", NULL AS "medical", NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance",
    NULL AS "allowance_card", NULL AS "phone",
    'e_certificate' AS "_source",
    k.issued AS "_event",
    k._batch AS "_batch",
    k._row AS "_row"
FROM std.e_certificate AS k
WHERE k.type_name = '居民身份证' AND NOT list_contains(coalesce(k._failed, []), 'holder_id_valid')
UNION ALL
SELECT
    s.applicant_id AS "id_number",
    s.applicant AS "name",
    CASE WHEN substr(s.applicant_id, 17, 1) IN ('1', '3', '5', '7', '9') THEN '1' ELSE '2' END AS "sex",
    NULL AS "ethnicity",
    CAST(try_strptime(substr(s.applicant_id, 7, 8), '%Y%m%d') AS DATE) AS "birth_date",
    NULL AS "household_no", NULL AS "relation", NULL AS "hukou_div", NULL AS "hukou_address", NULL AS "living_address",
    NULL AS "marital", NULL AS "marital_since", NULL AS "spouse_id", NULL AS "education", NULL AS "dead", NULL AS "death_date",
    NULL AS "cancel_date", NULL AS "police_station", NULL AS "work_state", NULL AS "employer", NULL AS "employer_uscc",
    NULL AS "person_no", NULL AS "pension", NULL AS "pension_state", NULL AS "benefit_state", NULL AS "retired",
    NULL AS "pool_div", NULL AS "medical", NULL AS "medical_state", NULL AS "medical_pool", NULL AS "allowance",
    NULL AS "allowance_card",
    s.mobile AS "phone",
    'service_case' AS "_source",
    s.applied_at AS "_event",
    s._batch AS "_batch",
    s._row AS "_row"
FROM std.service_case AS s
WHERE s.applicant_type = '1' AND s.applicant_id_type = '111' AND NOT list_contains(coalesce(s._failed, []), 'applicant_id_valid')
