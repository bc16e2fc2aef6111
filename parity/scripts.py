"""`python -m parity script SCRIPT [ARGS...]`: does a torch script print and compute the same on the engine?

The script runs under torch and under the engine, each in a fresh process with the same directory, arguments and seeds. Then
everything printed is compared, and every tensor left in its globals, with its gradient. Text and whole numbers must be the
same. Two other numbers are alike if they differ by one unit of the last digit printed, by a few roundings of float32, or by
no more than rounding explains. What it explains is measured: torch runs the script again, three times, each result moved by
its last digit at random (Monte Carlo arithmetic, Parker 1997), and each number may differ by 10 times what that changed.
Next: run_script.py, the process that is started.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
ROUNDINGS = 8  # how many roundings are overlooked without asking torch again
TRIALS = 3
MARGIN = 10  # by how much the difference may exceed what the trials show


@dataclass
class Run:
    """What a script did under one engine."""

    engine: str
    status: int
    printed: str
    errors: str
    tensors: dict[str, np.ndarray]


def run(engine: str, argv: Sequence[str], noise: int = 0) -> Run:
    """Run a script in a fresh process; `noise` is the seed of torch's random rounding, 0 for none."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "tensors.npz")
        child = [sys.executable, str(Path(__file__).with_name("run_script.py")), engine, str(results), str(noise), *argv]
        done = subprocess.run(child, capture_output=True, stdin=subprocess.DEVNULL, env=environment, encoding="utf-8", errors="replace")
        tensors = {}
        if results.exists():
            with np.load(results) as saved:
                tensors = {name: saved[name] for name in saved.files}
    return Run(engine, done.returncode, ADDRESS.sub("at 0x...", done.stdout), done.stderr, tensors)


# ------------------------------------------------------------------ printed text


@dataclass
class Number:
    """A number in a printed text: how it reads, its line, and its column, which is shared by lines that read alike."""

    text: str
    line: int
    column: tuple[tuple[str, ...], int]

    @property
    def value(self) -> float:
        return float(self.text)

    @property
    def unit(self) -> float:
        """One in the last digit printed; 0 for a whole number."""
        digits, _, exponent = self.text.lower().partition("e")
        decimals = len(digits.partition(".")[2])
        return 10.0 ** (int(exponent or 0) - decimals) if decimals or exponent else 0.0


def words_of(line: str) -> tuple[str, ...]:
    """The text between a line's numbers, without blanks: these move when a number gets a digit more."""
    return tuple("".join(part.split()) for part in NUMBER.split(line))


def numbers_of(text: str) -> list[Number]:
    out = []
    for i, line in enumerate(text.splitlines()):
        words = words_of(line)
        out += [Number(found, i, (words, k)) for k, found in enumerate(NUMBER.findall(line))]
    return out


def printed_noise(base: list[Number], trials: list[Run]) -> np.ndarray:
    """How far each printed number moves under random rounding: the most in any trial, and in five lines before and after."""
    moved = np.zeros(len(base))
    for trial in trials:
        for i, (a, b) in enumerate(zip(base, numbers_of(trial.printed))):
            if a.column != b.column:
                break
            moved[i] = max(moved[i], abs(a.value - b.value))
    columns = defaultdict(list)
    for i, number in enumerate(base):
        columns[number.column].append(i)
    out = moved.copy()
    for places in columns.values():
        for k, i in enumerate(places):
            out[i] = moved[places[max(k - 5, 0) : k + 6]].max()
    return out


# ------------------------------------------------------------------ comparison


@dataclass
class Comparison:
    """What was compared, how far apart it was at most, and the first difference, if there is one."""

    same: int = 0
    close: int = 0
    worst: float = 0.0  # relative distance of numbers that are alike
    worst_at: str = ""
    difference: str = ""
    needs_noise: bool = field(default=False)

    def number(self, a: float, b: float, unit: float, noise: float, eps: float, where: str) -> bool:
        distance = abs(a - b)
        size = max(abs(a), abs(b))
        if distance <= unit * 1.0001 + ROUNDINGS * eps * size + MARGIN * noise:
            self.close += 1
            if size and distance / size > self.worst:
                self.worst, self.worst_at = distance / size, where
            return True
        return False


def compare_printed(theirs: Run, ours: Run, trials: list[Run]) -> Comparison:
    out = Comparison()
    if theirs.printed == ours.printed:
        out.same = len(numbers_of(theirs.printed))
        return out
    their_lines, our_lines = theirs.printed.splitlines(), ours.printed.splitlines()
    base = numbers_of(theirs.printed)
    noise = printed_noise(base, trials)
    at, only_blanks = 0, None
    for i in range(max(len(their_lines), len(our_lines))):
        a, b = (lines[i] if i < len(lines) else None for lines in (their_lines, our_lines))
        shown = "\n".join(f"  {run.engine:<9} {'(nothing)' if line is None else line}" for run, line in ((theirs, a), (ours, b)))
        if a is None or b is None or words_of(a) != words_of(b):
            out.difference = f"line {i + 1} reads differently:\n{shown}"
            return out
        if a != b and only_blanks is None and NUMBER.findall(a) == NUMBER.findall(b):
            only_blanks = f"line {i + 1} has other blanks:\n{shown}"
        for x, y in zip(NUMBER.findall(a), NUMBER.findall(b)):
            one, two = base[at], Number(y, i, ((), 0))
            ...
    return out
