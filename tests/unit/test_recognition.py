"""Which product a title is: each table names the rule its rows hold to."""

from __future__ import annotations

import pytest

from licensing.recognition import Correction, Kind, Recogniser, key, shipped
from licensing.recognition.engine import REMEMBERED
from licensing.recognition.naming import product_name
from licensing.recognition.publishers import brand
from licensing.recognition.text import clean

RECOGNISER = Recogniser(shipped())


def product(title: str, publisher: str = "", version: str = "") -> str:
    return RECOGNISER.recognise(title, publisher, version).product


@pytest.mark.parametrize(
    ("rule", "title", "version", "name"),
    [
        ("a version at the end goes", "Zettlr 1.7.5", "1.7.5", "Zettlr"),
        ("a version in the middle goes", "Film Werk 15.8.0 Standard", "15.8.0", "Film Werk Standard"),
        ("an announced version goes with its word", "Listary version 6.0", "6.0.0.26", "Listary"),
        ("a release goes with its word", "Quill release 0.74 (64-bit)", "", "Quill"),
        ("a marked version goes", "Royal Desk V5", "5.03", "Royal Desk"),
        ("a build in brackets goes", "Filmwerk X(Build 9.5.2)", "", "Filmwerk X"),
        ("a version tied by hyphens goes", "Courier-win64-7.34.0", "7.34.0", "Courier"),
        ("an odd version goes as written", "smartdisk 7.4 2023-08-01 r5530", "7.4 2023-08-01 r5530", "smartdisk"),
        ("a year goes", "Paint Werk Pro 2021", "23", "Paint Werk Pro"),
        ("a span of years goes", "Runner 2015-2022 Kit (x64) - 14.32.31332", "", "Runner Kit"),
        ("a date goes", "ImageWand 7.0.10-34 Q16-HDRI (64-bit) (2020-10-12)", "7.0.10", "ImageWand"),
        ("an architecture goes wherever it stands", "Painter (x64) 4.4.0", "4.4.0.100", "Painter"),
        ("an architecture without brackets goes", "Commander 64-bit (Remove or Repair)", "9.51", "Commander"),
        ("a locale goes", "Sea Fox 78.0.2 (x64 cs)", "78.0.2", "Sea Fox"),
        ("a locale behind a dash goes", "Office Werk Standard - de-de", "", "Office Werk Standard"),
        ("a language behind a dash goes", "Draft CAD LT - Deutsch (German)", "", "Draft CAD LT"),
        ("several languages go", "Draft Pro - English, Français, Deutsch", "", "Draft Pro"),
        ("a channel goes", "Sea Fox 68.8.0 ESR (x64 en-US)", "", "Sea Fox"),
        ("a channel word at the end goes", "Sharp Edge Dev", "88.0", "Sharp Edge"),
        ("a scope goes", "Studio Code (User)", "1.50", "Studio Code"),
        ("a scope in words goes", "Beaver 23.0.1 (current user)", "23.0.1", "Beaver"),
        ("what the uninstaller offers goes", "Cleaner (remove only)", "", "Cleaner"),
        ("a file ending goes", "Draw Desk.app", "14.1", "Draw Desk"),
        ("a service pack goes with its version", "Works 2020 SP03", "28.30", "Works"),
        ("an edition stays", "Disk Wizard Free 12", "", "Disk Wizard Free"),
        ("an edition behind the version stays", "Finder 1.4.1.1005 Lite (x64)", "1.4", "Finder Lite"),
        ("a number before an edition is a version", "Viewer 15 Host", "15.11.6", "Viewer Host"),
        ("a first word that is a number stays", "010 Editor 11.0.1 (64-bit)", "11.0.1", "010 Editor"),
        ("a first word with a number stays", "3D Slicer 5.2.2", "5.2.2", "3D Slicer"),
        ("a number inside a word stays", "foobar2000 v1.6.2", "1.6.2", "foobar2000"),
        ("a number that names stays", "Fusion 360", "2.0", "Fusion 360"),
        ("a sequel's number stays", "Portal Game 2", "1.0", "Portal Game 2"),
        ("Update alone announces nothing", "Apple Software Update 2.6.3", "2.6.3", "Apple Software Update"),
        ("Update behind a number goes", "MindTree 8 Update 9 (v3.7.9)", "3.7.9", "MindTree"),
        ("a plus belongs to the name", "4K Downloader+", "1.5.0", "4K Downloader+"),
        ("a name in Chinese stays", "搜狗拼音输入法 9.8正式版", "9.8", "搜狗拼音输入法"),
        ("a name in Japanese stays", "サクラエディタ 2.4.1", "2.4.1", "サクラエディタ"),
        ("a name in Russian stays", "Браузер 20.9 (64-разрядная)", "20.9", "Браузер"),
        ("brackets that name stay", "GNU Kit (Cross Tools) 1.2", "1.2", "GNU Kit (Cross Tools)"),
        ("nothing but a version is no name", "12.0.1", "12.0.1", ""),
    ],
)  # fmt: skip
def test_the_name_inside_a_title(rule: str, title: str, version: str, name: str) -> None:
    assert product_name(clean(title), version) == name, rule


