"""`make bench`: runs the measurements, prints a table, writes build/bench.json.

A module of this folder has `BENCHES = {"name": function}`; a function returns rows
{"name", "value", "unit", "limit", "ratio", "goal", "ok"}: `limit` is what the bare machine did in the same run (or None).
"""

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench

Row = dict[str, Any]
OUT = Path("build/bench.json")


def benches() -> dict[str, Callable[[], list[Row]]]:
    found: dict[str, Callable[[], list[Row]]] = {}
    for info in pkgutil.iter_modules(bench.__path__, "bench."):
        if not info.name.endswith("__main__"):
            found.update(getattr(importlib.import_module(info.name), "BENCHES", {}))
    return found


def table(rows: list[Row]) -> str:
    head = ("name", "value", "unit", "limit", "ratio", "goal", "ok")
    lines = [head, *(tuple(_cell(row[key]) for key in head) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return (
        f"{value:,.3g}"
        if isinstance(value, float) and abs(value) < 1000
        else f"{value:,.0f}"
        if isinstance(value, (int, float))
        else ""
        if value is None
        else str(value)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--only", help="run one measurement")
    only = parser.parse_args().only
    known = benches()
    if only and only not in known:
        print(f"no measurement {only!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name, run in known.items():
        if only in (None, name):
            print(f"· {name}", flush=True)
            rows += run()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    print(f"\n{table(rows)}\n\nwritten to {OUT}")
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
