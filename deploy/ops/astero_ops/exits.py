"""The exit codes of `astero`; 0 is done, 1 a finding, and 78 bad configuration."""

from typing import Final

USAGE: Final = 2
UNVERIFIED: Final = 3
REFUSED: Final = 4
