-- What stands for and against entities: penalties of organs other than market regulation, permits of natural persons, grades
-- of tax credit, lists of the gravely dishonest. Needs people.sql, offices.sql, entities.sql and penalties (licences.sql).
-- Belongs here: what is true. Not here: what a department says of it (its declaration).

-- Decisions of other organs about entities: what kind of offence, what it cost (in yuan), what was taken.
CREATE OR REPLACE TABLE world.sanction AS
WITH
    offences (offence, field, act, basis, rule) AS (VALUES
        (0, 11, '擅自占用城市道路堆放物料', '《辽宁省城市市容和环境卫生管理条例》', '第二十条'),
        (1, 12, '未按规定设置大气污染物排放口', '《中华人民共和国大气污染防治法》', '第二十条'),
        (2, 13, '未对从业人员进行安全生产教育和培训', '《中华人民共和国安全生产法》', '第二十八条'),
        (3, 4, '使用无道路运输证的车辆从事货物运输', '《中华人民共和国道路运输条例》', '第六十三条'),
        (4, 3, '未取得施工许可证擅自施工', '《建筑工程施工许可管理办法》', '第三条'),
        (5, 2, '未取得健康合格证明从事直接为顾客服务的工作', '《公共场所卫生管理条例》', '第七条'),
        (6, 16, '未按照规定的期限办理纳税申报', '《中华人民共和国税收征收管理法》', '第二十五条')),
    struck AS (
        SELECT e.*, i AS nth, e.entity * 2 + i AS sanction
        FROM world.entity AS e CROSS JOIN range(2) AS n (i)
        WHERE e.register = 'market' AND draw('sanction', e.entity * 2 + i) < 0.05),
    dated AS (
        SELECT s.*, draw_day('sanction day', s.sanction, first_day(), today()) AS decided, draw_int('offence', s.sanction, 0, 6) AS offence
        FROM struck AS s),
    fined AS (
        SELECT d.*, draw('sanction kind', d.sanction) AS chance,
            [500, 1000, 2000, 3000, 5000, 10000, 20000, 50000, 100000][draw_int('fine', d.sanction, 1, 9)] AS amount
        FROM dated AS d
        WHERE d.founded < d.decided AND (d.ended_on IS NULL OR d.ended_on > d.decided) AND (d.revoked_on IS NULL OR d.revoked_on > d.decided))
SELECT
    f.sanction, f.entity, f.county, f.decided, o.offence, o.act, o.basis, o.rule,
    CASE WHEN f.chance < 0.12 THEN '警告' WHEN f.chance < 0.80 THEN '罚款' WHEN f.chance < 0.92 THEN '警告;罚款' WHEN f.chance < 0.97 THEN '罚款;没收违法所得、没收非法财物'
        ELSE '责令停产停业;罚款' END AS kinds,
    CASE WHEN f.chance >= 0.12 THEN f.amount END AS fine,
    CASE WHEN f.chance >= 0.92 AND f.chance < 0.97 THEN f.amount // 2 END AS confiscated,
    w.name AS organ, w.uscc AS organ_uscc, f.steady
FROM fined AS f JOIN offences AS o USING (offence) JOIN world.office AS w ON w.office = f.county::BIGINT * 100 + o.field
ORDER BY f.sanction;

-- Permits of natural persons: what they may do, granted by whom.
CREATE OR REPLACE TABLE world.permit AS
WITH
    kinds (kind, field, doc_name, cert_name, content, years) AS (VALUES
        (0, 10, '教师资格认定决定书', '教师资格证书', '准予认定教师资格', NULL),
        (1, 2, '医师执业注册准予许可决定书', '医师执业证书', '准予医师执业注册', NULL),
        (2, 4, '道路运输从业资格准予许可决定书', '道路运输从业人员从业资格证', '准予从事道路货物运输', 6),
        (3, 14, '导游证核发准予许可决定书', '导游证', '准予从事导游活动', 3)),
    granted AS (
        SELECT p.person, p.county, p.steady, draw_int('permit kind', p.person, 0, 3) AS kind,
            draw_day('permit day', p.person, first_day(), today()) AS decided
        FROM world.person AS p
        WHERE draw('permit', p.person) < 0.004 AND p.born < DATE '2004-01-01' AND p.born > DATE '1961-01-01' AND p.died IS NULL)
