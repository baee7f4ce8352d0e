"""The figures are run by hand; that they can be is shown here."""

import subprocess
import sys

from support.source import ROOT


def test_every_figure_imports() -> None:
    figures = sorted(path.stem for path in (ROOT / "tests/bench").glob("*.py") if path.stem != "__main__")
    assert "api_ratio" in figures
    # as `just bench` does: from the root, where what tests share has another name
    program = "; ".join(f"import tests.bench.{name}" for name in figures)
    ran = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
