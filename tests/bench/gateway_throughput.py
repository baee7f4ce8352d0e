"""Messages per CPU second through the gateway client, against discord.py with an empty on_message.

Both get identical bytes over zlib-stream, each from a feeder of its own, in turns in the same run.
"""

import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WANTED = {"rules": 1.0, "quiet": 2.5}
_ROOT = Path(__file__).parents[2]
_ROUNDS = 7
_MESSAGES = 10_000
# What people write: short, with emoji, a mention, a link the server allows, several scripts.
CONTENTS = (
    "has anyone tried the new update yet?",
    "yes! it fixed the crash on my machine, thanks a lot 🎉",
    "ok",
    "I think we should move the meeting to thursday, half of us are away on wednesday anyway",
    "<@910000000000000007> can you have a look at this when you are back?",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ a classic",
    "LOL that was unexpected",
    "Je ne comprends pas pourquoi ça ne marche plus depuis hier soir, vous avez une idée ?",
    "今日はいい天気ですね",
    (
        "the docs say: set the value to 3, restart, and wait for a minute. if that does not help, remove"
        " the folder and start again. it takes a while the first time: everything is built from source."
    ),
    "brb",
    "Привет! Кто сегодня играет?",
    "👍",
    "gg wp, same time tomorrow? I can bring two more people if there is room for them",
)


@dataclass(frozen=True)
class Figures:
    """Messages per CPU second, and of each round's ratio to the floor the least, the median, the most."""

    floor: float
    ours: dict[str, float]
    ratios: dict[str, tuple[float, float, float]]

    @property
    def holds(self) -> bool:
        return all(self.ratios[name][1] >= wanted for name, wanted in WANTED.items())

    def __str__(self) -> str:
        names = {"rules": "six rules, no hit", "quiet": "nothing enabled"}
        lines = [f"messages per CPU second: discord.py with an empty on_message {self.floor:,.0f}"]
        for name, wanted in WANTED.items():
            least, median, most = self.ratios[name]
            lines.append(
                f"  {names[name]}: {self.ours[name]:,.0f}, ratio {median:.2f}"
                f" ({least:.2f} to {most:.2f}; at least {wanted})"
            )
        return "\n".join(lines)


class Pair:
    """A feeder and one client process that reads from it."""

    def __init__(self, stack: ExitStack, variant: str, *, bots: int = 1, certificate: str = "") -> None:
        self._feeder = _start(stack, "tests.support.feeder", *([certificate] if certificate else []))
        assert self._feeder.stdout is not None
        port = self._feeder.stdout.readline().strip()
        tls = "s" if certificate else ""
        self._client = _start(stack, "tests.bench.gateway_clients", variant, port, str(bots), tls)
        self.grown = self._answer()
        """What all bots but the first brought: `residentKb` and `threads`."""
        self._variant = variant
        self._judged = 0

    def messages_per_cpu_second(self, count: int) -> float:
        assert self._client.stdin is not None
        assert self._feeder.stdin is not None
        self._client.stdin.write("measure\n")
        self._client.stdin.flush()
        self._answer()
        self._feeder.stdin.write(json.dumps({"flood": count, "contents": CONTENTS}) + "\n")
        self._feeder.stdin.flush()
        answer = self._answer()
        judged, self._judged = answer["judged"] - self._judged, answer["judged"]
        if self._variant == "rules" and judged < count:
            raise RuntimeError(f"{count - judged} messages were not judged")
        return count / answer["cpu"]

    def _answer(self) -> dict[str, Any]:
        assert self._client.stdout is not None
        line = self._client.stdout.readline()
        if not line:
            raise RuntimeError("the client ended by itself")
        return json.loads(line)


def _start(stack: ExitStack, module: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", module, *arguments],
        cwd=_ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def run() -> Figures:
    """Starts what it needs and ends it."""
    with ExitStack() as stack:
        pairs = {name: Pair(stack, name) for name in ("floor", *WANTED)}
        for pair in pairs.values():
            pair.messages_per_cpu_second(1000)  # warm
        rounds = [
            {name: pair.messages_per_cpu_second(_MESSAGES) for name, pair in pairs.items()}
            for _ in range(_ROUNDS)
        ]
    ratios = {name: sorted(one[name] / one["floor"] for one in rounds) for name in WANTED}
    return Figures(
        floor=statistics.median(one["floor"] for one in rounds),
        ours={name: statistics.median(one[name] for one in rounds) for name in WANTED},
        ratios={name: (r[0], statistics.median(r), r[-1]) for name, r in ratios.items()},
    )


if __name__ == "__main__":
    print(run())