SELECT
    g.person AS permit, g.person, g.county, g.decided, g.decided AS valid_from,
    (g.decided + to_years(k.years) - INTERVAL 1 DAY)::DATE AS valid_to, k.doc_name, k.cert_name, k.content,
    o.name AS organ, o.uscc AS organ_uscc, g.steady
FROM granted AS g JOIN kinds AS k USING (kind) JOIN world.office AS o ON o.office = g.county::BIGINT * 100 + k.field
ORDER BY permit;

-- Other decisions in favour of entities, whose papers are no certificates: once for a time and place.
CREATE OR REPLACE TABLE world.grant AS
WITH
    kinds (kind, field, category, doc_name, cert_name, content, days) AS (VALUES
        (0, 11, '01', '设置大型户外广告准予许可决定书', '户外广告设置许可证', '准予设置大型户外广告', 365),
        (1, 11, '01', '临时占用城市道路准予许可决定书', '城市道路占用许可证', '准予临时占用城市道路', 90),
        (2, 3, '01', '城镇污水排入排水管网准予许可决定书', '城镇污水排入排水管网许可证', '准予排入城镇排水管网', 1825),
        (3, 1, '05', '特种设备使用登记准予决定书', '特种设备使用登记证', '准予使用登记特种设备', NULL),
        (4, 13, '03', '危险化学品经营准予许可决定书', '危险化学品经营许可证', '准予经营危险化学品（不带储存设施）', 1095),
        (5, 12, '04', '建设项目环境影响评价审批意见', '环境影响评价批复', '同意建设项目环境影响报告表', NULL)),
    granted AS (
        SELECT e.entity * 4 + i AS "grant", e.entity, e.county, e.founded, e.uscc, coalesce(least(e.ended_on, e.revoked_on), today() + 1) AS last_day, e.steady,
            draw_day('grant day', e.entity * 4 + i, first_day(), today()) AS decided, draw_int('grant kind', e.entity * 4 + i, 0, 5) AS kind
        FROM world.entity AS e CROSS JOIN range(3) AS n (i)
        WHERE e.register = 'market' AND draw('grant', e.entity * 4 + i) < 0.1)
SELECT
    g."grant", g.entity, g.county, g.decided, g.decided + draw_int('grant begins', g."grant", 0, 5)::INTEGER AS valid_from,
    g.decided + draw_int('grant begins', g."grant", 0, 5)::INTEGER + k.days AS valid_to, k.category, k.doc_name, k.cert_name, k.content,
    o.name AS organ, o.uscc AS organ_uscc, g.steady
FROM granted AS g JOIN kinds AS k USING (kind) JOIN world.office AS o ON o.office = g.county::BIGINT * 100 + k.field
WHERE g.founded < g.decided AND g.decided < g.last_day
ORDER BY g."grant";

-- Grades of tax credit, a year and firm: judged in April of the next year. New firms are M; who is revoked has none.
CREATE OR REPLACE TABLE world.tax_grade AS
SELECT
    e.entity * 10000 + y.year AS tax_grade, e.entity, y.year, make_date(y.year + 1, 4, draw_int('grade day', e.entity * 10000 + y.year, 8, 22)) AS graded_on,
    CASE WHEN e.founded >= make_date(y.year, 1, 1) THEN 'M'
        WHEN draw('grade', e.entity) + draw('grade shift', e.entity * 10000 + y.year) * 0.2 < 0.22 THEN 'A'
        WHEN draw('grade', e.entity) < 0.55 THEN 'B' WHEN draw('grade', e.entity) < 0.85 THEN 'M'
        WHEN draw('grade', e.entity) < 0.91 THEN 'C' ELSE 'D' END AS grade,
    draw('regraded', e.entity * 10000 + y.year) < 0.01 AS regraded,
    CASE WHEN e.county LIKE '2102%' THEN 'dalian' ELSE 'liaoning' END AS bureau, e.steady
FROM world.entity AS e CROSS JOIN (VALUES (2024), (2025)) AS y (year)
WHERE e.register = 'market' AND e.uscc LIKE '91%' AND e.founded < make_date(y.year, 12, 1)
    AND (e.ended_on IS NULL OR e.ended_on > make_date(y.year + 1, 4, 30)) AND (e.revoked_on IS NULL OR e.revoked_on > make_date(y.year + 1, 4, 30))
ORDER BY tax_grade;

