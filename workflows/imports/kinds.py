"""Every kind of file, by name: what people see in `seatkeeper import --help`."""

from __future__ import annotations

from workflows.imports.columns import CannotRead, Kind
from workflows.imports.kinds_bought import BOUGHT
from workflows.imports.kinds_planned import PLANNED
from workflows.imports.kinds_used import USED

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*BOUGHT, *USED, *PLANNED)}


def kind_of(name: str) -> Kind:
    """The kind with this name. Raises CannotRead naming those there are."""
    found = KINDS.get(name.casefold())
    if found is None:
        raise CannotRead(f"There is no kind of file called {name}. There are: {', '.join(KINDS)}.")
    return found
