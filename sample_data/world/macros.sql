-- Macros of the sample world: chance, numbers with check characters, ways of writing, and what people do to values.
-- Belongs here: functions of their arguments alone. Not here: tables. `seed()`, `people()` and the days are made by the builder.

-- Chance: a number in [0, 1) that hangs on the salt, the key and the seed alone. Keys are BIGINT or VARCHAR, always of one type.
CREATE OR REPLACE MACRO draw(salt, key) AS (hash(hash(salt, key, seed())) >> 11) / 9007199254740992.0;
-- A whole number from lo to hi, both included.
CREATE OR REPLACE MACRO draw_int(salt, key, lo, hi) AS (lo + floor(draw(salt, key) * (hi - lo + 1)))::BIGINT;
CREATE OR REPLACE MACRO draw_day(salt, key, first, last) AS (first + draw_int(salt, key, 0, greatest(last - first, 0))::INTEGER)::DATE;
CREATE OR REPLACE MACRO one_of(words, salt, key) AS words[draw_int(salt, key, 1, len(words))];
-- A number that is about normal (mean 0, deviation 1), between -3.5 and 3.5.
CREATE OR REPLACE MACRO draw_normal(salt, key) AS
    (draw(salt || '1', key) + draw(salt || '2', key) + draw(salt || '3', key) + draw(salt || '4', key) - 2) * 1.7320508;
-- A moment of that day while offices are open.
CREATE OR REPLACE MACRO at_work(day, salt, key) AS day::TIMESTAMP + to_seconds(draw_int(salt, key, 30600, 61199));

