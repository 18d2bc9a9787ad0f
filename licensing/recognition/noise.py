"""Rows of an inventory that are no installation of their own: updates and parts of a product.

One Office leaves some forty rows on a device, a patched Windows hundreds. None of them may add an installation, so
these rules run before any product is looked for. Two kinds of parts differ: pieces of one product (its MUI files, its
private packs) have no name of their own; runtimes, drivers and language packs do, and keep it, but are never a product.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from licensing.recognition.words import PARTS


@dataclass(frozen=True, slots=True)
class _Rules:
    """Expressions of which one must hold. Those tied to the start are tried there only, which makes them quick."""

    start: re.Pattern[str]
    anywhere: re.Pattern[str] | None

    def hold(self, low: str) -> bool:
        return self.start.match(low) is not None or (
            self.anywhere is not None and self.anywhere.search(low) is not None
        )


def _any(lines: str) -> re.Pattern[str]:
    """One expression that holds where one of the lines does."""
    return re.compile("|".join(line.strip() for line in lines.splitlines() if line.strip()))


def _rules(lines: str) -> _Rules:
    written = [line.strip() for line in lines.splitlines() if line.strip()]
    loose = [line for line in written if not line.startswith("^")]
    tied = "|".join(f"(?:{line[1:]})" for line in written if line.startswith("^"))
    return _Rules(re.compile(tied), re.compile("|".join(loose)) if loose else None)


_UPDATE = _rules(r"""
    \bkb\d{6,7}\b
    ^(?:security |definition |critical |cumulative |feature |servicing stack |important )?update(?: rollup)? for\b
    ^(?:hotfix|patch|service pack)(?: \d+)? for\b
    ^cumulative update \d+ for\b
    ^hotfix\b
    \bhotfix (?:for|rollup|package)\b
    ^(?:sicherheits|definitions|kumulatives )?updates? für\b
    ^(?:aktualisierung|patch) für\b
    ^mise à jour\b
    ^correctif pour\b
    ^actualización\b.* para\b
    ^revisión para\b
    ^aggiornamento\b.* per\b
    ^atualização\b.* para\b
    ^(?:beveiligings)?update voor\b
    ^aktualizacja\b.* dla\b
    ^(?:обновление|исправление)\b
    更新程序|の更新プログラム|セキュリティ更新|安全更新
    ^(?:microsoft |windows |office )(?!.*\btools\b).*\bservice pack \d(?:\.\d)?\b(?: \(sp\d\)| \d+-bit edition)*$
    ^(?:service pack|language update) \d?\s?for\b
    \bcumulative update \d+ for\b
