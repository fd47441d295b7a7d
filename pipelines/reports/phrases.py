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
_FORMS += (
    (r"found (\d+) bytes, expected (\d+)", r"该行有 \1 字节，应为 \2 字节：检查字段宽度、是否断行或含控制字符"),
    (r"found bytes that are not [^,]+ in column ([^;]+);", r"列 \1 处截断了汉字：宽度按字节计，检查它前面的字段"),
    (r"(\d+) rows, all that a sheet of this form can hold", r"工作表已满 \1 行，后面的数据被截掉：分表或改用 CSV 交付"),
    (r"two tables side by side: (\d+) columns", r"并排放了两张表（重复 \1 列）：分开交付，或上下相接"),
    (r"a title or a row of descriptions \(.*?\), and the names of the columns in line (\d+)", r"表头在第 \1 行，上方是标题或说明行：删去"),
    (r"no header in the first (\d+) rows of ([^;]+);", r"工作表 \2 的前 \1 行没有表头：把契约所列表头放在记录上方"),
    (r"no sheet like ([^;]+);", r"没有名称符合 \1 的工作表"),
    (r"\d+ sheets that hold the header: ([^;]+);", r"有多张工作表含表头（\1）：一个文件只交一张"),
    (r"rows against manifest: (.+?)(?:; expected|$)", r"行数与清单不符：\1。核对后重新打包"),
    (r"(?:^|: )(?:a path that leads out of the archive|a link or a device)", "压缩包内的路径不安全：重新打包，只放文件"),
    (r"(?:^|: )a member with a password", "压缩包有密码：去掉密码后重新打包"),
    (r"(?:^|: )an archive within the archive", "压缩包内还有压缩包：直接打包文件"),
    (r"an archive made to overflow|bytes unpacked; expected|\d+ members; expected", "压缩包解开后过大或文件过多，超出限度：拆分交付"),
    (r"members of another name: ([^;]+);", r"压缩包内有名称不符的文件（\1）：取出后重新打包"),
    (r"(?:^|: )(?:no ZIP archive, by|an archive that cannot be read)", "不是完整的 ZIP 压缩包：重新打包"),
    (r"\d+ manifests; expected", "压缩包内应有且只有一个清单"),
    (r"a document type \(DTD\)", "XML 含文档类型定义（可引入外部实体）：去掉 <!DOCTYPE> 后重新导出"),
    (r"no well-formed XML", "XML 不完整或不规范：重新导出"),
    (r"no record at ([^;]+);", r"XML 中 \1 处没有记录：检查结构"),
    (r"(\d+) records, where (\S+) announces (\d+)", r"有 \1 条记录，而文件声明 \3 条：核对后重新导出"),
    (r"the unit '([^']+)', which does not hand over this dataset", r"\1 不是本数据集的交付单位"),
    (r"period '([^']+)' has not begun yet", r"期次 \1 尚未开始：改正文件名"),
    (r"period '([^']+)' lies before the first one", r"期次 \1 早于约定的首期"),
    (r"(\d+) groups by (\S+) that batch (\S+) had are gone: (.+?)(?:; expected|$)", r"按 \2 分，上一批有的 \1 组不见了：\4。请交付全部"),
    (r"a delta that holds (\d+) of the (\d+) keys known", r"增量交付含已知 \2 个主键中的 \1 个，像是全量：只交变化部分"),
    (r"none of the last (\d+) hand-overs has a row flagged (.+?): ask", r"最近 \1 次交付没有标志为 \2 的记录：问明是否漏报删除"),
    (
        r"(\d+) of its (\d+) rows are not in the other, (\d+) of the other's (\d+) not in it",
        r"其 \2 行中 \1 行为另一批所无，另一批 \4 行中 \3 行不在其中",
    ),
    (r"\('?([^']+)'? is its name ((?:from|until)[^)]+) only\)", r"列名 \1 不在启用时间内（\2）"),
    (r"(\d+) empty cells took the value above", r"\1 个空格取了上方的值"),
    (r"(\d+) cells took the value of the merged cell that covers them", r"\1 个格取了所在合并单元格的值"),
    (r"hidden sheets were left out: ([^;]+)", r"隐藏的工作表没有读取：\1"),
    (r"(\d+) fields stood several times in their record", r"\1 个字段在同一记录中出现多次：按 JSON 列表保留"),
    (r"the source says that it has no records for this day", "对方称当日没有记录"),
    (r"the page size changed", "接口分页大小中途变化：当日未保留，下次重取"),
    (r"page (\S+) is page (\S+) over again", r"接口第 \1 页与第 \2 页相同：当日未保留，下次重取"),
    (r"(\d+) records came on two pages, and again so", r"\1 条记录出现在两页，重取一次仍然如此：按原样保留"),
    (r"no token for the page after", "接口没有给出下一页的令牌：当日未保留，下次重取"),
)
_COMPILED = tuple((re.compile(pattern), said) for pattern, said in _FORMS)


def in_chinese(reason: str | None) -> str:
    """What the known forms within a reason say, in Chinese; empty where there is none."""
    said = [found.expand(words) for pattern, words in _COMPILED if (found := pattern.search(reason or ""))]
    return "；".join(said) + "。" if said else ""