@pytest.mark.parametrize(
    ("rule", "raw", "expected"),
    [
        ("a legal form goes", "Wild Hat GmbH & Co. KG", "Wild Hat"),
        ("a legal form with commas goes", "Sun Flower, Inc.", "Sun Flower"),
        ("a legal form in two words goes", "Cyber, spol. s r.o.", "Cyber"),
        ("a form in front goes in Russian", "ООО «Ромашка»", "Ромашка"),
        ("a form behind goes in Chinese", "北京某某科技有限公司", "北京某某科技"),
        ("a leading The goes", "The Tea Project", "Tea Project"),
        ("a web address behind the name goes", "Fish Team, https://fish.example", "Fish Team"),
        ("a bare address gives its host", "https://www.fish.example/about", "fish.example"),
        ("a mail address goes", "Otter Ltd. <hello@otter.example>", "Otter"),
        ("a sold brand carries its owner", "Sun Microsystems, Inc.", "Oracle"),
        ("a spelling carries the brand", "Adobe Systems Incorporated", "Adobe"),
        ("two words are not taken for a form", "Mc Company", "Mc Company"),
        ("nothing given is nothing", "", ""),
    ],
)
def test_the_brand_of_a_publisher(rule: str, raw: str, expected: str) -> None:
    assert brand(raw, shipped().owners) == expected, rule


@pytest.mark.parametrize(
    ("title", "publisher", "version", "expected"),
    [
        ("Foxit Reader", "Foxit Software Inc.", "10.1", "Foxit PDF Reader"),
        ("Adobe Reader X (10.1.2)", "Adobe Systems Incorporated", "10.1.2", "Adobe Acrobat Reader"),
        ("Adobe Acrobat 9 Pro - English, Français, Deutsch", "Adobe Systems", "9.5.5", "Adobe Acrobat Pro"),
        ("Adobe Acrobat Reader DC MUI (64-bit)", "Adobe", "23.1", "Adobe Acrobat Reader"),
        ("Adobe Photoshop CC 2018", "Adobe Systems Incorporated", "19.1.5", "Adobe Photoshop"),
        ("Microsoft Office 365 ProPlus - fr-fr", "Microsoft Corporation", "16.0", "Microsoft 365 Apps for enterprise"),
        ("Microsoft Office Famille et Petite Entreprise 2010", "", "", "Microsoft Office Home and Business"),
        ("Microsoft Office 2010 Visio Professional", "", "", "Microsoft Visio Professional"),
        (
            "Microsoft SQL Server 2008 R2 Express Edition",
            "Microsoft Corporation",
            "10.50",
            "Microsoft SQL Server Express",
        ),
        ("SQL Server 2019 Standard Edition Database Engine Services", "", "", "Microsoft SQL Server Standard"),
        ("Microsoft SQL Server Management Studio - 18.7", "", "15.0", "Microsoft SQL Server Management Studio"),
        ("Visual Studio Enterprise 2022 (2)", "Microsoft Corporation", "17.1", "Microsoft Visual Studio Enterprise"),
        ("Java(TM) 6 Update 31", "Oracle", "6.0.310", "Java SE Runtime Environment"),
        ("Java SE Development Kit 8 Update 271 (64-bit)", "Oracle Corporation", "", "Java SE Development Kit"),
        ("IntelliJ IDEA 2020.2.3", "JetBrains s.r.o.", "202.7660.26", "IntelliJ IDEA Ultimate"),
        ("PyCharm Community Edition 2021.3.3", "JetBrains s.r.o.", "", "PyCharm Community Edition"),
        ("Autodesk AutoCAD 2021 - English", "Autodesk, Inc.", "24", "AutoCAD"),
        ("TechSmith Snagit 2018 v.18.2.1.1590", "", "", "Snagit"),
        ("Chrome", "Google LLC", "", "Google Chrome"),
        ("IBM Notes 9.0.1", "IBM", "9.01", "HCL Notes"),
        ("Microsoft Teams", "Microsoft Corporation", "1.3.00.28779", "Microsoft Teams classic"),
        ("Microsoft Teams", "Microsoft Corporation", "24.1", "Microsoft Teams"),
        ("Oracle VM VirtualBox 6.1.14", "Oracle Corporation", "6.1.14", "Oracle VM VirtualBox"),
        ("Tableau 2021.1 (20211.21.0320.1853)", "Tableau Software, LLC", "21.1.511", "Tableau Desktop"),
    ],
)
def test_a_known_product_carries_its_current_name_and_its_edition(
    title: str, publisher: str, version: str, expected: str
) -> None:
    assert product(title, publisher, version) == expected


