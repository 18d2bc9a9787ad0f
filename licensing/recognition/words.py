"""The words an installer adds around a product's name, as tables of single words in lower case.

They are data (`words.csv`), because they come from many languages. Whether a word may go depends on where it stands;
`naming` decides that. An edition word is in no table of what goes: it decides the licence.
"""

from __future__ import annotations

from typing import Final

from licensing.recognition.data import rows

_TABLES: Final = {row["table"]: frozenset(row["words"].split(" ")) for row in rows("words.csv")}

#: Processor architectures and word sizes; anywhere but in front they are no part of a name.
ARCHITECTURES: Final = _TABLES["architectures"]
#: Release channels: the policy drops them, the product stays the same.
CHANNELS: Final = _TABLES["channels"]
#: Channels only at the very end of a title; elsewhere "Dev" and "Final" belong to names (Dev-C++, Final Cut).
CHANNELS_LAST: Final = _TABLES["channels_last"]
#: Words that announce a version number and go with it.
ANNOUNCERS: Final = _TABLES["announcers"]
#: What may stand alone in brackets without being part of a name, beside numbers, languages and architectures.
BRACKET_WORDS: Final = _TABLES["bracket_words"]
#: Names of languages, in their own and in other languages, and their three-letter codes.
LANGUAGES: Final = _TABLES["languages"]
#: Two-letter codes that may stand alone in brackets or behind a dash; "en-US" is found by its shape.
LANGUAGE_CODES: Final = _TABLES["language_codes"]
MONTHS: Final = _TABLES["months"]
#: What tells editions apart. A number in front of one of these is a version ("Acrobat 9 Pro"), and similarity never
#: bridges a difference in them.
EDITIONS: Final = _TABLES["editions"]
#: What joins the parts of a title.
JOINTS: Final = _TABLES["joints"]
#: One of these is in every name of a runtime, driver or language pack.
PARTS: Final = _TABLES["parts"]
#: Legal forms of companies, in many countries.
LEGAL_FORMS: Final = _TABLES["legal_forms"]
