"""Words and lists of which the sample world is made: places, names, roads, trades. All combinations are invented.

Belongs here: constants. Not here: how they are drawn.
"""

from __future__ import annotations

from typing import Any

CITIES: dict[str, tuple[str, float]] = {
    "210100": ("沈阳市", 0.215), "210200": ("大连市", 0.175), "210300": ("鞍山市", 0.077), "210400": ("抚顺市", 0.043),
    "210500": ("本溪市", 0.031), "210600": ("丹东市", 0.050), "210700": ("锦州市", 0.063), "210800": ("营口市", 0.054),
    "210900": ("阜新市", 0.038), "211000": ("辽阳市", 0.037), "211100": ("盘锦市", 0.032), "211200": ("铁岭市", 0.055),
    "211300": ("朝阳市", 0.066), "211400": ("葫芦岛市", 0.056), "21SF00": ("沈抚改革创新示范区", 0.008),
}  # fmt: skip
"""The delivering units: code, name, share of the people (rounded from the bulletins)."""

COUNTIES: dict[str, str] = {
    "210102": "和平区", "210103": "沈河区", "210104": "大东区", "210105": "皇姑区", "210106": "铁西区", "210111": "苏家屯区",
    "210112": "浑南区", "210113": "沈北新区", "210114": "于洪区", "210115": "辽中区", "210123": "康平县", "210124": "法库县",
    "210181": "新民市", "210202": "中山区", "210203": "西岗区", "210204": "沙河口区", "210211": "甘井子区", "210212": "旅顺口区",
    "210213": "金州区", "210214": "普兰店区", "210224": "长海县", "210281": "瓦房店市", "210283": "庄河市", "210302": "铁东区",
    "210303": "铁西区", "210304": "立山区", "210311": "千山区", "210321": "台安县", "210323": "岫岩满族自治县", "210381": "海城市",
    "210402": "新抚区", "210403": "东洲区", "210404": "望花区", "210411": "顺城区", "210421": "抚顺县", "210422": "新宾满族自治县",
    "210423": "清原满族自治县", "210502": "平山区", "210503": "溪湖区", "210504": "明山区", "210505": "南芬区",
    "210521": "本溪满族自治县", "210522": "桓仁满族自治县", "210602": "元宝区", "210603": "振兴区", "210604": "振安区",
    "210624": "宽甸满族自治县", "210681": "东港市", "210682": "凤城市", "210702": "古塔区", "210703": "凌河区", "210711": "太和区",
    "210726": "黑山县", "210727": "义县", "210781": "凌海市", "210782": "北镇市", "210802": "站前区", "210803": "西市区",
    "210804": "鲅鱼圈区", "210811": "老边区", "210881": "盖州市", "210882": "大石桥市", "210902": "海州区", "210903": "新邱区",
    "210904": "太平区", "210905": "清河门区", "210911": "细河区", "210921": "阜新蒙古族自治县", "210922": "彰武县",
    "211002": "白塔区", "211003": "文圣区", "211004": "宏伟区", "211005": "弓长岭区", "211011": "太子河区", "211021": "辽阳县",
    "211081": "灯塔市", "211102": "双台子区", "211103": "兴隆台区", "211104": "大洼区", "211122": "盘山县", "211202": "银州区",
    "211204": "清河区", "211221": "铁岭县", "211223": "西丰县", "211224": "昌图县", "211281": "调兵山市", "211282": "开原市",
    "211302": "双塔区", "211303": "龙城区", "211321": "朝阳县", "211322": "建平县", "211324": "喀喇沁左翼蒙古族自治县",
    "211381": "北票市", "211382": "凌源市", "211402": "连山区", "211403": "龙港区", "211404": "南票区", "211421": "绥中县",
    "211422": "建昌县", "211481": "兴城市",
}  # fmt: skip
MEMBERS = {"21SF00": ("210112", "210403", "210404")}
"""Counties that 沈抚 has parts of: GB/T 2260 knows no code for the zone itself."""

ABOLISHED = ("210122", "210282", "211121", "210319")


def counties_of(unit: str) -> tuple[str, ...]:
    """The county codes of a delivering unit."""
    return MEMBERS.get(unit) or tuple(code for code in COUNTIES if code[:4] == unit[:4])


def id_prefix(position: int) -> str:
    """The first six digits of the sample's resident ids: 219901 to 219914 for the cities in order, 219921 for 沈抚, and
    in a whole province those 30 and 60 further on (`world.order_number`). No place has or had these codes, so no living person can
    hold such an id."""
    return f"2199{position + 1:02d}" if position < 14 else "219921"