@pytest.mark.parametrize(
    ("title", "publisher"),
    [
        ("Chrome", "Some Other Firm"),  # one word alone needs its publisher
        ("Dropbox", "Mozilla"),  # the name of one brand from another brand
        ("Vortex", "Wind Tunnel Labs"),  # a common word
    ],
)
def test_a_name_from_another_publisher_is_another_product(title: str, publisher: str) -> None:
    found = RECOGNISER.recognise(title, publisher, "")
    assert (found.product, found.provisional, found.publisher) == (title, True, publisher)


def test_a_slip_of_the_keys_is_bridged_within_one_publisher_only() -> None:
    found = RECOGNISER.recognise("Cisco AnyConect Secure Mobility Client", "Cisco Systems, Inc.", "4.9")
    assert (found.product, found.rule) == (
        "Cisco AnyConnect Secure Mobility Client", "similar spelling, same publisher",
    )  # fmt: skip
    assert RECOGNISER.recognise("Cisco AnyConect Secure Mobility Client", "Other Firm", "4.9").provisional


@pytest.mark.parametrize(
    ("title", "kind", "expected"),
    [
        ("Sicherheitsupdate für Microsoft Excel 2010 (KB4484415) 64-Bit-Edition", Kind.UPDATE, ""),
        ("Mise à jour de sécurité pour Microsoft Office 2010 (KB2553371)", Kind.UPDATE, ""),
        ("Actualización de seguridad para Microsoft Word 2016", Kind.UPDATE, ""),
        ("Hotfix 4412 for SQL Server 2016", Kind.UPDATE, ""),
        ("KB4019215", Kind.UPDATE, ""),
        ("Microsoft Excel MUI (French) 2013", Kind.COMPONENT, ""),
        ("SQL Server 2017 Common Files", Kind.COMPONENT, ""),
        ("Realtek High Definition Audio Driver", Kind.COMPONENT, "Realtek High Definition Audio Driver"),
        ("Report Kit 2012 Runtime", Kind.COMPONENT, "Report Kit Runtime"),
        ("Report Kit Language Pack - German", Kind.COMPONENT, "Report Kit Language Pack"),
        ("libssl3", Kind.COMPONENT, "libssl3"),
        ("python3-yaml", Kind.COMPONENT, "python3-yaml"),
        ("Driver Booster 8", Kind.PRODUCT, "Driver Booster"),
        ("Microsoft Access Runtime 2016", Kind.PRODUCT, "Microsoft Access Runtime"),
        ("Java SE Runtime Environment 17", Kind.PRODUCT, "Java SE Runtime Environment"),
    ],
)
def test_updates_and_parts_are_told_from_products(title: str, kind: Kind, expected: str) -> None:
    found = RECOGNISER.recognise(title)
    assert (found.kind, found.product) == (kind, expected)


def test_packages_of_a_free_distribution_are_parts_of_it_and_its_applications_are_known_by_name() -> None:
    package = RECOGNISER.recognise("openssh-server", "Debian")
    assert (package.kind, package.product, package.needs_review) == (Kind.COMPONENT, "openssh-server", False)
    assert RECOGNISER.recognise("firefox-esr", "Debian").product == "Mozilla Firefox"
    assert RECOGNISER.recognise("orderly-desk", "Some Firm").kind == Kind.PRODUCT


