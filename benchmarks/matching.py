"""What matching without a key finds and costs: our scorer beside splink, on febrl 1 to 4 and on made people.

python -m benchmarks.matching [PEOPLE]      all of it; PEOPLE in the base (1,000,000)
python -m benchmarks.matching one WHO WHAT  one contender on one set, in this process; prints JSON

splink is no dependency: `make bench-matching` puts it into a folder of its own, on PYTHONPATH. It runs twice: with the weights of
our declaration (`splink`), and with those that it estimates itself by expectation maximisation (`splink-em`).
"""

from __future__ import annotations

import json
import logging
import lzma
import sys
import tempfile
import time
import warnings
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import HERE, EndedError, measured

if TYPE_CHECKING:
    import duckdb

    from assets.matching.declared import Matching

FEBRL = HERE / "tests" / "matching" / "febrl"
SETS = ("febrl1", "febrl2", "febrl3", "febrl4")
WHO = ("ours", "splink", "splink-em")
CERTAIN, HALF, REVIEW = 0.999, 0.5, 0.1


def read_febrl(con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
    """One of febrl's files as a table of texts, `record` its name there."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as plain:
        plain.write(lzma.decompress((FEBRL / f"dataset{name}.csv.xz").read_bytes()))
        plain.flush()
        read = f"read_csv('{plain.name}', all_varchar = true, header = true, delim = ',', normalize_names = true)"
        names = [d[0] for d in con.execute(f"SELECT * FROM {read} LIMIT 0").description or []]
        columns = ", ".join(f"nullif(trim({n}), '') AS {n.strip('_').replace('rec_id', 'record')}" for n in names)
        con.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {columns} FROM {read}")


def febrl(con: duckdb.DuckDBPyConnection, number: int) -> tuple[Matching, set[tuple[str, str]]]:
    """Tables `records` and `base` of one of the four sets; its declaration, and the true pairs (record, base)."""
    from assets.matching.declared import read_matching
    from assets.project import Project

    read_febrl(con, "records", "4b" if number == 4 else str(number))
    if number == 4:
        read_febrl(con, "base", "4a")
    else:
        con.execute("CREATE OR REPLACE VIEW base AS FROM records")
    project = Project(FEBRL, FEBRL)
    matching = read_matching(project, project.contracts["people"])
    assert matching is not None
    same = r"regexp_extract(l.record, 'rec-(\d+)', 1) = regexp_extract(r.record, 'rec-(\d+)', 1)"
    once = "" if number == 4 else " AND l.record > r.record"
    return matching, set(con.execute(f"SELECT l.record, r.record FROM records l, base r WHERE {same}{once}").fetchall())


def people(con: duckdb.DuckDBPyConnection, number: int) -> tuple[Matching, set[tuple[str, str]]]:
    """A base of so many made people; 2 % of them come again without a good key, 1 in 20 of these is not in the base."""
    from assets.matching.declared import matched
    from assets.matching.kinds import RESIDENT_ID, _resident_check
    from assets.project import Project

    con.execute("SELECT setseed(0.4)")
    surnames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹"
    given = "".join(map(chr, range(0x6000, 0x6000 + 900)))
    draw = "floor(pow(random(), 2) * {0})::INT + 1"
    con.execute(
        f"""CREATE TABLE everybody AS SELECT n, substr('{surnames}', {draw.format(len(surnames))}, 1)
            || substr('{given}', {draw.format(len(given))}, 1)
            || CASE WHEN random() < 0.85 THEN substr('{given}', {draw.format(len(given))}, 1) ELSE '' END AS name,
          DATE '1935-01-01' + (random() * 33000)::INT AS born, '2199' || lpad((random() * 99)::INT::VARCHAR, 2, '0') AS place,
          (random() * 999)::INT AS turn FROM range({int(number * 1.001)}) t(n)"""
    )
    body = "place || strftime(born, '%Y%m%d') || lpad(turn::VARCHAR, 3, '0')"
    con.execute(
        f"""CREATE TABLE whole AS SELECT id_number || {_resident_check("id_number")} AS id_number, name, born::VARCHAR AS birth_date,
          (2 - turn % 2)::VARCHAR AS sex, place AS hukou_div, n FROM (SELECT *, {body} AS id_number FROM everybody)
          QUALIFY row_number() OVER (PARTITION BY id_number ORDER BY n) = 1"""
    )
    con.execute(f"CREATE TABLE base AS SELECT * EXCLUDE (n) FROM whole WHERE n < {number}")
    con.execute(
        f"""CREATE TABLE sent AS SELECT *, random() AS a, random() AS b, random() AS c, (random() * 15)::INT + 1 AS wrong
          FROM whole WHERE n >= {number} OR hash(n) % 50 = 0"""
    )
    con.execute(
        """CREATE TABLE records AS SELECT 'r' || n AS record,
          CASE WHEN a < 0.3 THEN NULL WHEN a < 0.6 AND substr(id_number, 7, 2) = '19' THEN left(id_number, 6) || substr(id_number, 9, 9)
            ELSE left(id_number, wrong) || ((substr(id_number, wrong + 1, 1)::INT + 1) % 10) || substr(id_number, wrong + 2) END
            AS id_number,
          CASE WHEN b < 0.03 THEN left(name, 1) || '?' || substr(name, 3) WHEN b < 0.06 THEN left(name, 1) || ' ' || substr(name, 2)
            WHEN b < 0.09 THEN left(name, 1) || chr(unicode(substr(name, 2, 1)) + 1) || substr(name, 3) ELSE name END AS name,
          CASE WHEN c < 0.03 THEN left(birth_date, 9) || ((right(birth_date, 1)::INT + 1) % 10) ELSE birth_date END AS birth_date,
          sex, CASE WHEN c > 0.8 THEN '219900' ELSE hukou_div END AS hukou_div FROM sent"""
    )
    project = Project(HERE, HERE / "data")
    matching = next(m for m in matched(project) if m.attributes[m.key] is RESIDENT_ID)
    for table in ("base", "records"):  # what is not known of made people (a day of death, say) nobody has
        for name in matching.attributes:
            con.execute(f'ALTER TABLE {table} ADD COLUMN IF NOT EXISTS "{name}" VARCHAR')
    return matching, set(con.execute(f"SELECT 'r' || n, id_number FROM sent WHERE n < {number}").fetchall())


def ours(con: duckdb.DuckDBPyConnection, matching: Matching) -> str:
    from assets.matching.scoring import SCORED, score

    compared = ", ".join(a for a in matching.attributes if a != "record")
    score(con, matching, f"SELECT record, {compared} FROM records", f"SELECT {matching.key}, {compared} FROM base")
    return f"SELECT record, key, score FROM {SCORED}"


def splink(con: duckdb.DuckDBPyConnection, matching: Matching, *, estimate: bool) -> str:
    """The same forms, blocks and levels, scored by splink; `estimate`: with weights of its own finding."""
    warnings.simplefilter("ignore")
    logging.getLogger("splink").setLevel(logging.ERROR)
    from splink import DuckDBAPI, Linker, SettingsCreator

    from assets.matching.scoring import formed

    for table, key in (("records", "record"), ("base", matching.key)):
        select = formed(matching, table, f"v.{key}")
        con.execute(f"CREATE TABLE {table}_formed AS SELECT * RENAME (_identity AS unique_id) FROM ({select})")
    settings = SettingsCreator(
        link_type="link_only",
        probability_two_random_records_match=1 / matching.of,
        blocking_rules_to_generate_predictions=[{"blocking_rule": f"l.block_{n} = r.block_{n}"} for n in range(len(matching.blocks))],
        comparisons=[_comparison(matching, n, estimate) for n in range(len(matching.comparisons))],
    )
    api = DuckDBAPI(con)
    tables = [api.register(f"{t}_formed", dataset_display_name=t) for t in ("records", "base")]
    linker = Linker(tables, settings)
    for attribute in matching.counted:
        linker.table_management.compute_tf_table(attribute)
    if estimate:
        linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
        for n in range(2):
            linker.training.estimate_parameters_using_expectation_maximisation(f"l.block_{n + 1} = r.block_{n + 1}")
        found = linker.inference.predict()
    else:
        found = linker.inference.predict_between(tables[0], tables[1])
    rows = found.physical_name
    first = con.execute(f"SELECT source_dataset_l FROM {rows} LIMIT 1").fetchone()
    one, other = ("l", "r") if first and first[0] == "records" else ("r", "l")
    return f"SELECT unique_id_{one} AS record, unique_id_{other} AS key, match_weight AS score FROM {rows}"


def _comparison(matching: Matching, n: int, estimate: bool) -> dict[str, Any]:
    comparison = matching.comparisons[n]

    def side(end: str, attribute: str) -> Any:
        return lambda form: f'"{attribute}__{form}_{end}"' if form else f'"{attribute}_{end}"'

    levels: list[dict[str, Any]] = [
        {
            "sql_condition": " AND ".join(f'("{a}_l" IS NULL OR "{a}_r" IS NULL)' for a in comparison.attributes),
            "label_for_charts": "missing",
            "is_null_level": True,
        }
    ]
    for level in comparison.levels:
        if estimate and level.m == level.u:  # says nothing, and nothing can be learnt of it
            continue
        condition = " AND ".join(f"({matching.attributes[a].levels[k](side('l', a), side('r', a))})" for a, k in level.when) or "ELSE"
        made: dict[str, Any] = {"sql_condition": condition, "label_for_charts": level.told or "else"}
        if level.u is None:
            named = level.when[0][0]  # splink counts namesakes only where it reads a plain equality
            made |= {"tf_adjustment_column": named, "sql_condition": f'"{named}_l" = "{named}_r"'}
        if not estimate:
            made |= {"m_probability": level.m, "u_probability": level.u or 1e-4}
        levels.append(made)
    return {"output_column_name": f"c{n}", "comparison_levels": levels}


def one(who: str, what: str) -> dict[str, Any]:
    """Precision and recall at three probabilities, and processor time of matching alone (the data are made before)."""
    import duckdb

    con = duckdb.connect()
    con.execute("SET threads = 2")
    exclusive = not what.startswith("febrl") or what == "febrl4"
    matching, true = febrl(con, int(what[-1])) if what.startswith("febrl") else people(con, int(what))
    made = _memory()
    began = time.process_time()
    rows = ours(con, matching) if who == "ours" else splink(con, matching, estimate=who == "splink-em")
    once = "" if exclusive else " WHERE record > key"
    others = "1 + sum(o) OVER (PARTITION BY record)" if exclusive else "1 + o"
    odds = f"SELECT record, key, pow(2, least(score, 200)) AS o FROM ({rows}){once}"
    found = con.execute(f"SELECT record, key, p FROM (SELECT *, o / ({others}) AS p FROM ({odds})) WHERE p >= {REVIEW}").fetchall()
    cpu = time.process_time() - began
    figures: dict[str, Any] = {
        "who": who,
        "what": what,
        "cpu": round(cpu, 2),
        "memory_before": made,
        "memory": _memory(),
        "true": len(true),
    }
    for limit in (CERTAIN, HALF, REVIEW):
        pairs = {(record, key) for record, key, p in found if p >= limit}
        figures[f"precision_{limit}"] = round(len(pairs & true) / max(len(pairs), 1), 4)
        figures[f"recall_{limit}"] = round(len(pairs & true) / len(true), 4)
    return figures


def _memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(arguments: list[str]) -> int:
    """0, or 1 where a contender did not come to its end."""
    if arguments[:1] == ["one"]:
        print(json.dumps(one(arguments[1], arguments[2])))
        return 0
    ended = 0
    number = arguments[0] if arguments else "1000000"
    print("| set | by | CPU s | memory MB | P certain | R certain | P review | R review |\n|---|---|---|---|---|---|---|---|")
    for what in (*SETS, number):
        for who in WHO:
            try:
                f = json.loads(measured([sys.executable, "-m", "benchmarks.matching", "one", who, what]).output.splitlines()[-1])
            except EndedError as error:
                print(f"| {what} | {who} | {' '.join(str(error)[-160:].split())} |")
                ended = 1
                continue
            limits = " | ".join(f"{f[f'{k}_{at}']:.4f}" for at in (CERTAIN, REVIEW) for k in ("precision", "recall"))
            print(f"| {what} | {who} | {f['cpu']:.1f} | {f['memory']:,} | {limits} |", flush=True)
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
