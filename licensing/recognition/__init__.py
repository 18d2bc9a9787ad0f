"""Which product an installed title is: raw title, publisher and version to product, publisher, kind, confidence, rule.

The order of what decides: a person's correction; a name of the catalogue; rules for updates and parts; rules for
families of titles; the catalogue again with decorations off; similarity within one publisher; and, for what nobody has
described yet, a provisional name by rule. A title that alone cannot decide is a question, never a guess.

    recogniser = Recogniser(shipped(), corrections)
    found = recogniser.recognise("7-Zip 23.01 (x64)", "Igor Pavlov", "23.01")
"""

from __future__ import annotations

from licensing.recognition.catalogue import Catalogue, Known, Question, build, paid, shipped
from licensing.recognition.engine import Recogniser
from licensing.recognition.result import Correction, Kind, Recognition
from licensing.recognition.text import key

__all__ = [
    "Catalogue",
    "Correction",
    "Kind",
    "Known",
    "Question",
    "Recogniser",
    "Recognition",
    "build",
    "key",
    "paid",
    "shipped",
]