SURNAMES = tuple(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
RARE_SURNAMES = ("欧阳", "司徒", "爱新觉罗", "䶮", "𬱖", "那拉")
GIVEN = tuple(
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂玉萍红鹏宇欣怡晨曦子涵梓轩浩然诗雅思佳琪雨桐俊宁泽楷博文昊天瑞霖若彤嘉慧心源清流洁春夏秋冬松柏梅竹山川河海云峰岭原野安康乐福寿喜庆余庚辰"
)
RARE_GIVEN = ("𬱖", "䶮", "㛃", "𫍯", "𬸚", "·阿茹娜", "·巴图", "𠅤")

_ROADS = (
    "青年",
    "中山",
    "建设",
    "和平",
    "胜利",
    "解放",
    "新华",
    "光明",
    "人民",
    "工农",
    "兴工",
    "向阳",
    "文化",
    "长江",
    "黄河",
    "松山",
    "云峰",
    "昆仑",
)
ROADS = tuple(f"{name}{kind}" for name in _ROADS for kind in ("街", "路", "大街"))

ETHNICITIES = (("01", 0.845), ("11", 0.124), ("02", 0.016), ("03", 0.006), ("10", 0.006), ("37", 0.001), ("15", 0.001), ("97", 0.001))

TRADES = (
    # section, class, word for a firm, word for a shop, scope
    ("F", "5211", "商贸", "商店", "日用百货销售；食品销售（仅销售预包装食品）"),
    ("H", "6210", "餐饮管理", "饭店", "餐饮服务；外卖递送服务"),
    ("C", "3484", "机械制造", "加工厂", "通用零部件制造；机械零件、零部件加工；机械设备销售"),
    ("E", "4710", "建筑工程", "装修队", "建设工程施工；住宅室内装饰装修"),
    ("I", "6510", "软件技术", "网络服务部", "软件开发；信息系统集成服务；技术咨询"),
    ("A", "0111", "农业科技", "农资店", "谷物种植；农产品初加工；农业生产资料销售"),
    ("G", "5430", "物流", "货运部", "道路货物运输；仓储服务（不含危险化学品）"),
    ("L", "7212", "企业管理咨询", "信息咨询部", "企业管理咨询；商务信息咨询"),
    ("O", "8040", "家政服务", "理发店", "家政服务；理发服务"),
    ("M", "7519", "生物科技", "技术服务部", "技术开发；技术推广；技术转让"),
    ("P", "8391", "教育咨询", "培训部", "教育咨询服务（不含涉许可审批的教育培训活动）"),
    ("R", "8810", "文化传播", "书画店", "组织文化艺术交流活动；工艺美术品销售"),
)  # fmt: skip
FIRM_WORDS = tuple(f"{a}{b}" for a in "盛鑫瑞恒祥宏华泰安信诚达远博创" for b in "源隆丰通达兴和顺利康")

BUREAUS = ("市场监督管理局", "卫生健康委员会", "住房和城乡建设局", "交通运输局")
LICENCES = (
    # words of the document, of the certificate, of the content
    ("食品经营许可准予许可决定书", "食品经营许可证", "准予从事食品销售经营活动"),
    ("公共场所卫生行政许可决定书", "公共场所卫生许可证", "准予从事公共场所经营活动"),
    ("建筑业企业资质准予许可决定书", "建筑业企业资质证书", "准予从事建筑业施工劳务"),
    ("道路运输经营准予许可决定书", "道路运输经营许可证", "准予从事道路普通货物运输"),
)  # fmt: skip


def write(con: Any) -> None:
    """The words as tables `world.word_*` of a DuckDB connection: `n` (from 0) and the word; shares are running sums in `below`."""
    total, below, cities = sum(share for _, share in CITIES.values()), 0.0, []
    for position, (unit, (name, share)) in enumerate(CITIES.items()):
        below = 1.0 if position == len(CITIES) - 1 else below + share / total
        cities.append((position, unit, name, share / total, below, id_prefix(position)))
    _table(con, "city", "n INTEGER, unit VARCHAR, name VARCHAR, share DOUBLE, below DOUBLE, id_prefix VARCHAR", cities)
    counties = [
        (unit, n, len(counties_of(unit)), code, COUNTIES[code], name, share, prefix)
        for _, unit, name, share, _, prefix in cities
        for n, code in enumerate(counties_of(unit))
    ]
    layout = 'unit VARCHAR, n INTEGER, "of" INTEGER, county VARCHAR, name VARCHAR, city VARCHAR, share DOUBLE, id_prefix VARCHAR'
    _table(con, "county", layout, counties)
    ends, below = [], 0.0
    for position, (code, share) in enumerate(ETHNICITIES):
        below = 1.0 if position == len(ETHNICITIES) - 1 else below + share
        ends.append((position, code, share, below))
    _table(con, "ethnicity", "n INTEGER, code VARCHAR, share DOUBLE, below DOUBLE", ends)
    trade = "trade INTEGER, section VARCHAR, class VARCHAR, firm VARCHAR, shop VARCHAR, scope VARCHAR"
    _table(con, "trade", trade, [(n, *row) for n, row in enumerate(TRADES)])
    licence = "n INTEGER, bureau VARCHAR, document VARCHAR, certificate VARCHAR, content VARCHAR"
    con.execute("CREATE OR REPLACE VIEW world.word_division AS FROM codes.division")
    _table(con, "licence", licence, [(n, b, *row) for n, (b, row) in enumerate(zip(BUREAUS, LICENCES, strict=True))])
    words = {"surname": SURNAMES, "rare_surname": RARE_SURNAMES, "given": GIVEN, "rare_given": RARE_GIVEN, "road": ROADS}
    for name, those in {**words, "firm": FIRM_WORDS, "bureau": BUREAUS, "abolished": ABOLISHED}.items():
        _table(con, name, "n INTEGER, word VARCHAR", list(enumerate(those)))


def _table(con: Any, name: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    con.execute(f"CREATE OR REPLACE TABLE world.word_{name} ({columns})")
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    con.execute(f"INSERT INTO world.word_{name} VALUES {values}")


def _literal(value: str | float) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
