"""`python -m benchmarks [row…]`: measure, print the ratios, say which are reached. The exit code is not a verdict."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import benchmarks
from benchmarks.report import Report, machine


def rows() -> dict[str, ModuleType]:
    """The modules `row_*` by their short name; each has a docstring and `measure(options)`."""
    names = sorted(one.name for one in pkgutil.iter_modules(benchmarks.__path__) if one.name.startswith("row_"))
    return {name.removeprefix("row_"): importlib.import_module(f"benchmarks.{name}") for name in names}


def main(arguments: list[str] | None = None) -> int:
    """Run the named rows, or all of them."""
    known = rows()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the product against its floor.")
    parser.add_argument("row", nargs="*", help=f"which to measure: {', '.join(known)} (default: all)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every figure to this file as well")
    parser.add_argument("--quick", action="store_true", help="a fraction of the work: to see that it runs")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one of the two databases")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.row if name not in known]
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; there are: {', '.join(known)}")
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {machine()}\n", flush=True)
    reports: list[Report] = []
    for name in options.row or known:
        for report in known[name].measure(options):
            reports.append(report)
            print(report.text(), end="\n\n", flush=True)
    print("Summary")
    for report in reports:
        print(f"  {report.row:<24} {'reached' if report.reached else 'NOT REACHED'}")
    if options.json is not None:
        options.json.write_text(json.dumps([report.plain() for report in reports], indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