@pytest.mark.parametrize(
    ("title", "publisher", "product_named", "candidate"),
    [
        ("Adobe Acrobat DC (64-bit)", "Adobe", "", "Adobe Acrobat Pro"),
        ("Microsoft SQL Server 2019 (64-bit)", "Microsoft Corporation", "", "Microsoft SQL Server Express"),
        ("Microsoft 365 - en-us", "", "", "Microsoft 365 Apps for business"),
        ("Microsoft Visio - de-de", "Microsoft Corporation", "", "Microsoft Visio Standard"),
        ("PyCharm 2025.1", "JetBrains s.r.o.", "", "PyCharm Community Edition"),
        ("CCleaner", "Piriform", "CCleaner", "CCleaner Professional"),
        ("Docker Desktop", "", "Docker Desktop", "Docker Desktop Business"),
    ],
)
def test_a_title_that_alone_cannot_decide_is_a_question(
    title: str, publisher: str, product_named: str, candidate: str
) -> None:
    """Where the product is open it is not named; where only the licence is, it is."""
    found = RECOGNISER.recognise(title, publisher)
    assert (found.kind, found.product) == (Kind.ASK, product_named)
    assert candidate in found.candidates
    assert found.decides.endswith(".")
    assert found.needs_review


@pytest.mark.parametrize("title", ["", "   ", "12.0.1", "{90160000-008C-0000-0000-0000000FF1CE}", "®™", "(x64)"])
def test_a_title_without_a_name_is_unrecognised_and_waits_for_review(title: str) -> None:
    found = RECOGNISER.recognise(title, "Some Firm")
    assert (found.product, found.kind, found.confidence) == ("", Kind.UNRECOGNISED, 0.0)
    assert found.needs_review


def test_a_persons_decision_wins_over_the_catalogue() -> None:
    corrected = Recogniser(
        shipped(),
        {
            Correction.title("7-Zip 23.01 (x64)", "Igor Pavlov"): Correction("House Zip", "Acme"),
            Correction.title("Docker  Desktop"): Correction("Docker Desktop Business", "Docker"),
            Correction.title("Orderly 3", "Acme"): Correction("", kind=Kind.COMPONENT),
        },
    )
    found = corrected.recognise("7-ZIP® 23.01 (x64)", "Igor Pavlov", "23.01")
    assert (found.product, found.publisher, found.kind, found.confidence) == ("House Zip", "Acme", Kind.PRODUCT, 1.0)
    assert corrected.recognise("7-Zip 23.02 (x64)", "Igor Pavlov").product == "7-Zip"
    assert corrected.recognise("Docker Desktop", "Docker Inc.").product == "Docker Desktop Business"
    refused = corrected.recognise("Orderly 3", "Acme", "3.1")
    assert (refused.product, refused.kind, refused.needs_review) == ("", Kind.COMPONENT, False)


def test_answers_are_remembered_up_to_a_bound() -> None:
    recogniser = Recogniser(shipped())
    first = recogniser.recognise("Tool 1.0", "Firm", "1.0")
    assert recogniser.answers["Tool 1.0", "Firm", "1.0"] is first
    recogniser.answers.update({(str(number), "", ""): first for number in range(REMEMBERED)})
    recogniser.recognise("Tool 2.0", "Firm", "2.0")
    assert len(recogniser.answers) == 1


def test_the_key_keeps_what_tells_products_apart() -> None:
    assert key("Notepad++") != key("Notepad")
    assert key("C#") != key("C")
    assert key("max backup") == key("MaxBackup®")


def test_the_catalogue_is_sound() -> None:
    catalogue = shipped()
    named = [key(one.product) for one in catalogue.products]
    assert len(named) == len(set(named)) > 400
    assert {one.licence for one in catalogue.products} == {"paid", "free"}
    others = [
        (name, one.product, catalogue.index[key(name)].known.product)
        for one in catalogue.products
        for name in (one.product, *one.names)
        if catalogue.index[key(name)].known.product != one.product
    ]
    assert not others, "a name that stands for two products"
    assert all(brand(one.publisher, catalogue.owners) == one.publisher for one in catalogue.products)
    assert all(question.candidates and question.decides for question in catalogue.questions)
