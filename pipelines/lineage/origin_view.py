"""How the origin of a record is shown in a terminal: the record, then each attribute with who said so.

Belongs here: the tree. Not here: finding out (`pipelines.lineage.origin`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pipelines.lineage.origin_records import Attribute, HandedOver, Origin, Said

REPAIRS = {
    "trimmed": "去空白 trimmed",
    "folded": "全角转半角 folded",
    "upper": "转大写 upper case",
    "dialect": "代码转换 code mapped",
    "placeholder": "占位词视为空 placeholder",
    "recast": "数字写法 number rewritten",
}


def render(origin: Origin, console: Console) -> None:
    from rich.text import Text
    from rich.tree import Tree

    key = ", ".join(f"{k} = {v}" for k, v in origin.key.items())
    tree = Tree(Text.assemble((f"{origin.table} ", "bold"), origin.title, f"  {key}"))
    number = {row: n for n, row in enumerate(origin.rows, start=1)}
    if number:
        rows = tree.add(Text("来源行 rows handed over", style="bold"))
        for row, n in number.items():
            node = rows.add(_handed_over(n, row))
            for failed in row.failed:
                node.add(Text(f"✗ {failed.rule} {failed.title_zh} {failed.title_en}", style="yellow"))
    if origin.inputs:
        inputs = tree.add(Text("由这些行计算 calculated from", style="bold"))
        for name in dict.fromkeys(one.dataset for one in origin.inputs):
            same = [one for one in origin.inputs if one.dataset == name]
            counted = f"{sum(one.rows for one in same):,} 行 rows · {len(same)} 批次 batches"
            node = inputs.add(Text(f"{same[0].department} {same[0].department_en} · {name} · {counted}"))
            for one in same:
                node.add(Text(f"{one.period} · {one.file} · {one.rows:,} 行 rows ({one.first_row}-{one.last_row}) · {one.batch}"))
    values = tree.add(Text("属性 attributes", style="bold"))
    for attribute in origin.attributes:
        if attribute.value is not None or attribute.said or attribute.others:
            _attribute(values.add(_line(attribute, number)), attribute, number)
    if origin.note:
        tree.add(Text(origin.note, style="yellow"))
    console.print(tree)


def _handed_over(n: int, row: HandedOver) -> Text:
    from rich.text import Text

    where = f"{row.file or row.batch} 第 {row.row} 行 row {row.row}"
    unit = f" · {row.unit}" if row.unit else ""
    return Text.assemble(
        (f"[{n}] ", "cyan"),
        f"{row.department} {row.department_en} · {row.dataset}{unit} · {row.period} · ",
        (where, "bold"),
        f" · {row.batch}",
    )


def _line(attribute: Attribute, number: dict[HandedOver, int]) -> Text:
    from rich.text import Text

    text = Text.assemble(f"{attribute.title} {attribute.name}: ", (str(attribute.value if attribute.value is not None else "—"), "bold"))
    if attribute.said:
        text.append(f"  [{number[attribute.said.row]}]", style="cyan")
        text.append(_how(attribute.said, attribute.value))
    elif attribute.made_from:
        text.append(f"  ← {', '.join(attribute.made_from[:4])}{' …' if len(attribute.made_from) > 4 else ''}", style="dim")
    return text


def _how(said: Said, value: str | None) -> str:
    told = f"  原文 as it came: {said.text!r}" if said.text is not None and said.text != value else ""
    return told + (f"  {REPAIRS.get(said.repair, said.repair)}" if said.repair else "")


def _attribute(node: object, attribute: Attribute, number: dict[HandedOver, int]) -> None:
    from rich.text import Text
    from rich.tree import Tree

    assert isinstance(node, Tree)
    for failed in attribute.said.failed if attribute.said else ():
        node.add(Text(f"✗ {failed.rule} {failed.title_zh} {failed.title_en}", style="yellow"))
    for other in attribute.others:
        if other.text is not None:
            node.add(Text(f"[{number[other.row]}] {other.text}{_how(other, other.text)}", style="dim"))
