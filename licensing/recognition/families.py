"""Rules for families of titles whose words, not their order, tell the product: Java, SQL Server, Visual Studio, Adobe.

Each rule is an expression over the cleaned title in lower case and the product it names. The first match decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """What a rule says: a product, or a question named by its catalogue name."""

    rule: str
    product: str = ""
    question: str = ""


#: One of these words is in every title a family rule can hold for.
_WORDS = frozenset(
    """java j2se jdk sql visual .net asp.net windows python intellij pycharm pycharm.app resharper jetbrains mongodb
    citrix teams programming solidworks virtualbox flash odbc system oracle""".split()
)
_SQL_TOOLS = re.compile(
    r"management studio|data tools|report builder|native client|localdb|setup|compact|driver|browser|reporting services"
    r"|migration|tools|books online|system clr|clr types|upgrade|profiler|powershell|analysis management|for sql server"
)
_SQL = re.compile(r"^(?:microsoft )?sql server\b")
_SQL_EDITION = re.compile(
    r"\b(enterprise|standard|developer|express|web|workgroup|evaluation|business intelligence|datacenter)\b"
)
_VISUAL_STUDIO = re.compile(r"^(?:microsoft )?visual studio\b")
_VISUAL_STUDIO_EDITION = re.compile(
    r"\b(test professional|community|professional|enterprise|ultimate|premium|build tools|express|team explorer|code)\b"
)
_VISUAL_STUDIO_OTHER = re.compile(
    r"\b(?:tools for|for visual studio|sdk|setup|installer|remote debugger|agents?|shell|feedback|isolated|power ?tools"
    r"|runtime|language pack|package|extension)\b"
)
_JAVA_UPDATE = re.compile(r"^java 8 update (\d+)\b|^java se runtime environment 8(?:\.0)? update (\d+)\b")
#: Last Java 8 update under the licence that was free for business use (public knowledge: change of April 2019).
_LAST_FREE_JAVA: Final = 202
_UNIFIED = {"intellij idea": (2025, 3), "pycharm": (2025, 1)}
_JETBRAINS = re.compile(r"^(intellij idea|pycharm)(?: (?:(20\d\d)\.(\d)|(\d\d)(\d)\.)\S*)?(?: eap)?(?:\.app)?$")

#: (expression, product); in order.
_TABLE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(expression), product)
    for expression, product in (
        (r"^(?:java(?: 2| se| \d+)?|j2se)(?: se)? runtime environment\b", "Java SE Runtime Environment"),
        (r"^java (?:\d+|\d+\.\d\S*)(?: update \d+)?(?: \(?\d\d-?bit\)?)?$", "Java SE Runtime Environment"),
        (r"^(?:java(?:\(tm\))?(?: 2)?(?: se)?|j2se) development kit\b", "Java SE Development Kit"),
        (r"^java\W*(?:tm)?\W*se development kit\b", "Java SE Development Kit"),
        (r"^jdk \d", "Java SE Development Kit"),
        (r"^microsoft visual c\+\+ .*\b(?:redistributable|runtime)\b", "Microsoft Visual C++ Redistributable"),
        (r"^microsoft asp\.net core \S*.*(?:shared framework|runtime)\b", "Microsoft ASP.NET Core Runtime"),
        (r"^microsoft \.net (?:core )?runtime\b", "Microsoft .NET Runtime"),
        (r"^microsoft \.net (?:core )?sdk\b", "Microsoft .NET SDK"),
        (r"^microsoft \.net framework \d[\d.]*(?: \(?(?:client profile|extended|full|sdk|[a-z]{3})\)?)*$",
         "Microsoft .NET Framework"),
        (r"^microsoft windows desktop runtime\b", "Microsoft Windows Desktop Runtime"),
        (r"^(?:microsoft )?visual studio .*tools for applications\b", "Microsoft Visual Studio Tools for Applications"),
        (r"^microsoft visual studio .*tools for office runtime\b", "Microsoft Visual Studio Tools for Office Runtime"),
        (r"^microsoft sql server .*\blocaldb\b", "Microsoft SQL Server Express LocalDB"),
        (r"^(?:microsoft )?sql server management studio\b", "Microsoft SQL Server Management Studio"),
        (r"^microsoft sql server .*\bnative client\b", "Microsoft SQL Server Native Client"),
        (r"^microsoft sql server .*\bsetup\b", "Microsoft SQL Server Setup"),
        (r"^microsoft sql server compact\b|^microsoft sql server .*\bcompact\b", "Microsoft SQL Server Compact"),
        (r"^microsoft odbc driver \d+ for sql server", "Microsoft ODBC Driver for SQL Server"),
        (r"^microsoft ole db driver(?: \d+)? for sql server", "Microsoft OLE DB Driver for SQL Server"),
        (r"^microsoft system clr types for sql server", "Microsoft System CLR Types for SQL Server"),
        (r"^python \d\S* core interpreter", "Python"),
        (r"^python \d\S*(?: \((?:32|64|arm)\S*(?: \S+)?\))?$", "Python"),
        (r"^go programming language\b", "Go Programming Language"),
        (r"^(?:jetbrains )?resharper\b(?!.* c\+\+)", "JetBrains ReSharper"),
        (r"^jetbrains (dottrace|dotmemory|dotcover|dotpeek)\b", "JetBrains {}"),
        (r"^mongodb \d\S*(?: \d{4}\S*)?", "MongoDB"),
        (r"^citrix .*\bvirtual delivery agent\b", "Citrix Virtual Delivery Agent"),
        (r"^oracle (?:vm )?virtualbox\b(?!.*(?:guest|extension))", "Oracle VM VirtualBox"),
        (r"^oracle database .*express edition$", "Oracle Database Express Edition"),
        (r"^solidworks(?: x64)?(?: edition)? 20\d\d(?: x64 edition)?(?: sp\S+)?$", "SOLIDWORKS"),
        (r"^adobe flash player\b", "Adobe Flash Player"),
        (r"^teams machine-wide installer$", "Microsoft Teams classic"),
    )
)  # fmt: skip
#: Bare titles whose version tells the product; the catalogue must not answer them before `family` did.
TOLD_BY_VERSION: Final = frozenset({"microsoft teams", "intellij idea", "pycharm"})
_DOTS = {"dottrace": "dotTrace", "dotmemory": "dotMemory", "dotcover": "dotCover", "dotpeek": "dotPeek"}


def family(low: str, version: str) -> Family | None:
    """What the family rules say on a cleaned title in lower case."""
    if _WORDS.isdisjoint(low.split()):
        return None
    if low.startswith(("java 8 ", "java se runtime environment 8")):
        update = _JAVA_UPDATE.match(low)
        if update is not None and int(update[1] or update[2]) <= _LAST_FREE_JAVA:
            return Family("Java 8 before its licence changed", question="Java 8")
    if low == "microsoft teams":
        return Family(
            "Teams by its version", "Microsoft Teams classic" if version.startswith("1.") else "Microsoft Teams"
        )
    for expression, product in _TABLE:
        found = expression.search(low)
        if found is not None:
            if "{}" in product:
                product = product.format(_DOTS[found[1]])
            return Family("words of a family", product)
    return _sql_server(low) or _visual_studio(low) or _jetbrains(low, version)


def _sql_server(low: str) -> Family | None:
    if _SQL.match(low) is None or _SQL_TOOLS.search(low) is not None:
        return None
    edition = _SQL_EDITION.search(low)
    if edition is not None:
        words = "Enterprise" if edition[1] == "datacenter" else edition[1].title()
        return Family("SQL Server edition", f"Microsoft SQL Server {words}")
    return None


def _visual_studio(low: str) -> Family | None:
    if _VISUAL_STUDIO.match(low) is None or _VISUAL_STUDIO_OTHER.search(low) is not None:
        return None
    edition = _VISUAL_STUDIO_EDITION.search(low)
    if edition is not None:
        return Family("Visual Studio edition", f"Microsoft Visual Studio {edition[1].title()}")
    return None


def _jetbrains(low: str, version: str) -> Family | None:
    """Until one installer served both uses the bare title meant the paid edition; since then it is a question."""
    found = _JETBRAINS.match(low)
    if found is None:
        return None
    name, year, part, build_year, build_part = found.groups()
    if year is None and build_year is None:
        dated = re.match(r"(?:20)?(\d\d)\.?(\d)[.\d]", version)
        year, part = (f"20{dated[1]}", dated[2]) if dated else (None, None)
    elif year is None:
        year, part = f"20{build_year}", build_part
    if year is not None and (int(year), int(part or 0)) >= _UNIFIED[name]:
        return Family("one installer for both editions", question=name)
    return Family(
        "bare title of a paid edition", "IntelliJ IDEA Ultimate" if name == "intellij idea" else "PyCharm Professional"
    )


#: Version words of one vendor only: "X" is a version at Adobe and a name elsewhere.
_VENDOR_VERSIONS = {
    "Adobe": re.compile(r"\s+(?:dc|cc|cs\d?(?:\.\d)?|xi|x|ix|mui|20\d\d)(?=\s|$)", re.I),
    "Corel": re.compile(r"\s+(?:x\d{1,2}|20\d\d)(?=\s|$)", re.I),
    "Clarivate": re.compile(r"\s+x\d{1,2}(?=\s|$)", re.I),
    "Oracle": re.compile(r"\s+\d{1,2}[cgi](?:\s+release(?:\s+\d+)?)?(?=\s|$)", re.I),
    "Autodesk": re.compile(r"\s+(?:r\d|20\d\d)(?=\s|$)", re.I),
}
#: Publishers that put their name before titles known without it.
_BRAND_IS_NO_NAME = frozenset({"NirSoft"})
_X_VERSION = re.compile(r"\s+x\d{1,2}$", re.I)
_EDITION_WORD = re.compile(r"\s+edition$", re.I)


def without_vendor_versions(name: str, publisher: str) -> str:
    """`name` without the words only this publisher uses as versions."""
    expression = _VENDOR_VERSIONS.get(publisher)
    if expression is not None:
        return expression.sub("", name)
    return name[len(publisher) + 1 :] if publisher in _BRAND_IS_NO_NAME and name.startswith(f"{publisher} ") else name


def without_edition_word(name: str) -> str:
    """ "PyCharm Professional Edition" and "PyCharm Professional" are one name to look up."""
    return _EDITION_WORD.sub("", name)


def without_x_version(name: str) -> str:
    """ "CorelDRAW X7" without its version, for feeds that give no publisher: tried on the catalogue only."""
    return _X_VERSION.sub("", name)
