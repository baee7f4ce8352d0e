"""Our own pages, as the tests read them that hold them to the code."""

import re

from .source import ROOT

_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)


def section(page: str, heading: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    return (ROOT / page).read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables in `text`, without the rows that head them."""
    cells = [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(text)]
    lines = [at for at, row in enumerate(cells) if set("".join(row)) <= {"-", ":"}]
    headings = {at - 1 for at in lines} | set(lines)
    return [row for at, row in enumerate(cells) if at not in headings]
