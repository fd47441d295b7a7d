"""The manual of rules (`docs/rules.md`), written from the kinds themselves; a test holds the file to it.

`python -m expectations.manual > docs/rules.md` writes it again.
"""

# ruff: noqa: E501 - prose for people
from __future__ import annotations

from pathlib import Path

from expectations.codes import CodeTables
from expectations.compiler.costs import cost
from expectations.compiler.rules import kinds

HEAD = """# 规则手册 Rules

由代码生成，勿手改：`python -m expectations.manual > docs/rules.md`。 Made from the code; do not edit by hand.

规则集是 Great Expectations 自己的格式（YAML）；含义以 GX 在 pandas 上的判定为准，逐行一致。A suite is Great Expectations' own format in YAML; a rule means what GX judges on pandas, to the row.

- **三种结论** 通过、不通过、不可评估（缺列、批次无行）；不可评估绝不算通过。**Three outcomes**: passed, failed, not assessable (a column is absent, the batch has no rows), which never counts as passed. GX itself calls a rule over no rows a success; a batch whose column is wholly empty still passes, as in GX: presence has its own rule.
- **元素** 行规则的元素是行：`elements` 为看过的行，`missing` 为其中略过的行，`unexpected` 为不符的行，百分比以未略过的行为底。**Element** of a row rule: the row. Percentages are of the rows not left out.
- **所有行规则** 可带 `mostly`（0 到 1，不符的行照样标出，只影响结论）与 `row_condition`（`col("state")=="4"`、`col("n")>=3`、`col("d").notnull()`，或 GX 的条件对象：`{type: comparison, column: {name: state}, operator: IN, parameter: ["2", "4"]}`）。**Every row rule** takes `mostly` (rows that break it are flagged all the same; it decides the outcome only) and `row_condition` in either of GX's forms. Where the column is empty, `!=` and `NOT_IN` hold, all others do not.
- **代码表** `value_set: {$code: sex}`；可按列筛选：`{$code: division, status: [current, private], level: county}`。**Code tables**, filtered by a column if wanted.
- **日期界** `{$today: 0}` 是检查当日，可加减天数。**Dates**: `{$today: 0}` is the day of the check, plus so many days.
- **正则** 只用 Python、RE2、Java 含义相同的写法：不用 `(?i)`、`\\b`、环视、反向引用；`$` 只在末尾；`\\d`、`\\s`、`\\w` 按 Python 的含义（各种文字的数字也算），只要 0 到 9 就写 `[0-9]`。**Patterns**: only what Python, RE2 and Java read alike; `\\d`, `\\s` and `\\w` mean what they mean in Python (digits of any script): write `[0-9]` for 0 to 9. Anything else is refused with the line and what to write.
- **类型** 值与列的类型须相配：文本列的代码要加引号。**Types** must fit: quote the codes of a text column.
- **序列** `order_by`（日期、时间或整数）与 `group_by` 决定序列；同一时刻有几行的，只取第一行；缺值的行略过。`across_batches: true` 接着以前批次看，只向前看，故逐时到达与一并到达结论相同。**Series**: `order_by` (a date, a time, a whole number) and `group_by` make them; of several rows at one time the first counts, rows that lack a value are left out. `across_batches: true` goes on from earlier batches and looks back only, so that hours judged one by one or together give the same verdicts.
- **其他数据集** `reference: {dataset: std.market_entity, columns: [uscc]}` 指湖中一张表；本数据集的历史由系统自取。没有对照或历史不足，均为不可评估，并说明原因；`yuanqing check` 不评这些规则。**Other datasets**: `reference` names a table of the lake; a dataset's own history is found by itself. Without them, or with too short a history, a rule is not assessable and says why; `yuanqing check` leaves these rules to the hand-over.
- **工作日** 按国务院每年公布的放假安排（chinesecalendar，1.11.0 知 2004 至 2026 年）；范围外的日期不评，未安装则不可评估。**Working days** are those of the State Council's yearly notices (chinesecalendar; 1.11.0 knows 2004 to 2026): days outside are not judged, and without the package such a rule is not assessable.
"""


def manual() -> str:
    """The whole text of `docs/rules.md`."""
    parts, codes = [HEAD], CodeTables(Path(__file__).parent / "codes")
    for title, ours in (("Great Expectations 的规则 Rules of Great Expectations", False), ("自有规则 Rules of our own", True)):
        parts.append(f"## {title}\n")
        for kind in kinds().values():
            if kind.ours is not ours:
                continue
            arguments = ", ".join(f"`{n}`" if a.required else f"`{n}`?" for n, a in kind.arguments.items() if n != "condition_parser")
            clause = f"\n\n依据 clause: {' / '.join(dict.fromkeys(kind.clause))}" if ours else ""
            words = "".join(
                f"\n\n`{n}`: {', '.join(f'`{w}`' for w in a.words)}"
                for n, a in kind.arguments.items()
                if a.words and n != "condition_parser"
            )
            parts.append(
                f"### {kind.type}\n{kind.meaning[0]} {kind.meaning[1]}\n\n参数 arguments: {arguments}{words}{clause}\n\n"
                f"代价 cost: {' '.join(cost(kind, codes))}\n\n"
                f"```yaml\n- type: {kind.type}\n  kwargs: {kind.example}\n```\n"
            )
    return "\n".join(parts)


if __name__ == "__main__":
    print(manual(), end="")
