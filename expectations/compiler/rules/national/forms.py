"""Rules on texts that are known by their form: the compiled twin of `expectations.national.forms`."""

# ruff: noqa: E501, ISC004 - prose for people
from __future__ import annotations

import re
from collections.abc import Callable

from expectations.compiler.forms import RowTest
from expectations.compiler.ir import Expression, call
from expectations.compiler.kinds import MAP, Argument, ArgumentError, Arguments, Kind, Scope, printed
from expectations.compiler.rules.identity import whole_match
from expectations.compiler.rules.values import over
from expectations.national import forms
from expectations.national.forms import Forms

COLUMN = {"column": Argument("column", required=True)}


def of_form(family: Forms) -> Callable[[Arguments, Scope], RowTest]:
    """How a rule on a family compiles: one regular expression for the forms, another for what is never one, one set."""

    def compiled(arguments: Arguments, scope: Scope) -> RowTest:
        column = scope.column(arguments["column"])
        text, pattern = printed(column, "column"), family.pattern(arguments["accept"])
        broken: list[Expression] = [call("not", whole_match(text, pattern))]
        if family.never:
            broken.append(whole_match(text, family.never))
        # the others are refused by their form already
        if refused := tuple(word for word in family.refused(arguments["also"]) if re.fullmatch(pattern, word)):
            broken.append(call("in_set", text, refused))
        return over(arguments, column, call("or", *broken) if len(broken) > 1 else broken[0])

    return compiled


def _arguments(family: Forms) -> dict[str, Argument]:
    accept = Argument("choices", default=family.default, words=tuple(family.words))
    return {**COLUMN, "accept": accept, "also": Argument("values"), **MAP}


def _texts(arguments: Arguments) -> None:
    for text in arguments["also"] or ():
        if not isinstance(text, str):
            raise ArgumentError("also", f"also holds {text!r}, which is no text.", f'Quote it: "{text}".')


