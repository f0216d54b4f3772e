"""Read what ptxas says a kernel takes."""

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"Compiling entry function '(\w+)'")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_REGISTERS = re.compile(r"Used (\d+) registers")


@dataclass(frozen=True)
class Resources:
    registers: int
    stack_bytes: int
    spill_bytes: int


def of_kernels(log: str) -> dict[str, Resources]:
    """Return what each kernel of a compilation with `--ptxas-options=-v` takes."""
    found = {}
    for part in re.split(r"(?=Compiling entry function)", log):
        entry, stack, registers = (each.search(part) for each in (_ENTRY, _STACK, _REGISTERS))
        if entry and stack and registers:
            found[entry[1]] = Resources(int(registers[1]), int(stack[1]), int(stack[2]) + int(stack[3]))
    return found
