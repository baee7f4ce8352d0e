"""How long to wait before the next connection, and when to give up resuming."""

import random
from dataclasses import dataclass, field
from typing import Final

# A session can be bricked for about 90 s, answering every RESUME with a cut line (discord-api-docs 1619).
MAX_RESUMES: Final = 3
_LONGEST: Final = 30.0
# A line that was up and broke, however often, is not worth a longer wait than 2^3 seconds.
_BROKE: Final = 3
# A connection that lived this long was a good one: what follows is a new trouble, not the old one.
_SETTLED_AFTER: Final = 30.0


@dataclass(slots=True)
class Backoff:
    """Exponential with full jitter from `base` seconds, so that bots cut together do not return together."""

    base: float = 1.0
    rng: random.Random = field(default_factory=random.SystemRandom)
    failures: int = 0
    resumes: int = 0

    def settled(self, lived: float) -> None:
        """The connection was online for `lived` seconds before it ended."""
        self.resumes = 0
        self.failures = 0 if lived >= _SETTLED_AFTER else min(self.failures, _BROKE)

    def next_delay(self) -> float:
        ceiling = min(_LONGEST, self.base * 2**self.failures)
        self.failures = min(self.failures + 1, 16)
        return self.rng.uniform(0, ceiling)

    def may_resume(self) -> bool:
        """Counts the attempt; False once MAX_RESUMES of them in a row brought no RESUMED."""
        self.resumes += 1
        return self.resumes <= MAX_RESUMES