-- Numbers with check characters.
CREATE OR REPLACE MACRO padded(number, width) AS lpad(number::BIGINT::VARCHAR, width, '0');
CREATE OR REPLACE MACRO phone(salt, key) AS '100' || padded(draw_int(salt, key, 0, 99999999), 8);
CREATE OR REPLACE MACRO day_number(d) AS year(d) * 10000 + month(d) * 100 + day(d);
CREATE OR REPLACE MACRO digit(number, place) AS (number // place) % 10;
-- GB 11643-1999: the 18th character of a resident id.
CREATE OR REPLACE MACRO resident_check(prefix, born, number) AS substr('10X98765432', 1 + (
    7 * digit(prefix, 100000) + 9 * digit(prefix, 10000) + 10 * digit(prefix, 1000) + 5 * digit(prefix, 100) + 8 * digit(prefix, 10)
    + 4 * digit(prefix, 1) + 2 * digit(born, 10000000) + digit(born, 1000000) + 6 * digit(born, 100000) + 3 * digit(born, 10000)
    + 7 * digit(born, 1000) + 9 * digit(born, 100) + 10 * digit(born, 10) + 5 * digit(born, 1)
    + 8 * digit(number, 100) + 4 * digit(number, 10) + 2 * digit(number, 1)) % 11, 1);
CREATE OR REPLACE MACRO resident_id(prefix, born, number) AS
    prefix::VARCHAR || day_number(born)::VARCHAR || padded(number, 3) || resident_check(prefix::BIGINT, day_number(born), number::BIGINT);
-- Whether the text of an id (18 characters) has the right last one.
CREATE OR REPLACE MACRO resident_id_checks(id) AS
    substr(id, 18, 1) = resident_check(TRY_CAST(left(id, 6) AS BIGINT), TRY_CAST(substr(id, 7, 8) AS BIGINT), TRY_CAST(substr(id, 15, 3) AS BIGINT));

CREATE OR REPLACE MACRO code_digit(serial, place) AS substr('0123456789ABCDEFGHJKLMNPQRTUWXY', 1 + ((serial // place) % 31)::INTEGER, 1);
CREATE OR REPLACE MACRO rank36(t, nth) AS instr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', substr(t, nth, 1)) - 1;
CREATE OR REPLACE MACRO rank31(t, nth) AS instr('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(t, nth, 1)) - 1;
-- GB 11714-1997: an organisation code from its eight characters.
CREATE OR REPLACE MACRO organisation_code(body) AS body || substr('0123456789X0', 12 - ((
    3 * rank36(body, 1) + 7 * rank36(body, 2) + 9 * rank36(body, 3) + 10 * rank36(body, 4) + 5 * rank36(body, 5) + 8 * rank36(body, 6)
    + 4 * rank36(body, 7) + 2 * rank36(body, 8)) % 11)::INTEGER, 1);
-- GB 32100-2015: a credit code from its seventeen characters.
CREATE OR REPLACE MACRO credit_code(body) AS body || substr('0123456789ABCDEFGHJKLMNPQRTUWXY', 1 + ((31 - (
    rank31(body, 1) + 3 * rank31(body, 2) + 9 * rank31(body, 3) + 27 * rank31(body, 4) + 19 * rank31(body, 5) + 26 * rank31(body, 6)
    + 16 * rank31(body, 7) + 17 * rank31(body, 8) + 20 * rank31(body, 9) + 29 * rank31(body, 10) + 25 * rank31(body, 11)
    + 13 * rank31(body, 12) + 8 * rank31(body, 13) + 24 * rank31(body, 14) + 10 * rank31(body, 15) + 30 * rank31(body, 16)
    + 28 * rank31(body, 17)) % 31) % 31)::INTEGER, 1);
-- A credit code of the sample: two leading characters, a division, MA and a serial number from 0 (below 31^6) in six characters.
CREATE OR REPLACE MACRO serial_text(serial) AS 'MA' || code_digit(serial, 28629151) || code_digit(serial, 923521) || code_digit(serial, 29791)
    || code_digit(serial, 961) || code_digit(serial, 31) || code_digit(serial, 1);
-- Lists of one, because an argument of a macro is worked out again wherever it is named: so it takes a tenth of the time.
CREATE OR REPLACE MACRO uscc(head, division, serial) AS list_transform(list_transform(
    [serial_text(serial)], lambda body: head || division || organisation_code(body)), lambda code: credit_code(code))[1];

-- Ways of writing days and moments.
CREATE OR REPLACE MACRO compact(d) AS day_number(d)::VARCHAR;
CREATE OR REPLACE MACRO dashed(d) AS d::DATE::VARCHAR;
CREATE OR REPLACE MACRO slashed(d) AS replace(d::DATE::VARCHAR, '-', '/');
CREATE OR REPLACE MACRO worded(d) AS year(d) || '年' || month(d) || '月' || day(d) || '日';
CREATE OR REPLACE MACRO year_month(d) AS (year(d) * 100 + month(d))::VARCHAR;
CREATE OR REPLACE MACRO stamp(ts) AS strftime(ts, '%Y%m%d%H%M%S');
CREATE OR REPLACE MACRO timed(ts) AS strftime(ts, '%Y-%m-%d %H:%M:%S');
-- The same of texts: YYYYMMDD or YYYY-MM-DD into other styles.
CREATE OR REPLACE MACRO figures(t) AS replace(replace(t, '-', ''), '/', '');
CREATE OR REPLACE MACRO with_dashes(t) AS
    substr(figures(t), 1, 4) || '-' || ltrim(substr(figures(t), 5, 2), '0') || '-' || ltrim(substr(figures(t), 7, 2), '0');
CREATE OR REPLACE MACRO with_slashes(t) AS substr(figures(t), 1, 4) || '/' || substr(figures(t), 5, 2) || '/' || substr(figures(t), 7, 2);
CREATE OR REPLACE MACRO with_words(t) AS
    substr(figures(t), 1, 4) || '年' || ltrim(substr(figures(t), 5, 2), '0') || '月' || ltrim(substr(figures(t), 7, 2), '0') || '日';

-- What people and programs do to values. The clean text is the argument.
CREATE OR REPLACE MACRO other_last(t, alphabet) AS
    left(t, 17) || substr(alphabet, 1 + ((instr(alphabet, right(t, 1)) + hash(t) % (length(alphabet) - 1)) % length(alphabet))::INTEGER, 1);
CREATE OR REPLACE MACRO wrong_id_check(id) AS other_last(id, '0123456789X');
CREATE OR REPLACE MACRO wrong_uscc_check(code) AS other_last(code, '0123456789ABCDEFGHJKLMNPQRTUWXY');
CREATE OR REPLACE MACRO id_15(id) AS left(id, 6) || substr(id, 9, 9);
CREATE OR REPLACE MACRO full_width(t) AS translate(t, '0123456789X', '０１２３４５６７８９Ｘ');
-- As a spreadsheet keeps a long number: 15 digits, and what a double makes of the rest.
CREATE OR REPLACE MACRO excel_number(t) AS ((left(t, 15) || '000')::DOUBLE)::HUGEINT::VARCHAR;
-- As one shows it: 15 digits and three zeros.
CREATE OR REPLACE MACRO excel_zeros(t) AS left(t, 15) || '000';
CREATE OR REPLACE MACRO excel_power(t) AS substr(t, 1, 1) || '.' || substr(t, 2, 5) || 'E+17';
CREATE OR REPLACE MACRO excel_serial(t) AS (TRY_CAST(t AS DATE) - DATE '1899-12-30')::VARCHAR;
CREATE OR REPLACE MACRO masked(t) AS left(t, 6) || '********' || substr(t, 15);
CREATE OR REPLACE MACRO masked_name(t) AS left(t, 1) || '**';
CREATE OR REPLACE MACRO lost_character(t, key) AS left(t, 1) || one_of(['?', '□', chr(65533), chr(59421)], 'lost_character', key);
CREATE OR REPLACE MACRO blank_inside(t) AS left(t, 1) || ' ' || substr(t, 2);
CREATE OR REPLACE MACRO blank_at_end(t, key) AS t || one_of([chr(9), ' ', chr(12288)], 'blank_at_end', key);
CREATE OR REPLACE MACRO half_brackets(t) AS translate(t, '（）', '()');
-- Another day of the same month.
CREATE OR REPLACE MACRO other_day(t) AS left(t, length(t) - 2) || padded(right(t, 2)::INTEGER % 27 + 1, 2);
-- A day that no month has, for texts YYYYMMDD and YYYY-MM-DD.
CREATE OR REPLACE MACRO no_day(t, key) AS
    left(t, 4) || CASE WHEN instr(t, '-') > 0 THEN one_of(['-02-30', '-13-01', '-04-31'], 'no_day', key) ELSE one_of(['0230', '1301', '0431'], 'no_day', key) END;

-- Lives (people.sql): a day so many years before another; a number between lo and hi, most often near mode.
CREATE OR REPLACE MACRO years_before(day, years) AS (day - floor(years * 365.2425)::INTEGER)::DATE;
CREATE OR REPLACE MACRO tent(u, lo, mode, hi) AS
    CASE WHEN u < (mode - lo) / (hi - lo) THEN lo + sqrt(u * (hi - lo) * (mode - lo)) ELSE hi - sqrt((1 - u) * (hi - lo) * (hi - mode)) END;
-- The day within the 24 months on which a person dies, NULL for most: about 1 % a year of all, tenfold in 25 years of age.
CREATE OR REPLACE MACRO death_day(person, born, times) AS
    CASE WHEN draw('death', person) < least(0.6, times * (0.0008 + 0.00009 * exp(0.092 * (today() - born) / 365.2425)))
        THEN draw_day('day of death', person, greatest(first_day(), born + 3), today()) END;
CREATE OR REPLACE MACRO address_at(city, county, road, key) AS
    '辽宁省' || city || county || road || draw_int('number', key, 1, 299) || '号' || draw_int('block', key, 1, 39) || '栋'
    || draw_int('stair', key, 1, 7) || '单元' || draw_int('floor', key, 1, 18) || '0' || draw_int('door', key, 1, 3) || '室';
