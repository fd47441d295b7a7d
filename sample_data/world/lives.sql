-- Papers about lives: marriages and divorces, births, deaths and cremations. Needs families and people (people.sql).
-- Belongs here: what happened, when, where, under which number. Not here: work and insurance (work.sql), who learnt of it when (views).

-- One line a couple, the stock since the 1960s included. Registered in the county where they lived then.
CREATE OR REPLACE TABLE world.marriage AS
WITH
    couple AS (
        SELECT home AS marriage, CASE WHEN head_male THEN head ELSE head + 1 END AS man, CASE WHEN head_male THEN head + 1 ELSE head END AS woman,
            married_on, divorced_on, CASE WHEN moved_on < married_on THEN county_after ELSE county_before END AS county,
            CASE WHEN moved_on < divorced_on THEN county_after ELSE county_before END AS divorce_county, steady
        FROM world.family WHERE married_on IS NOT NULL)
SELECT marriage, man, woman, married_on, divorced_on, county, divorce_county,
    'J' || county || '-' || year(married_on) || '-' || padded(row_number() OVER (PARTITION BY county, year(married_on) ORDER BY married_on, marriage), 6) AS cert_no,
    CASE WHEN divorced_on IS NOT NULL THEN 'L' || divorce_county || '-' || year(divorced_on) || '-'
        || padded(row_number() OVER (PARTITION BY divorce_county, year(divorced_on) ORDER BY divorced_on, marriage), 6) END AS divorce_cert_no,
    steady
FROM couple
ORDER BY marriage;

-- The same, one line a spouse: what somebody's marital state hangs on.
CREATE OR REPLACE TABLE world.spouse AS
SELECT s.person, s.spouse, s.marriage, s.married_on, s.divorced_on, p.died AS spouse_died
FROM (SELECT man AS person, woman AS spouse, marriage, married_on, divorced_on FROM world.marriage
    UNION ALL SELECT woman, man, marriage, married_on, divorced_on FROM world.marriage) AS s
JOIN world.person AS p ON p.person = s.spouse
ORDER BY s.person;

-- Women who live here and never married, numbered: whom a married man may marry once more.
CREATE TABLE world.single_woman AS
SELECT row_number() OVER (ORDER BY person) - 1 AS n, person, county, name, id_number, born
FROM world.person
WHERE NOT male AND unwed_state = '10' AND steady AND local AND died IS NULL AND left_on IS NULL AND NOT needy AND born BETWEEN DATE '1986-01-01' AND DATE '2004-01-01'
    AND person NOT IN (SELECT person FROM world.spouse)
ORDER BY person;

-- Children born in the 24 months, to couples that live here.
CREATE OR REPLACE TABLE world.birth AS
WITH
    born AS (
        SELECT person AS child, mother, father, born, born::TIMESTAMP + to_minutes(draw_int('minute of birth', person, 0, 1439)) AS born_at,
            county, name, male, steady, 35 + floor(6 * sqrt(draw('weeks', person)))::INTEGER AS weeks
        FROM world.person WHERE born >= first_day() AND local AND mother IS NOT NULL AND father IS NOT NULL),
    bred AS (
        SELECT *, (draw_int('weight', child, 2400, 3800) + 40 * (weeks - 38))::INTEGER AS weight_g,
            round(46 + 0.3 * (weeks - 35) + 4 * draw('length', child), 1)::DECIMAL(4, 1) AS length_cm
        FROM born)
SELECT b.child, b.mother, b.father, b.born_at, b.county, d.name || one_of(['妇幼保健院', '人民医院', '中心医院'], 'hospital', b.child) AS hospital,
    (b.born + draw_int('issued', b.child, 1, 12)::INTEGER)::DATE AS issued_on,
    one_of(['P', 'Q', 'R'], 'letter', b.born::VARCHAR) || '21' || padded(row_number() OVER (ORDER BY b.born_at, b.child), 7) AS cert_no,
    b.name AS child_name, b.male, b.weeks, b.weight_g, b.length_cm, b.steady
FROM bred AS b JOIN world.word_division AS d ON d.code = b.county
ORDER BY child;

-- Deaths of the 24 months. `kin`: whoever of the home is left, NULL where nobody is.
CREATE OR REPLACE TABLE world.death AS
WITH
    causes AS (SELECT ['急性心肌梗死', '脑出血', '脑梗死', '肺恶性肿瘤', '肝恶性肿瘤', '胃恶性肿瘤', '慢性阻塞性肺疾病', '肺炎', '2型糖尿病', '冠状动脉粥样硬化性心脏病'] AS names,
        ['I21.9', 'I61.9', 'I63.9', 'C34.9', 'C22.9', 'C16.9', 'J44.9', 'J18.9', 'E11.9', 'I25.1'] AS codes),
    gone AS (
        SELECT p.person, p.home, p.died, p.county, p.unit, p.male, p.born, p.steady, p.phone,
            least(p.died::TIMESTAMP + to_minutes(draw_int('minute of death', p.person, 0, 1439)), p.died::TIMESTAMP + INTERVAL '23:59:00') AS died_at,
            draw_int('cause', p.person, 1, 10) AS nth
        FROM world.person AS p WHERE p.died IS NOT NULL),
    kin AS (
        SELECT g.person, min(p.person) AS kin, arg_min(p.name, p.person) AS kin_name, arg_min(p.phone, p.person) AS kin_phone
        FROM gone AS g JOIN world.person AS p ON p.home = g.home AND p.person <> g.person AND p.died IS NULL AND p.born < first_day() - 18 * 366
        GROUP BY g.person)
SELECT g.person, g.died_at, g.county, one_of(['1', '1', '1', '2', '4', '4', '4', '9'], 'place of death', g.person) AS place,
    names[nth] AS cause, codes[nth] AS icd10, '21' || left(g.county, 6) || year(g.died) || padded(row_number() OVER (ORDER BY g.died_at, g.person), 8) AS cert_no,
    CASE WHEN draw('cremated', g.person) < 0.97
        THEN (g.died + draw_int('cremation', g.person, 1, 5)::INTEGER)::TIMESTAMP + to_minutes(draw_int('cremation hour', g.person, 360, 900)) END AS cremated_at,
    CASE WHEN left(g.county, 4) IN ('2102', '2108', '2106') THEN 'DL01' WHEN left(g.county, 4) IN ('2107', '2109', '2113', '2114', '2111') THEN 'JZ01'
        ELSE 'SY01' END AS funeral_home,
    k.kin, coalesce(k.kin_name, one_of(['王', '李', '张', '刘'], 'kin', g.person) || '先生') AS kin_name,
    coalesce(k.kin_phone, phone('kin phone', g.person)) AS kin_phone, g.steady
FROM gone AS g CROSS JOIN causes LEFT JOIN kin AS k USING (person)
ORDER BY person;
