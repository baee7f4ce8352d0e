"""`just bench [NAME…]`: every figure with its floor, measured in the same run. Exit 1 when one is missed.

A figure is a module here with `run()`, whose answer prints itself and says whether it `holds`.
"""

import importlib
import sys
import time
from typing import Final

FIGURES: Final = {
    "messages": "tests.bench.gateway_throughput",
    "memory": "tests.bench.gateway_memory",
    "api": "tests.bench.api_ratio",
    "sign_in": "tests.bench.sign_in_load",
    "limits": "tests.bench.racing_limits",
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(FIGURES)}")
        return 2
    missed: list[str] = []
    for name in names or FIGURES:
        started = time.monotonic()
        figures = importlib.import_module(FIGURES[name]).run()
        print(figures, f"  ({time.monotonic() - started:.0f} s)", sep="\n", flush=True)
        if not getattr(figures, "holds", True):
            missed.append(name)
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