def _postcode(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    text = printed(column, "column")
    is_form = whole_match(text, forms.postcode_pattern(arguments["prefixes"]))
    return over(arguments, column, call("or", call("not", is_form), whole_match(text, forms.NO_POSTCODE)))


def _digits(arguments: Arguments) -> None:
    for prefix in arguments["prefixes"] or ():
        if not isinstance(prefix, str) or not re.fullmatch("[0-9]{1,6}", prefix):
            raise ArgumentError("prefixes", f"the prefix {prefix!r}.", 'Give one to six digits, quoted: "11".')


def _no_placeholder(arguments: Arguments, scope: Scope) -> RowTest:
    column = scope.column(arguments["column"])
    return over(arguments, column, call("in_set", printed(column, "column"), (*forms.placeholders(), *(arguments["also"] or ()))))


KINDS = (
    Kind(
        "expect_column_values_to_be_phone_number",
        _arguments(forms.PHONE),
        of_form(forms.PHONE),
        (
            "是电话号码：手机 11 位，固话带区号（landline）或不带（local），客服与短号（hotline）；不核对号段。13800138000、后八位全零等不算。sample 是示例数据所用的无主号码。",
            "A telephone number: mobile (11 digits), with area code (landline) or without (local), service and short numbers (hotline); number segments are not checked. "
            "13800138000, eight zeros and the like are none. `sample` numbers belong to nobody: made-up data uses them.",
        ),
        (
            "{unexpected} 行的 {column} 不是可拨打的电话号码：少位、多位、占位号或混入文字（{percent}）",
            "{unexpected} rows have a {column} that nobody can dial: digits too few or too many, a placeholder, or words ({percent})",
        ),
        "{column: phone, accept: [mobile, landline]}",
        ("电话网编号（通行形式，M）", "Telephone numbering plan (common forms, M)"),
        ours=True,
        check=_texts,
    ),
    Kind(
        "expect_column_values_to_be_postcode",
        {**COLUMN, "prefixes": Argument("values"), **MAP},
        _postcode,
        (
            "是六位邮政编码，不是六个相同的数字；prefixes 限定前几位，如辽宁 11、12。",
            "A postcode of six digits that are not all the same; `prefixes` limits how it begins, as 11 and 12 in Liaoning.",
        ),
        ("{unexpected} 行的 {column} 不是邮政编码（{percent}）", "{unexpected} rows have a {column} that is no postcode ({percent})"),
        '{column: postcode, prefixes: ["11", "12"]}',
        ("邮政编码六位（M）", "Six digits (M)"),
        ours=True,
        check=_digits,
    ),
    Kind(
        "expect_column_values_to_be_email_address",
        _arguments(forms.EMAIL),
        of_form(forms.EMAIL),
        (
            "是电子邮件地址：一个 @，前后均有内容，域名有点；test@test.com 之类不算。",
            "An e-mail address: one @ with something on both sides, and a domain with a dot; test@test.com and the like are none.",
        ),
        (
            "{unexpected} 行的 {column} 不是电子邮件地址（{percent}）",
            "{unexpected} rows have a {column} that is no e-mail address ({percent})",
        ),
        "{column: email}",
        ("RFC 5321（常用形式，M）", "RFC 5321 (the common form, M)"),
        ours=True,
        check=_texts,
    ),
    Kind(
        "expect_column_values_to_be_vehicle_plate",
        _arguments(forms.PLATE),
        of_form(forms.PLATE),
        (
            "是机动车号牌：省份简称、发牌机关字母、五位（新能源六位），无字母 I、O；special 为学、警、挂等，dotted 中间有点。",
            "A vehicle plate: province, letter of the office, five signs (six for new energy), no I or O; `special` ends in 学, 警, 挂 ..., `dotted` has a dot in the middle.",
        ),
        ("{unexpected} 行的 {column} 不是车辆号牌（{percent}）", "{unexpected} rows have a {column} that is no plate ({percent})"),
        "{column: plate, accept: [ordinary, new_energy]}",
        ("GA 36（形式，M）", "GA 36 (form, M)"),
        ours=True,
        check=_texts,
    ),
    Kind(
        "expect_column_values_to_be_licence_number",
        _arguments(forms.LICENCE),
        of_form(forms.LICENCE),
        (
            "是证照或文书编号：document 公文文号（〔年〕n号），food 食品经营许可证（JY 加 14 位），discharge 排污许可证，safety 安全生产许可证，property 不动产权证，"
            "credit_code 即统一社会信用代码（形式），certificate 电子证照标识（只看根）。",
            "The number of a licence or decision: document (〔year〕n号), food (JY and 14 digits), discharge permit, work safety, real property, credit_code (its form), "
            "certificate (an e-certificate's OID: only its root is asked for).",
        ),
        (
            "{unexpected} 行的 {column} 不是完整规范的编号：缺年份、缺“号”、括号不对或只有数字（{percent}）",
            "{unexpected} rows have a {column} that is no complete number: the year or 号 lacks, other brackets, or digits only ({percent})",
        ),
        "{column: doc_no, accept: [document]}",
        (
            "GB/T 9704-2012（文号，M）；HJ 608-2017；GB/T 36904-2018（L，只看根）",
            "GB/T 9704-2012 (documents, M); HJ 608-2017; GB/T 36904-2018 (L: only the root)",
        ),
        ours=True,
        check=_texts,
    ),
    Kind(
        "expect_column_values_to_be_person_name",
        _arguments(forms.PERSON),
        of_form(forms.PERSON),
        (
            "是人的姓名：两个以上汉字（可含间隔号），或外文姓名；不含空格、数字、*、丢失的字（? □），不是“不详”“无”“测试”之类，不是“王某”。",
            "A person's name: two Han characters or more (with a middle dot if need be), or a foreign name; no blank, digit, star or lost character, "
            "no word such as 不详, 无, test, and not 王某.",
        ),
        (
            "{unexpected} 行的 {column} 不像人名：中间有空格、含数字或*、有丢失的字，或是占位词（{percent}）",
            "{unexpected} rows have a {column} that is no person's name: a blank within, a digit or star, a lost character, or a placeholder ({percent})",
        ),
        "{column: name, also: [张三]}",
        ("GA/T 姓名数据元（形式，M）", "Form of names in registers (M)"),
        ours=True,
        check=_texts,
    ),
    Kind(
        "expect_column_values_to_be_enterprise_name",
        _arguments(forms.ENTERPRISE),
        of_form(forms.ENTERPRISE),
        (
            "是企业或机构名称：两个以上汉字，无空格，括号用全角，不是占位词或测试数据；half_brackets 接受半角括号，foreign 接受外文名称。",
            "The name of an enterprise or organisation: two Han characters or more, no blank, full-width brackets, no placeholder or test word; "
            "`half_brackets` takes half-width ones, `foreign` names in Latin letters.",
        ),
        (
            "{unexpected} 行的 {column} 不像企业名称：有空格、半角括号、丢失的字，全是数字，或是占位词（{percent}）",
            "{unexpected} rows have a {column} that is no enterprise's name: a blank, half-width brackets, a lost character, digits only, or a placeholder ({percent})",
        ),
        "{column: org_name, accept: [chinese, half_brackets]}",
        ("企业名称登记管理规定（汉字，M）", "Rules on the registration of enterprise names (Han characters, M)"),
        ours=True,
        check=_texts,
    ),
    Kind(
        "expect_column_values_to_not_be_placeholder",
        {**COLUMN, "also": Argument("values"), **MAP},
        _no_placeholder,
        (
            "不是占位词或测试数据（代码表 placeholder：无、暂无、不详、-、null、test、测试……；also 可再加）。",
            "No placeholder and no test data (the table `placeholder`: 无, 暂无, 不详, -, null, test, 测试 ...; `also` adds more).",
        ),
        (
            "{unexpected} 行的 {column} 填的是“无”“不详”“test”之类的占位词（{percent}）",
            "{unexpected} rows have a placeholder such as 无, 不详 or test as their {column} ({percent})",
        ),
        "{column: address}",
        ("GB/T 36344-2018 0305", "GB/T 36344-2018 0305"),
        ours=True,
        check=_texts,
    ),
)
