"""What collecting says is said in Chinese too: the words of refusals and notes beside what a clerk reads."""

from __future__ import annotations

import pytest

from pipelines.reports.phrases import in_chinese


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("found 9 bytes, expected 18. A field is too short", "该行有 9 字节，应为 18 字节"),
        ("found bytes that are not GB18030 (GBK) in column XM; expected whole characters.", "列 XM 处截断了汉字"),
        ("a.xls, sheet 's': 65536 rows, all that a sheet of this form can hold: what followed", "工作表已满 65536 行"),
        ("two tables side by side: 4 columns from 'A' (column 5) on", "并排放了两张表（重复 4 列）"),
        ("a title or a row of descriptions ('编号, 姓名'), and the names of the columns in line 2", "表头在第 2 行"),
        ("a.zip: rows against manifest: a.csv has 2 rows, the manifest says 3; expected the", "行数与清单不符：a.csv has 2 rows"),
        ("a.zip, ../x.csv: a path that leads out of the archive; expected", "压缩包内的路径不安全"),
        ("a.zip: 9 bytes packed into 1: an archive made to overflow; expected", "压缩包解开后过大"),
        ("a.xml: a document type (DTD), with which entities can come", "XML 含文档类型定义"),
        ("a.csv: the unit 'dlx', which does not hand over this dataset; expected", "dlx 不是本数据集的交付单位"),
        ("a.csv: period '299912' has not begun yet; expected", "期次 299912 尚未开始"),
        (
            "1 groups by 区划 that batch p-1 had are gone: 2102 (12 rows before); expected",
            "按 区划 分，上一批有的 1 组不见了：2102 (12 rows before)",
        ),
        ("a delta that holds 950 of the 1000 keys known: it looks like a full", "增量交付含已知 1000 个主键中的 950 个"),
        ("none of the last 3 hand-overs has a row flagged D: ask whether", "最近 3 次交付没有标志为 D 的记录"),
        (
            "it stands; 2 of its 4 rows are not in the other, 1 of the other's 3 not in it",
            "其 4 行中 2 行为另一批所无，另一批 3 行中 1 行不在其中",
        ),
        ("column XM is absent ('OLD' is its name until 202602 only)", "列名 OLD 不在启用时间内（until 202602）"),
        ("page 2 has 2 records where the first had 3: the page size changed", "接口分页大小中途变化"),
    ],
)
def test_what_collecting_says_is_said_in_chinese(reason, said):
    assert in_chinese(reason).startswith(said)