-- Who is on a list of the gravely dishonest: entities (after a grave penalty always, within four weeks), and a few natural
-- persons. A listed entity that is cancelled leaves the list within three weeks; who mends his ways, after some months.
CREATE OR REPLACE TABLE world.listing AS
WITH
    lists (list_kind, list_name, reason, field, upto) AS (VALUES
        (0, '市场监督管理严重违法失信名单', '提交虚假材料取得登记，情节严重', 1, 0.4),
        (1, '拖欠农民工工资失信联合惩戒对象名单', '克扣、无故拖欠农民工工资，数额较大', 7, 0.6),
        (2, '安全生产严重失信主体名单', '发生生产安全责任事故，负有责任', 13, 0.75),
        (3, '重大税收违法失信主体名单', '偷逃税款，数额较大', 16, 1.0)),
    grave AS (
        SELECT p.entity, coalesce(max(p.decided) FILTER (p.decided < today() - 30), min(p.decided)) AS decided
        FROM (SELECT entity, decided, kinds FROM world.penalty UNION ALL SELECT entity, decided, kinds FROM world.sanction) AS p
        WHERE p.kinds LIKE '%责令停产停业%' AND p.entity IS NOT NULL GROUP BY p.entity),
    able AS (
        SELECT e.entity * 4 AS listing, e.entity, NULL::BIGINT AS person, e.county, e.founded AS since, e.ended_on, g.decided AS sentenced, e.steady
        FROM world.entity AS e LEFT JOIN grave AS g USING (entity)
        WHERE e.register = 'market' AND (g.entity IS NOT NULL OR draw('listing', e.entity) < CASE WHEN e.ended_on >= first_day() THEN 0.12 ELSE 0.03 END)
        UNION ALL
        SELECT p.person * 4 + 1, NULL, p.person, p.county, (p.born + INTERVAL 20 YEAR)::DATE, NULL, NULL, p.steady
        FROM world.person AS p
        WHERE draw('listing person', p.person) < 0.0008 AND p.born < DATE '2000-01-01' AND p.died IS NULL),
    listed AS (
        SELECT a.*, coalesce(a.sentenced + draw_int('listed after', a.listing, 3, 25)::INTEGER, draw_day('listed', a.listing, DATE '2023-06-01', today() - 20)) AS listed_on,
            CASE WHEN a.sentenced IS NULL THEN draw('list', a.listing) ELSE 0 END AS chance
        FROM able AS a),
    fated AS (
        SELECT l.*, CASE WHEN draw('mends', l.listing) < 0.3 THEN l.listed_on + draw_int('mended', l.listing, 190, 500)::INTEGER END AS mended_on,
            l.ended_on + draw_int('struck', l.listing, 2, 18)::INTEGER AS struck_on
        FROM listed AS l
        WHERE l.listed_on >= l.since AND (l.ended_on IS NULL OR l.ended_on > l.listed_on))
SELECT * FROM (
    SELECT
        f.listing, f.entity, f.person, f.county, f.listed_on, least(f.mended_on, f.struck_on) AS removed_on,
        CASE WHEN f.mended_on < coalesce(f.struck_on, DATE '9999-12-31') THEN '完成信用修复' WHEN f.struck_on IS NOT NULL THEN '主体注销，自动移出' END AS removed_why,
        k.list_kind, k.list_name, k.reason, o.name AS organ, o.uscc AS organ_uscc, f.steady
    FROM fated AS f
    JOIN lists AS k ON f.chance < k.upto AND f.chance >= k.upto - CASE k.list_kind WHEN 0 THEN 0.4 WHEN 1 THEN 0.2 WHEN 2 THEN 0.15 ELSE 0.25 END
    JOIN world.office AS o ON o.office = f.county::BIGINT * 100 + k.field
    UNION ALL
    SELECT
        e.entity * 4 + 2, e.entity, NULL, e.county, a.listed_on, e.ended_on + draw_int('struck', e.entity * 4 + 2, 2, 18)::INTEGER,
        CASE WHEN e.ended_on IS NOT NULL THEN '主体注销，自动移出' END, 4, '经营异常名录', '通过登记的住所或者经营场所无法联系', o.name, o.uscc, e.steady
    FROM world.abnormal AS a JOIN world.entity AS e USING (entity) JOIN world.office AS o ON o.office = e.county::BIGINT * 100 + 1)
ORDER BY listing;
