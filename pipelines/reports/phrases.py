"""Refusals and reasons in Chinese: the readers write them in English, the pages of departments say them in both languages.

Belongs here: the fixed forms of these texts. Not here: what is refused and why (`assets.readers`). A text of no known form stays
as it is.
"""

from __future__ import annotations

import re

_FORMS: tuple[tuple[str, str], ...] = (
    (
        r"found (\d+) fields, expected (\d+)",
        r"该记录有 \1 个字段，应为 \2 个：检查分隔符是否缺漏或多余、记录中间是否断行，含分隔符的文字须加引号",
    ),
    (r"found a quote that does not close", "引号没有成对：删去多余的引号，字段内的引号写成两个"),
    (r"found a quote in the middle of a field", "字段中间出现引号：删去，或给整个字段加引号，其中的引号写成两个"),
    (r"found (\d+) NUL bytes", r"含 \1 个 NUL 字节，文件在传输中损坏：重新导出"),
    (r"found a (?:carriage return|line feed) within the line", "行内混有另一种换行符：统一用 LF 或 CRLF 重新导出"),
    (r"found bytes that are not ([^,]+),", r"该行有不属于 \1 编码的字节：改正这些字后重新导出"),
    (r": bytes that are ([^,]+), .*expected text in ([^.]+)\.", r"编码是 \1，应为 \2：按应有编码另存"),
    (r"the needed column (.+?) missing; expected", r"缺少必需的列 \1：把列名改为契约所列"),
    (r"\d+ needed columns missing: (.+?); expected", r"缺少必需的列 \1：把列名改为契约所列"),
    (r"column (.+?) stands twice", r"列 \1 出现两次：删去其中一列"),
    (r"none of the \d+ declared columns", "第一行没有契约所列的任何列名：把表头放在第一行，并检查分隔符"),
    (r"a header and no record", "只有表头没有记录：重新导出；确无数据须事先说明"),
    (r"(?:^|: )an empty file|blank lines only", "空文件：重新导出"),
    (r"a workbook with a password", "工作簿有密码：去掉密码后另存"),
    (r"(?:^|: )(?:no workbook, by|an HTML page|a ZIP archive that holds no workbook)", "不是工作簿：用表格软件打开后另存为 .xlsx"),
    (r"(\d+) rows, where batch \S+ had (\d+): the dataset would collapse", r"只有 \1 行，上一批有 \2 行，降幅超出契约允许：请交付完整文件"),
    (r"its content is that of batch (\S+) \((.+)\); it was not collected again", r"内容与批次 \1（\2）相同，未重复接收"),
    (r"a further hand-over for (\S+): it stands in place of (\S+)", r"\1 的又一次交付，取代批次 \2"),
    (r"a further hand-over for (\S+): it is older than (\S+)", r"\1 的又一次交付，早于批次 \2"),
    (
        r"(\d+) cells of (\S+) are numbers of 16 or more digits",
        r"\2 有 \1 格是 16 位以上的数字，末几位已被表格软件丢失：设为文本格式后重新录入",
    ),
    (r"(\d+) date cells of (\S+) are plain numbers", r"\2 有 \1 个日期格是数字：设为日期格式"),
)
_COMPILED = tuple((re.compile(pattern), said) for pattern, said in _FORMS)


def in_chinese(reason: str | None) -> str:
    """What the known forms within a reason say, in Chinese; empty where there is none."""
    said = [found.expand(words) for pattern, words in _COMPILED if (found := pattern.search(reason or ""))]
    return "；".join(said) + "。" if said else ""
