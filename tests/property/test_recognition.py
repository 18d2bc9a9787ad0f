"""What holds for every title: decorations never change the product, editions never merge, no text is too odd."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.recognition import Kind, Recogniser, key, shipped

RECOGNISER = Recogniser(shipped())
ANOTHER = Recogniser(shipped())
WORDS = "Karomi Telvix Panfor Sydra Netful Graboz Zenqua Lorash Mitel Quipu Brontle Vexar".split()
#: Names nobody sells: one to three made-up words, with or without a noun and an edition.
NAMES = st.builds(
    lambda words, noun, edition: " ".join([*words, *([noun] if noun else []), *([edition] if edition else [])]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True),
    st.sampled_from(["", "Editor", "Viewer", "Studio", "Backup", "for Windows"]),
    st.sampled_from(["", "Pro", "Free", "Community", "Enterprise", "Standard", "Express"]),
)
VERSIONS = st.lists(st.integers(0, 2400), min_size=2, max_size=4).map(lambda parts: ".".join(map(str, parts)))
TAILS = st.sampled_from(
    [
        "", " (x64)", " (64-bit)", " 64-bit", " (x86 en-US)", " (arm64 de)", " - de-de", " - English", " (remove only)",
        " (User)", " x64", " (x64 edition)", " ESR (x64 fr)", " beta", " (current user)", ".app", " (32 bit)",
    ]
)  # fmt: skip
PUBLISHERS = st.sampled_from(["", "Harbour Works GmbH", "The Kelp Project", "Nordlicht, Inc."])


@given(NAMES, VERSIONS, st.sampled_from([" {}", " v{}", " version {}", " V{}", "-{}", " ({})"]), TAILS, PUBLISHERS)
def test_version_architecture_language_and_scope_never_change_the_product(
    name: str, version: str, form: str, tail: str, publisher: str
) -> None:
    plain = RECOGNISER.recognise(name, publisher)
    decorated = RECOGNISER.recognise(f"{name}{form.format(version)}{tail}", publisher, version)
    assert plain.product == name
    assert (decorated.product, decorated.publisher, decorated.kind) == (name, plain.publisher, Kind.PRODUCT)


@given(st.sampled_from([one.product for one in shipped().products]), VERSIONS, TAILS)
def test_decorations_never_change_a_product_of_the_catalogue(name: str, version: str, tail: str) -> None:
    """Java, Teams and the editors of one vendor are told by their version, which is why it stays out here."""
    plain = RECOGNISER.recognise(name)
    decorated = RECOGNISER.recognise(f"{name}{tail}")
    assert decorated.key == plain.key


@given(NAMES, st.sampled_from(["", "Harbour Works GmbH"]), st.data())
def test_case_and_spaces_never_change_the_product(name: str, publisher: str, data: st.DataObject) -> None:
    spaces = data.draw(st.sampled_from([" ", "  ", "\t", "\u00a0", " \u200b"]))
    case = data.draw(st.sampled_from([str.upper, str.lower, str.title]))
    odd = RECOGNISER.recognise(f" {case(name).replace(' ', spaces)} ", publisher)
    assert odd.key == RECOGNISER.recognise(name, publisher).key


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True).map(" ".join),
    st.lists(st.sampled_from(["Pro", "Free", "Community", "Enterprise", "Standard", "Express", "Viewer", ""]),
             min_size=2, max_size=2, unique=True),
    VERSIONS,
)  # fmt: skip
def test_editions_never_merge(name: str, editions: list[str], version: str) -> None:
    found = {RECOGNISER.recognise(f"{name} {edition} {version}", "Harbour Works", version).key for edition in editions}
    assert len(found) == 2


@settings(max_examples=400)
@given(st.text(max_size=120), st.text(max_size=40), st.text(max_size=20))
def test_no_text_is_too_odd(title: str, publisher: str, version: str) -> None:
    found = RECOGNISER.recognise(title, publisher, version)
    assert found == ANOTHER.recognise(title, publisher, version)
    assert (found.product == "") == (found.key == "") or not key(found.product)
    assert 0 <= found.confidence <= 1
    assert found.rule
    if found.kind in (Kind.UPDATE, Kind.UNRECOGNISED):
        assert found.product == ""
    if found.kind == Kind.PRODUCT:
        assert found.product


@given(st.text(alphabet="([{ \t.,-v0123456789x", min_size=1, max_size=300))
def test_brackets_and_numbers_without_end_are_read_in_time(title: str) -> None:
    RECOGNISER.recognise(f"Tool {title}", "", "")
