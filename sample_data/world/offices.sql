-- Offices that act: a city or county and a field of work. They grant, fine and deliver, and are themselves public bodies.
-- Belongs here: offices. Not here: what else is registered under 机构编制 (entities.sql).
CREATE TABLE world.office AS
WITH
    fields (field, word) AS (VALUES
        (1, '市场监督管理局'), (2, '卫生健康局'), (3, '住房和城乡建设局'), (4, '交通运输局'), (5, '公安局'), (6, '民政局'),
        (7, '人力资源和社会保障局'), (8, '医疗保障局'), (9, '自然资源局'), (10, '教育局'), (11, '城市管理综合执法局'), (12, '生态环境局'),
        (13, '应急管理局'), (14, '文化旅游和广播电视局'), (15, '营商环境建设局'), (16, '税务局')),
    places AS (
        SELECT d.code AS county, CASE WHEN d.level = 'county' THEN c.name || d.name ELSE d.name END AS place
        FROM world.word_division AS d LEFT JOIN world.word_division AS c ON c.code = left(d.code, 4) || '00'
        WHERE d.level IN ('city', 'county') AND d.status = 'current' AND d.code SIMILAR TO '21[0-9]{4}')
SELECT
    p.county::BIGINT * 100 + f.field AS office, p.county, f.field, p.place || f.word AS name,
    uscc('11', p.county, 600000000 + p.county::BIGINT * 20 + f.field) AS uscc, '1002' || lpad((p.county::BIGINT % 10000 * 20 + f.field)::VARCHAR, 7, '0') AS phone
FROM places AS p CROSS JOIN fields AS f
ORDER BY office;
