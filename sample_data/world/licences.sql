-- What entities were granted, how they were inspected, what market regulation fined them for. Needs entities and offices.
-- Belongs here: licences, inspections, abnormal entries, penalties of market regulation. Not here: other organs' penalties, lists
-- (credit.sql), what a department says (its declaration).

-- One row a decision: the grant and, every five years, the renewal, which keeps the number. A licence ends within 20 days of its
-- holder (revoked or cancelled), or at the holder's wish.
CREATE TABLE world.licence AS
WITH
    kinds (nth, kind, field, word, mark) AS (VALUES (1, 'food', 1, '食许', ''), (2, 'hygiene', 2, '卫许', 'WS'), (3, 'construction', 3, '建许', 'JZ'), (4, 'transport', 4, '交许', 'DY')),
    -- looked at four times, rather than kept: of a province's entities that would be most of the memory
    holding AS NOT MATERIALIZED (
        SELECT e.entity, e.register, e.trade, e.type, e.name, e.uscc, e.founded, e.county, e.unit, e.steady, e.revoked_on,
            coalesce(least(e.revoked_on, e.ended_on), today() + 1) AS last_day
        FROM world.entity AS e WHERE e.uscc IS NOT NULL),
    holders AS (
        SELECT *, 1 AS nth, CASE WHEN register <> 'market' THEN '3' WHEN trade = 0 THEN '1' ELSE '2' END AS class FROM holding
        WHERE (register = 'market' AND trade < 2 AND draw('food licence', entity) < 0.8)
            OR (name SIMILAR TO '.*(小学|幼儿园|医院|养老服务中心)' AND draw('food licence', entity) < 0.6)
        UNION ALL SELECT *, 2, NULL FROM holding WHERE register = 'market' AND (trade = 8 OR trade = 1) AND draw('hygiene licence', entity) < 0.5
        UNION ALL SELECT *, 3, NULL FROM holding WHERE register = 'market' AND trade = 3 AND type <> '9500' AND draw('construction licence', entity) < 0.7
        UNION ALL SELECT *, 4, NULL FROM holding WHERE register = 'market' AND trade = 6 AND draw('transport licence', entity) < 0.7),
    numbered AS (
        SELECT * EXCLUDE (register, trade, type, name), entity * 10 + nth AS holding, founded + draw_int('licence first', entity * 10 + nth, 10, 90)::INTEGER AS first,
            row_number() OVER (PARTITION BY nth, class, substr(uscc, 3, 6) ORDER BY entity) AS serial,
            CASE WHEN draw('licence given back', entity * 10 + nth) < 0.03 THEN draw_day('licence given back', entity * 10 + nth, first_day(), today()) END AS given_back
        FROM holders),
    begun AS (SELECT *, date_sub('year', first, least(last_day, coalesce(given_back, last_day), today())) // 5 AS rounds FROM numbered WHERE first < least(last_day - 1, today() - 2)),
    rounds AS (
        SELECT *, rounds AS round FROM begun
        UNION ALL SELECT *, rounds - 1 FROM begun WHERE rounds > 0 AND first + to_years(5 * rounds::INTEGER) >= first_day()),
    dated AS (
        SELECT *, (first + to_years(5 * round::INTEGER))::DATE AS valid_from, (first + to_years(5 * round::INTEGER + 5) - INTERVAL 1 DAY)::DATE AS valid_to,
            CASE WHEN last_day <= today() THEN last_day + draw_int('licence ends', holding, 0, 20)::INTEGER WHEN given_back > first THEN given_back END AS ending
        FROM rounds)
SELECT
    d.holding * 100 + d.round AS licence, d.entity, k.kind, d.class, d.round,
    CASE WHEN k.kind = 'food' THEN 'JY' || d.class || substr(d.uscc, 3, 6) || padded(d.serial, 6) || draw_int('licence check', d.holding, 0, 9)
        ELSE k.mark || substr(d.uscc, 3, 6) || padded(d.entity, 8) END AS licence_no,
    left(d.county, 4) || k.word || '〔' || year(d.valid_from) || '〕' || d.holding || '号' AS doc_no,
    CASE WHEN d.round = 0 THEN d.valid_from ELSE d.valid_from - draw_int('licence renewed', d.holding, 3, 25)::INTEGER END AS decided,
    d.valid_from, d.valid_to,
    CASE WHEN d.ending <= today() AND d.round = d.rounds THEN d.ending END AS ended_on,
    CASE WHEN d.ending <= today() AND d.round = d.rounds THEN CASE WHEN d.revoked_on = d.last_day THEN '3' ELSE '2' END END AS ended_as,
    o.name AS organ, o.uscc AS organ_uscc, o.office, d.county, d.unit, d.steady
FROM dated AS d JOIN kinds AS k USING (nth)
JOIN world.office AS o ON o.office = d.county::BIGINT * 100 + k.field
ORDER BY licence;

-- Random inspections (双随机): two tasks a month; objects are drawn a month before, so some have closed meanwhile. Who cannot be
-- reached is looked for again, and entered in the list of abnormal operation (经营异常名录) within 25 days of the second time.
CREATE TABLE world.inspection_task AS
SELECT
    m * 10 + half AS task, '21' || strftime(begins, '%Y%m') || padded(half, 2) AS task_no, begins AS begins, begins + 13 AS ends,
    CASE WHEN half = 1 THEN '2' ELSE '1' END AS mode, CASE WHEN half = 1 THEN 'SJ0101' ELSE 'SJ0203' END AS item_code,
    strftime(begins, '%Y年%m月') || CASE WHEN half = 1 THEN '登记事项不定向抽查' ELSE '食品经营定向抽查' END AS name
FROM (SELECT m, half, (first_day() + to_months(m::INTEGER))::DATE + CASE WHEN half = 1 THEN 1 ELSE 14 END AS begins FROM range(24) AS a (m), range(1, 3) AS b (half))
ORDER BY task;

CREATE TABLE world.inspection AS
WITH
    drawn AS (
        SELECT t.task, e.entity * 1000 + t.task AS inspection, e.*, t.begins, draw('elusive', e.entity) < 0.004 AND e.register = 'market' AS elusive
        FROM world.inspection_task AS t JOIN world.entity AS e
            ON e.register = 'market' AND e.founded < t.begins - 60 AND coalesce(least(e.ended_on, e.revoked_on), t.begins) > t.begins - 30
        WHERE draw('inspected', e.entity * 1000 + t.task) < CASE WHEN draw('elusive', e.entity) < 0.004 THEN 0.5 ELSE 0.05 END),
    checked AS (SELECT *, begins + draw_int('checked', inspection, 0, 13)::INTEGER AS checked_on, draw('inspection result', inspection) AS chance FROM drawn)
SELECT
    c.inspection, c.task, c.entity, c.checked_on,
    CASE WHEN c.ended_on <= c.checked_on THEN ['9'] WHEN c.revoked_on <= c.checked_on THEN ['10'] WHEN c.elusive THEN ['6']
        WHEN chance < 0.78 THEN ['1'] WHEN chance < 0.84 THEN ['2'] WHEN chance < 0.88 THEN ['5'] WHEN chance < 0.91 THEN ['3', '5'] WHEN chance < 0.94 THEN ['2', '3']
        WHEN chance < 0.96 THEN ['7'] WHEN chance < 0.97 THEN ['8'] ELSE ['4', 'B'] END AS results,
    c.checked_on + draw_int('inspection done', c.inspection, 1, 15)::INTEGER AS done_on, o.name AS organ, o.uscc AS organ_uscc, c.county, c.steady
FROM checked AS c JOIN world.office AS o ON o.office = c.county::BIGINT * 100 + 1
WHERE c.checked_on <= today()
ORDER BY c.inspection;

CREATE TABLE world.abnormal AS
SELECT entity, checked_on AS unreached_on, checked_on + draw_int('abnormal listed', entity, 2, 25)::INTEGER AS listed_on
FROM (
    SELECT entity, checked_on, row_number() OVER (PARTITION BY entity ORDER BY checked_on) AS nth
    FROM world.inspection WHERE list_contains(results, '6'))
WHERE nth = 2
ORDER BY entity;

-- Penalties of market regulation, in yuan. The party is an entity or, for a few, a natural person (entity is NULL).
CREATE TABLE world.penalty AS
WITH
    offences (offence, act, basis, rule, grave) AS (VALUES
        (0, '销售超过保质期的食品', '《中华人民共和国食品安全法》', '第一百二十四条', false), (1, '未取得食品经营许可从事食品经营活动', '《中华人民共和国食品安全法》', '第一百二十二条', true),
        (2, '发布虚假广告', '《中华人民共和国广告法》', '第五十五条', false), (3, '未按规定明码标价', '《中华人民共和国价格法》', '第四十二条', false),
        (4, '使用未经检定的计量器具', '《中华人民共和国计量法》', '第二十六条', false), (5, '销售不符合强制性国家标准的产品', '《中华人民共和国产品质量法》', '第四十九条', true),
        (6, '提供虚假材料取得登记', '《中华人民共和国市场主体登记管理条例》', '第四十四条', true)),
    struck AS (
        SELECT e.entity * 4 + i AS penalty, e.entity, NULL::BIGINT AS person, e.county, e.unit, e.founded, coalesce(least(e.ended_on, e.revoked_on), today() + 1) AS last_day, e.steady
        FROM world.entity AS e CROSS JOIN range(2) AS n (i) WHERE e.register = 'market' AND draw('penalty', e.entity * 4 + i) < 0.12
        UNION ALL
        SELECT p.person * 4 + 3, NULL, p.person, p.county, p.unit, p.born + 20 * 366, coalesce(p.died, today() + 1), p.steady
        FROM world.person AS p WHERE draw('penalty', p.person * 4 + 3) < 0.0015 AND p.born BETWEEN DATE '1965-01-01' AND DATE '2003-01-01'),
    dated AS (
        SELECT *, draw_day('penalty day', penalty, first_day(), today()) AS decided, draw_int('market offence', penalty, 0, 6) AS offence, draw('penalty kind', penalty) AS chance,
            [200, 500, 1000, 2000, 3000, 5000, 10000, 20000, 50000, 100000][draw_int('market fine', penalty, 1, 10)] AS amount
        FROM struck)
SELECT
    d.penalty, d.entity, d.person, d.county, d.unit, d.decided, left(d.county, 4) || '市监罚〔' || year(d.decided) || '〕' || d.penalty || '号' AS doc_no,
    o.offence, o.act, o.basis, o.rule, o.grave,
    CASE WHEN chance < 0.15 THEN '警告' WHEN chance < 0.75 THEN '罚款' WHEN chance < 0.85 THEN '警告;罚款' WHEN chance < 0.96 THEN '罚款;没收违法所得、没收非法财物' ELSE '责令停产停业;罚款' END AS kinds,
    CASE WHEN chance >= 0.15 THEN amount END AS fine, CASE WHEN chance >= 0.85 AND chance < 0.96 THEN amount // 4 END AS confiscated,
    w.name AS organ, w.uscc AS organ_uscc, w.office, d.steady
FROM dated AS d JOIN offences AS o USING (offence) JOIN world.office AS w ON w.office = d.county::BIGINT * 100 + 1
WHERE d.founded < d.decided AND d.decided < d.last_day
ORDER BY d.penalty;
