"""`seatkeeper inventory`: sources as a person reads them, and a baseline accepted by somebody who may."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.__main__ import main
from model.people import Role
from tests.unit.inventory_desk import PHOTOSHOP, VISIO, desk, person, report


def test_sources_are_listed_and_accepted(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("SECRET_KEY", "example-secret-key-of-more-than-32-characters")
    assert main(["inventory", "sources"]) == 0
    assert "No agent has reported yet" in capsys.readouterr().out
    with desk(sqlite_url) as office:
        person(office, "dara@acme.example", Role.LICENCE_MANAGER)
        office.take(report(VISIO, PHOTOSHOP))
    assert main(["inventory", "sources"]) == 0
    assert (
        "fusioninventory: in observe since 23 Nov 2026; 1 device, 2 installations, 0 undecided titles, "
        "last report 2026-11-23 10:00 UTC." in capsys.readouterr().out
    )
    assert main(["inventory", "accept", "fusioninventory"]) == 2
    assert main(["inventory", "accept", "fusioninventory", "--by", "ana@acme.example"]) == 1
    assert "no licence manager" in capsys.readouterr().err
    assert main(["inventory", "accept", "fusioninventory", "--by", "Dara@acme.example"]) == 0
    assert "fusioninventory is accepted, with 1 device, 2 installations" in capsys.readouterr().out
    assert main(["inventory", "sources"]) == 0
    assert "accepted by Dara on" in capsys.readouterr().out