""")

#: Pieces of one product: they have no name of their own.
_PIECE = _rules(r"""
    ^microsoft .*\bmui \(
    ^microsoft office proof(?:ing)? \(
    ^microsoft office (?:shared|osm|o mui|professional hybrid|single image|click-to-run|dcf|(?:32|64)-bit components)\b
    ^office \d+ click-to-run\b
    ^microsoft software update for web folders
    ^webfldrs\b
    ^windows (?:imaging component|(?:presentation|workflow|communication) foundation)\b
    \b(?:targeting|apphost) pack\b
    \bhost fx resolver\b
    ^microsoft \.net (?:core )?(?:toolset|host|[\d. ]*templates)
    ^microsoft asp\.net core .*hosting bundle options
    ^microsoft\.(?:net|maui|android|ios|netcore)\.
    ^microsoft\.\S*\.manifest
    ^vs_\w+$
    ^(?:icecap_|diagnosticshub|intellitraceprofiler|vcpp_crt)
    ^vs (?:jit|script|immersive|wcf)\b
    ^python [\d.]+\S* (?:development libraries|test suite|utility scripts|pip bootstrap|documentation|executables)
    ^python [\d.]+\S* (?:tcl/tk support|standard library|add to path)
    ^(?:microsoft )?(?:browser for sql server|sql server browser)\b
    ^(?:microsoft )?sql server 20\d\d.{0,8} (?:common files|shared management|client tools|connection info)\b
    ^(?:microsoft )?sql server 20\d\d.{0,8} (?:xevent|rsfx driver|batch parser|dmf|sql diagnostics|data quality)\b
    ^(?:microsoft )?sql server 20\d\d.{0,8} (?:documentation|full text|replication|t-sql|transact-sql|policies)\b
    ^(?:microsoft )?sql server 20\d\d.{0,8} (?:database engine shared|integration|analysis services)\b
    ^(?:microsoft )?sql server 20\d\d.{0,8} (?:management objects|data-tier|upgrade advisor|setup support)\b
    ^citrix (?:hdx|universal print|diagnostics facility)
    ^citrix .*vda plugin
    ^citrix (?:receiver|workspace) ?\(?(?:usb|dv|aero|inside|hdx|sso|updater)\b
    ^autodesk (?:advanced )?material library
    ^autodesk (?:single sign on|save to web)
    ^autodesk autocad .*(?:private pack|\bcore$)
    \bprivate pack\b
    ^acad private\b
    ^autocad .* (?:shared|private)$
    ^autocad \S+ \d{4} (?:shared|private|core)\b
    ^worksharing monitor for\b
    ^spelling dictionaries support
""")

#: Pieces that only ever come with something else; what they come with is not in the title, so they keep their names.
_PIECE_BY_NAME = _rules(r"""
    ^clickonce bootstrapper
    ^windows (?:app certification kit|espc|msi development|simulation tool)
    ^(?:winappdeploy|winrt intellisense|universal crt|sdk arm|sdk debuggers|universal general midi)\b
    ^kits configuration installer\b
    ^windows sdk (?:desktop|facade|for|modern|signing|directx|redistributables|eula|addon)\b
    ^windows (?:desktop|iot|mobile|team) extension sdk\b
    ^(?:msi development tools|application verifier .*external|typescript sdk|nuget package manager|microsoft test)
    ^entity framework \S+ tools for visual studio
    ^microsoft visual c\+\+ .*(?:libs|headers|tools) -
    ^(?:sql server|sql) customer experience
    ^microsoft vss writer
    ^sqlncli\b
    ^citrix (?:policy reporting|group policy|health assistant|user profile)
    ^(?:revit|inventor) content\b
    ^personal accelerator for revit
    ^batch print for autodesk
    ^adobe (?:refresh manager|help manager|notification client|update manager|ccx process|exchange panel)
    ^configmgr client setup bootstrap
    ^google update helper
    ^intel\S* (?:trusted connect|icls|security assist|chipset device|serial io|dynamic platform|software guard)\b
    ^autodesk (?:cad manager tools|workflows|revit (?:content|unit)|on-demand install)
    ^autodesk (?:reference points|licensing|identity manager|access\b)
    ^autodesk (?:app manager|featured apps|content service|collaboration for)
    ^citrix (?:ica client|authentication man|web helper|self-service plug|telemetry|personalization)
""")

#: Parts with a name of their own: they keep it, and are never a product.
_OWN_NAME = _any(r"""
    \b(?:language ?packs?|langpack|sprachpaket|sprachpack|help ?pack|proofing tools|mui pack|compatibility pack)\b
    \b(?:redistributables?|redist|native client|web components|maintenance service|guest additions|webview2)\b
    \b(?:device|display|audio|graphics|chipset|usb|printer) drivers?\b
    \b(?:management engine components|chipset software|physx|vulkan ?(?:run time|rt))\b
    \bdrivers?(?: software| package| pack| setup)?$
    \bdrivers? for\b
    \b(?:treiber|pilote)\b
    ^(?:module linguistique|paquete de idioma|pacote de idiomas|pacchetto lingua)
    语言包|語言套件|言語パック|языковой пакет|驱动程序|驅動程式|ドライバー?$
    \bruntime(?: (?:engine|components|libraries))?$
    \bruntime for (?:microsoft|visual studio|windows)\b
    \bmui$
    \b(?:outlook|office|excel|word) (?:plug-?in|add-?in)$
    \b(?:plug-?in|add-?in) for (?:microsoft|outlook|office)\b
    ^intel (?:wireless bluetooth|network connections|proset)
    ^(?:directx|openal|bonjour)$
    ^apple (?:mobile device|application) support
""")
#: Titles in which a word of the rules above is part of a product's name.
_STILL_A_PRODUCT = _any(r"""
    driver (?:booster|easy|genius|kit|updater|max|store|support|& support|talent|magician|verifier|sweeper)
    driver (?:fusion|automation|hub|reviver|identifier|view|backup|doctor|finder|restore|toolkit|manager|san)\b
    drivers? (?:update|download)\w*\b
    \bjava\b.*runtime
    access runtime
    runtime environment
""")
_LINUX = _any(r"""
    lib[a-z0-9][a-z0-9+._-]*
    [a-z0-9][a-z0-9+._-]*-(?:dev|devel|doc|dbg|dbgsym|data|locale|l10n|headers|debuginfo|common|libs)
    linux-(?:image|headers|modules|base|libc-dev|firmware)[a-z0-9+._-]*
    (?:python3?|perl|golang|gir1\.2|ruby|php|fonts|xfonts|texlive|node|r-cran|ghc|glibc|kernel)-[a-z0-9+._-]+
    gstreamer1\.0-[a-z0-9+._-]+
""")
#: One of these words is in every title the loose expressions of updates and pieces can hold for.
_LOOSE_WORDS = ("kb", "hotfix", "update", "更新", "(sp", "mui", "pack", "host fx")


@dataclass(frozen=True, slots=True)
class Noise:
    """What a title is instead of a product; `named` when it keeps a name of its own."""

    update: bool
    named: bool
    rule: str


UPDATE = Noise(True, False, "update words")
PIECE = Noise(False, False, "part of a product")
OWN_NAME = Noise(False, True, "runtime, driver, language pack or other part")


def noise(low: str) -> Noise | None:
    """Whether the cleaned title, in lower case, is an update or a piece of a product."""
    if _UPDATE.start.match(low) is not None:
        return UPDATE
    if _PIECE.start.match(low) is not None:
        return PIECE
    if not any(word in low for word in _LOOSE_WORDS):
        return None
    if _UPDATE.hold(low):
        return UPDATE
    return PIECE if _PIECE.hold(low) else None


def named_part(name: str) -> Noise | None:
    """Whether a name without its decorations, in lower case, is a runtime, driver, language pack or library."""
    if _PIECE_BY_NAME.start.match(name) is not None:
        return OWN_NAME
    if name.isascii() and PARTS.isdisjoint(name.split()):
        return None
    if _OWN_NAME.search(name) is not None and _STILL_A_PRODUCT.search(name) is None:
        return OWN_NAME
    return None


#: Publishers whose packages are parts of a free operating system.
_DISTRIBUTIONS = frozenset("debian ubuntu fedora centos opensuse almalinux raspbian".split())


def library(title: str, publisher: str) -> bool:
    """Whether a title is a Linux package that only supports others, or one of a free distribution's own."""
    if " " in title or not title.islower():
        return False
    return publisher.split(" ")[0].lower() in _DISTRIBUTIONS or _LINUX.fullmatch(title) is not None
