"""How the server misbehaves: at one step of the conversation, for some messages or until told otherwise."""

import asyncio
from typing import Literal

import msgspec

Step = Literal["mail", "rcpt", "data"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`refuse` answers `code`; `slow` waits `seconds` first; `cut` closes the connection without an answer.

    `keep` says whether the message is kept all the same: a server that has it and whose answer is lost.
    """

    kind: Literal["refuse", "slow", "cut"]
    step: Step = "rcpt"
    code: int = 451
    seconds: float = 5.0
    times: int | None = None
    keep: bool = False


class CutError(Exception):
    """The connection ends here."""


class Faults:
    """In the order they were asked for; the first for a step that has not been used up counts."""

    def __init__(self) -> None:
        self._active: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> None:
        self._active.append((fault, [0]))

    def clear(self) -> None:
        self._active.clear()

    def take(self, step: Step) -> Fault | None:
        for fault, used in self._active:
            if fault.step == step and (fault.times is None or used[0] < fault.times):
                used[0] += 1
                return fault
        return None


async def meet(fault: Fault) -> str | None:
    """The answer of a refusal; None to go on. Raises CutError."""
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return None
    if fault.kind == "cut":
        raise CutError
    return f"{fault.code} the sandbox was told to say this"
