-- Legal entities: the market register's, public bodies under 机构编制, social organisations; and what befell them: names, seats,
-- representatives, revocation, the end. Needs persons (people.sql) and offices (offices.sql).
-- Belongs here: entities and their lives. Not here: licences, inspections, penalties (licences.sql), what a department says of
-- them (its declaration).
--
-- Intervals are half open: since <= day AND (until IS NULL OR day < until). Entity 3 has a story: renamed, moved to another
-- district, revoked, then cancelled.

-- Who may represent: adults of 24 to 75 years on the first day whose home has no allowance, numbered, so that a draw
-- picks one without a sort an entity; `living` numbers those who outlive the window.
CREATE TABLE world.adult AS
SELECT row_number() OVER (ORDER BY person) - 1 AS n, CASE WHEN died IS NULL THEN row_number() OVER (PARTITION BY died IS NULL ORDER BY person) - 1 END AS living,
    person, unit, county, died
FROM world.person
WHERE born BETWEEN (first_day() - INTERVAL 75 YEAR)::DATE AND (first_day() - INTERVAL 24 YEAR)::DATE AND left_on IS NULL AND NOT needy
    AND coalesce(registered_on, DATE '1900-01-01') < first_day();

-- Numbers run over the market's entities first, then the offices and other public bodies, then social organisations.
CREATE TABLE world.entity_drawn AS
WITH
    counts AS (
        SELECT greatest(600, people // 10) AS market, offices + greatest(160, people // 1000) AS public, greatest(160, people * 6 // 10000) AS social, adults
        FROM (SELECT count(*) AS people FROM world.person), (SELECT count(*) AS offices FROM world.office), (SELECT count(*) AS adults FROM world.adult)),
    numbered AS (
        SELECT entity, adults, CASE WHEN entity < market THEN 'market' WHEN entity < market + public THEN 'public' ELSE 'social' END AS register,
            entity - CASE WHEN entity < market THEN 0 WHEN entity < market + public THEN market ELSE market + public END AS nth
        FROM counts, LATERAL (SELECT unnest(range(market + public + social))::BIGINT AS entity) WHERE amid(entity)),
    offices AS (SELECT row_number() OVER (ORDER BY office) - 1 AS nth, office, county, name, uscc FROM world.office),
    placed AS (
        SELECT n.entity, n.register, n.nth, n.entity = 3 AS story, a.person AS rep, a.died AS rep_died, o.name AS office_name, o.uscc AS office_uscc, o.office,
            CASE WHEN n.entity = 3 THEN '210100' WHEN o.office IS NOT NULL THEN left(o.county, 4) || '00' ELSE a.unit END AS unit,
            CASE WHEN n.entity = 3 THEN '210102' ELSE coalesce(o.county, a.county) END AS county,
            draw('entity type', n.entity) AS kind, draw('entity fate', n.entity) AS fate, draw('entity trade', n.entity) AS trade
        FROM numbered AS n JOIN world.adult AS a ON a.n = draw_int('entity rep', n.entity, 0, n.adults - 1)
        LEFT JOIN offices AS o ON o.nth = CASE WHEN n.register = 'public' THEN n.nth END),
    typed AS (
        SELECT * EXCLUDE (kind, fate, trade),
            CASE register
                WHEN 'market' THEN CASE WHEN story OR kind < 0.24 THEN '1130' WHEN kind < 0.32 THEN '1151' WHEN kind < 0.35 THEN '9100'
                    WHEN kind < 0.37 THEN '2130' ELSE '9500' END
                WHEN 'public' THEN CASE WHEN office IS NOT NULL OR kind < 0.05 THEN '11' WHEN kind < 0.92 THEN '12' WHEN kind < 0.96 THEN '13' ELSE '19' END
                ELSE CASE WHEN kind < 0.45 THEN '51' WHEN kind < 0.97 THEN '52' ELSE '53' END
            END AS type,
            -- retail and catering first, as in the register
            CASE WHEN trade < 0.30 THEN 0 WHEN trade < 0.48 THEN 1 ELSE 2 + floor((trade - 0.48) / 0.052)::INTEGER END AS trade,
            CASE WHEN office IS NOT NULL THEN 1.0 ELSE fate END AS lot,
            CASE WHEN story THEN DATE '2016-05-18'
                WHEN register = 'public' THEN draw_day('entity founded', entity, DATE '1990-01-01', DATE '2019-12-31')
                WHEN draw('entity young', entity) < 0.10 THEN draw_day('entity founded', entity, first_day(), today() - 5)
                ELSE draw_day('entity founded', entity, DATE '2003-01-01', first_day() - 1) END AS begun
        FROM placed)
-- nobody founds a thing after death
SELECT * EXCLUDE (begun), CASE WHEN register <> 'public' AND begun > rep_died - 60 THEN rep_died - 400 ELSE begun END AS founded
FROM typed
ORDER BY entity;

-- The end: revoked (吊销) and, of those, cancelled later; cancelled (注销) at once; annulled (撤销); moved out (迁出).
CREATE TABLE world.entity_end AS
WITH
    old AS (SELECT *, greatest(founded + 200, first_day()) AS soon FROM world.entity_drawn
        WHERE (lot < 0.18 OR story) AND founded < first_day() - 200 AND amid(entity)),
    drawn AS (
        SELECT entity,
            CASE WHEN story THEN DATE '2026-03-20' WHEN register <> 'market' THEN NULL
                WHEN lot < 0.03 THEN draw_day('entity revoked', entity, founded + 150, first_day() - 1)
                WHEN lot < 0.05 THEN draw_day('entity revoked', entity, soon, today() - 120)
                WHEN lot < 0.055 THEN draw_day('entity revoked', entity, today() - 110, today() - 3) END AS revoked_on,
            CASE WHEN story THEN DATE '2026-09-15'
                WHEN lot BETWEEN 0.04 AND 0.05 AND register = 'market' THEN draw_day('entity ended', entity, today() - 100, today() - 3)
                WHEN lot BETWEEN 0.055 AND 0.095 THEN draw_day('entity ended', entity, founded + 150, first_day() - 1)
                WHEN lot BETWEEN 0.095 AND 0.165 THEN draw_day('entity ended', entity, soon, today() - 3)
                WHEN lot BETWEEN 0.165 AND 0.18 AND register = 'market' THEN draw_day('entity ended', entity, today() - 150, today() - 3) END AS ended_on,
            CASE WHEN story OR lot < 0.055 THEN '3' WHEN lot < 0.172 THEN '4' WHEN lot < 0.176 THEN '5' ELSE '6' END AS ended_as
        FROM old)
SELECT * FROM drawn WHERE revoked_on IS NOT NULL OR ended_on IS NOT NULL
ORDER BY entity;

-- Representatives: the first until death or change; a successor is entered 5 to 60 days after a death.
CREATE TABLE world.entity_rep AS
WITH
    changing AS (
        SELECT d.entity, d.founded, d.rep, draw_int('rep next', d.entity, 0, n.adults - 1) AS next,
            CASE WHEN d.rep_died > d.founded THEN d.rep_died + draw_int('rep succeeds', d.entity, 5, 60)::INTEGER
                ELSE draw_day('rep changed', d.entity, greatest(d.founded + 60, first_day()), today() - 3) END AS day
        FROM world.entity_drawn AS d CROSS JOIN (SELECT count(living) AS adults FROM world.adult) AS n
        WHERE (d.rep_died IS NOT NULL OR (d.type <> '9500' AND draw('rep changes', d.entity) < 0.04)) AND amid(d.entity)),
    changed AS (
        SELECT c.entity, a.person AS next, c.day FROM changing AS c JOIN world.adult AS a ON a.living = c.next LEFT JOIN world.entity_end AS e USING (entity)
        WHERE a.person <> c.rep AND c.day > c.founded AND c.day <= today() AND c.day < coalesce(least(e.revoked_on, e.ended_on), DATE '9999-12-31'))
SELECT * FROM (
    SELECT d.entity, d.rep AS person, d.founded AS since, c.day AS until FROM world.entity_drawn AS d LEFT JOIN changed AS c USING (entity) WHERE amid(d.entity)
    UNION ALL SELECT entity, next, day, NULL FROM changed)
ORDER BY entity, since;

-- The same with what papers say of them, and with somebody else (`other`), whom some papers name by mistake.
CREATE TABLE world.rep AS
SELECT r.entity, r.since, r.until, p.name, p.id_number, p.died, o.name AS other_name, o.id_number AS other_id
FROM world.entity_rep AS r JOIN world.person AS p USING (person) JOIN world.person AS o ON o.person = (r.person + 1009) % people()
ORDER BY r.entity, r.since;

-- Names hold the entity's number, so no two entities ever share one: the same name under another code is then a fault.
CREATE TABLE world.entity_name AS
WITH
    words AS (
        SELECT (SELECT list(word ORDER BY n) FROM world.word_firm) AS firms, (SELECT list(firm ORDER BY trade) FROM world.word_trade) AS trades,
            (SELECT list(shop ORDER BY trade) FROM world.word_trade) AS shops),
    parts AS (
        SELECT d.entity, d.founded, d.register, d.office_name, d.story,
            CASE WHEN d.register = 'public' THEN city.name WHEN d.type = '9500' THEN county.name ELSE replace(city.name, '市', '') END || '示例' AS head,
            CASE WHEN draw('entity rare', d.entity) < 0.006 THEN one_of(['䶮鑫', '𬭎盛', '㛃华', '𠅤源'], 'entity rare word', d.entity)
                ELSE one_of(w.firms, 'entity word', d.entity) END AS word,
            one_of(w.firms, 'entity word before', d.entity) AS word_before,
            CASE d.type
                WHEN '9500' THEN w.shops[d.trade + 1]
                WHEN '9100' THEN w.trades[d.trade + 1] || '专业合作社'
                WHEN '2130' THEN w.trades[d.trade + 1] || '有限公司' || county.name || '分公司'
                WHEN '11' THEN '办公室' WHEN '12' THEN one_of(['实验小学', '中心医院', '图书馆', '公共就业服务中心', '测绘院', '幼儿园'], 'institution', d.entity)
                WHEN '13' THEN '联合会' WHEN '19' THEN '管理中心'
                WHEN '51' THEN one_of(['摄影协会', '餐饮商会', '志愿者协会', '计算机学会'], 'society', d.entity)
                WHEN '52' THEN one_of(['职业培训学校', '养老服务中心', '康复中心', '民办幼儿园'], 'service', d.entity)
                WHEN '53' THEN '慈善基金会'
                ELSE w.trades[d.trade + 1] || CASE WHEN d.story OR draw('entity bracket', d.entity) < 0.12
                    THEN one_of(['（集团）', '（辽宁）'], 'entity bracket word', d.entity) ELSE '' END || '有限公司'
            END AS tail
        FROM world.entity_drawn AS d CROSS JOIN words AS w
        JOIN world.word_division AS county ON county.code = d.county JOIN world.word_division AS city ON city.code = left(d.county, 4) || '00'
        WHERE amid(d.entity)),
    named AS (
        SELECT p.entity, p.founded, coalesce(office_name, head || word || p.entity || tail) AS name, head || p.entity || word_before || tail AS before,
            CASE WHEN story THEN DATE '2025-03-12' WHEN register = 'market' AND draw('entity renames', p.entity) < 0.05
                THEN draw_day('entity renamed', p.entity, greatest(p.founded + 60, first_day()), today() - 3) END AS day
        FROM parts AS p),
    dated AS (
        SELECT n.* REPLACE (CASE WHEN day <= today() AND day < coalesce(least(e.revoked_on, e.ended_on), DATE '9999-12-31') THEN day END AS day)
        FROM named AS n LEFT JOIN (FROM world.entity_end WHERE amid(entity)) AS e USING (entity))
SELECT * FROM (
    SELECT entity, name, coalesce(day, founded) AS since, NULL::DATE AS until FROM dated
    UNION ALL SELECT entity, before, founded, day FROM dated WHERE day IS NOT NULL)
ORDER BY entity, since;

-- Seats: the first and, for a few, another district of the same city. Entities of 沈抚 stay.
CREATE TABLE world.entity_move AS
WITH
    counties AS (
        SELECT left(code, 4) AS city, list(code ORDER BY code) AS codes FROM world.word_division
        WHERE level = 'county' AND status = 'current' AND code SIMILAR TO '21[0-9]{4}' GROUP BY ALL),
    moving AS (
        SELECT d.entity, d.founded, d.county, d.unit, CASE WHEN d.story THEN '210105' ELSE one_of(c.codes, 'entity goes', d.entity) END AS next,
            CASE WHEN d.story THEN DATE '2025-09-08' ELSE draw_day('entity moved', d.entity, greatest(d.founded + 60, first_day()), today() - 3) END AS day
        FROM world.entity_drawn AS d JOIN counties AS c ON c.city = left(d.county, 4)
        WHERE d.register = 'market' AND d.unit <> '21SF00' AND (d.story OR draw('entity moves', d.entity) < 0.03) AND amid(d.entity)),
    moved AS (
        SELECT m.entity, m.next, m.day FROM moving AS m LEFT JOIN world.entity_end AS e USING (entity)
        WHERE m.next <> m.county AND m.day <= today() AND m.day < coalesce(least(e.revoked_on, e.ended_on), DATE '9999-12-31')),
    seats AS (
        SELECT d.entity, d.county, d.founded AS since, m.day AS until FROM world.entity_drawn AS d LEFT JOIN moved AS m USING (entity) WHERE amid(d.entity)
        UNION ALL SELECT entity, next, day, NULL FROM moved),
    roads AS (SELECT list(word ORDER BY n) AS roads FROM world.word_road)
SELECT s.entity, s.county, '辽宁省' || city.name || county.name || one_of(roads, 'entity road ' || s.county, s.entity)
    || draw_int('entity number ' || s.county, s.entity, 1, 400) || '号' AS address, s.since, s.until
FROM seats AS s CROSS JOIN roads
JOIN world.word_division AS county ON county.code = s.county JOIN world.word_division AS city ON city.code = left(s.county, 4) || '00'
ORDER BY entity, since;

-- Each entity as it is now. `approved` is the last act of registration; what was approved when: world.entity_act.
CREATE TABLE world.entity_act AS
SELECT DISTINCT entity, day FROM (
    SELECT entity, since AS day FROM world.entity_name UNION ALL SELECT entity, since FROM world.entity_move UNION ALL SELECT entity, since FROM world.entity_rep
    UNION ALL SELECT entity, ended_on FROM world.entity_end WHERE ended_on IS NOT NULL
    UNION ALL SELECT entity, draw_day('entity act', entity, founded, first_day() - 1) FROM world.entity_drawn
    WHERE founded < first_day() - 30 AND NOT EXISTS (FROM world.entity_end AS e WHERE e.entity = world.entity_drawn.entity))
WHERE amid(entity)
ORDER BY entity, day;

CREATE TABLE world.entity AS
WITH
    firms AS (SELECT row_number() OVER (ORDER BY entity) - 1 AS n, entity FROM world.entity_drawn WHERE type IN ('1130', '1151') AND founded < DATE '2015-01-01' AND lot > 0.18),
    socials AS (SELECT row_number() OVER (ORDER BY entity) - 1 AS n, entity FROM world.entity_drawn WHERE type = '51' AND founded < DATE '2015-01-01' AND lot > 0.18),
    wanting AS (
        SELECT d.*, CASE WHEN d.type = '2130' THEN draw_int('entity parent', d.entity, 0, f.n - 1) END AS firm,
            CASE WHEN d.type = '51' AND d.founded >= DATE '2015-01-01' AND draw('social branch', d.entity) < 0.15
                THEN draw_int('entity parent', d.entity, 0, s.n - 1) END AS society
        FROM world.entity_drawn AS d CROSS JOIN (SELECT count(*) AS n FROM firms) AS f CROSS JOIN (SELECT count(*) AS n FROM socials) AS s
        WHERE amid(d.entity)),
    acts AS (SELECT entity, max(day) AS approved FROM world.entity_act WHERE amid(entity) GROUP BY entity)
SELECT
    d.entity, d.register,
    CASE WHEN d.office_uscc IS NOT NULL THEN d.office_uscc
        WHEN NOT (d.register = 'social' AND s.entity IS NOT NULL)
        THEN uscc(CASE WHEN d.register = 'market' THEN CASE d.type WHEN '9500' THEN '92' WHEN '9100' THEN '93' ELSE '91' END ELSE d.type END,
            d.county, (d.entity * 48271 + 12345) % 500000003) END AS uscc,
    'LN' || lpad((d.entity * 7 + 1000003)::VARCHAR, 16, '0') AS entity_key,
    CASE d.register WHEN 'market' THEN CASE WHEN draw('entity reg_no', d.entity) < 0.3 THEN d.county || lpad((d.entity * 7919 % 1000000007)::VARCHAR, 9, '0') END
        WHEN 'social' THEN '辽' || d.type || lpad(d.entity::VARCHAR, 9, '0') END AS reg_no,
    n.name, d.type, r.person AS rep, d.founded, a.approved,
    CASE WHEN e.ended_on IS NOT NULL THEN e.ended_as WHEN e.revoked_on IS NOT NULL THEN '2' ELSE '1' END AS state,
    e.ended_on, e.revoked_on, CASE WHEN e.ended_on IS NOT NULL THEN e.ended_as END AS ended_as,
    d.unit, m.county, m.address, d.trade, d.office,
    CASE WHEN d.type NOT IN ('9500', '2130', '11') THEN [3, 10, 50, 50, 100, 100, 200, 500, 1000, 5000][draw_int('entity capital', d.entity, 1, 10)] END AS capital,
    CASE WHEN d.register = 'market' AND d.type <> '9500' AND draw('entity term', d.entity) < 0.4 THEN d.founded + 30 * 365 END AS term_to,
    phone('entity phone', d.entity) AS phone,
    CASE WHEN d.type = '9500' THEN draw_int('entity staff', d.entity, 1, 5) WHEN d.register = 'social' THEN draw_int('entity staff', d.entity, 3, 40)
        ELSE draw_int('entity staff', d.entity, 3, 200) END AS employees,
    -- whose branch it is: a market branch has a code of its own, a social organisation's has none
    coalesce(f.entity, s.entity) AS parent,
    draw('entity steady', d.entity) < 0.5 OR d.story AS steady
FROM wanting AS d
JOIN world.entity_name AS n ON n.entity = d.entity AND n.until IS NULL
JOIN world.entity_rep AS r ON r.entity = d.entity AND r.until IS NULL
JOIN world.entity_move AS m ON m.entity = d.entity AND m.until IS NULL
JOIN acts AS a ON a.entity = d.entity
LEFT JOIN (FROM world.entity_end WHERE amid(entity)) AS e ON e.entity = d.entity
LEFT JOIN firms AS f ON f.n = d.firm
LEFT JOIN socials AS s ON s.n = d.society
WHERE amid(n.entity) AND amid(r.entity) AND amid(m.entity)
ORDER BY d.entity;
