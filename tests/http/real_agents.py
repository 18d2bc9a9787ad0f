"""Running the agents of Debian's packages, unmodified, with their files in a test's folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

#: Where the packaged agent keeps its state is fixed in this module of its own, which is loaded before it.
SETUP = """package setup;
use parent qw(Exporter);
our @EXPORT = ('%setup');
our %setup = (
    datadir => "/usr/share/fusioninventory", libdir => "/usr/share/fusioninventory/lib", vardir => "FOLDER",
);
1;
"""


def run(*command: str, folder: Path, **more: str) -> str:
    """Run an agent with nothing of this machine's proxies; returns what it said."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= {"HOME": str(folder), "LC_ALL": "C.UTF-8"} | more
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, cwd=folder)
    return done.stdout + done.stderr


def fusion(program: str, folder: Path, server: str, *more: str) -> str:
    state, settings = folder / "state", folder / "agent.cfg"
    state.mkdir(exist_ok=True)
    (folder / "setup.pm").write_text(SETUP.replace("FOLDER", str(state)))
    settings.write_text("delaytime = 0\nno-httpd = 1\n")
    said = run(
        program, f"--conf-file={settings}", f"--server={server}", "--tasks=inventory", "--logger=stderr", *more,
        folder=folder, PERL5LIB=str(folder), PERL5OPT="-Msetup",
    )  # fmt: skip
    assert list(state.iterdir()), said
    return said
