"""`python -m parity script SCRIPT [ARGS...]`: does a torch script print and compute the same under the engine?

The script runs under torch and under the engine, each in a fresh process with the same directory, arguments and
seeds. Then everything that it printed is compared, and every tensor left in its globals, with its gradient. Text
has to be the same. Numbers are alike if they differ by a unit of the last decimal printed, by a few roundings, or
by no more than rounding explains. What it explains is measured: torch runs the script again, three times, each
result moved by its last digit at random (Monte Carlo arithmetic, Parker 1997), and a number may differ by ten times
what that changed in it. Next: run_script.py, what each process does.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from parity.report import save_json

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
ROUNDINGS = 4  # so many roundings of a number are let pass without asking torch again
TRIALS = 3
MARGIN = 10


@dataclass
class Run:
    """What a script did under one engine."""

    engine: str
    status: int
    printed: str
    errors: str
    tensors: dict[str, np.ndarray]


def run(engine: str, argv: Sequence[str], noise: int = 0) -> Run:
    """Run a script in a fresh process; `noise` seeds torch's random rounding, 0 for none."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "tensors.npz")
        child = [
            sys.executable,
            str(Path(__file__).with_name("run_script.py")),
            engine,
            str(results),
            str(noise),
            *argv,
        ]
        done = subprocess.run(
            child, capture_output=True, stdin=subprocess.DEVNULL, env=environment, encoding="utf-8", errors="replace"
        )
        tensors = dict(np.load(results)) if results.exists() else {}
    return Run(engine, done.returncode, ADDRESS.sub("at 0x...", done.stdout), done.stderr, tensors)


@dataclass
class Comparison:
    """What was compared and what was found."""

    numbers: int = 0
    tensors: int = 0
    apart: int = 0  # numbers and elements that are not the same, but alike
    worst: float = 0.0  # the largest distance of two that are alike, relative to their size
    worst_at: str = ""
    differences: list[str] = field(default_factory=list)
    by_rounding: bool = False  # whether the differences are of numbers only, so that rounding may explain them

    def alike(self, where: str, a: Any, b: Any, allowed: Any) -> bool:
        """Whether the numbers or arrays a and b are; if they are, how far apart is noted."""
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(np.subtract(a, b, dtype=float)))
        if not (distance <= np.where(np.isfinite(allowed), allowed, 0.0)).all():
            return False
        relative = distance / np.maximum(np.maximum(np.abs(a), np.abs(b)), np.finfo(float).tiny)
        self.apart += int((distance > 0).sum())
        if relative.size and relative.max() > self.worst:
            self.worst, self.worst_at = float(relative.max()), where
        return True


def compare(theirs: Run, ours: Run, trials: Sequence[Run] = ()) -> Comparison:
    """Compare what was printed up to the first line that differs, and all tensors."""
    found = Comparison()
    compare_printed(found, theirs, ours, trials)
    if ours.status == 0:
        compare_tensors(found, theirs, ours, trials)
    else:
        found.differences.append(f"{ours.engine} stops with status {ours.status}:\n{ours.errors.strip()}")
    return found


# ------------------------------------------------------------------ what was printed


def words_of(line: str) -> tuple[str, ...]:
    """The text between the numbers of a line, less the blanks, which move when a number gets longer."""
    return tuple("".join(part.split()) for part in NUMBER.split(line))


def unit_of(number: str) -> float:
    """One in the last digit of a printed number; 0 for a whole one."""
    digits, _, exponent = number.lower().partition("e")
    decimals = len(digits.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals) if decimals or exponent else 0.0


def columns_of(text: str) -> list[tuple[Any, float]]:
    """(column, value) of each number printed: numbers at the same place of lines that read alike share a column."""
    return [
        ((words_of(line), k), float(number))
        for line in text.splitlines()
        for k, number in enumerate(NUMBER.findall(line))
    ]


def printed_noise(theirs: Run, trials: Sequence[Run]) -> list[float]:
    """How far rounding at random moves each printed number: at most, in the trials and over 5 lines before and
    after."""
    base = columns_of(theirs.printed)
    moved = [0.0] * len(base)
    for trial in trials:
        for i, ((column, value), (other, changed)) in enumerate(zip(base, columns_of(trial.printed))):
            if column != other:
                break
            moved[i] = max(moved[i], abs(value - changed))
    places = defaultdict(list)
    for i, (column, _) in enumerate(base):
        places[column].append(i)
    noise = list(moved)
    for column_places in places.values():
        for k, i in enumerate(column_places):
            noise[i] = max(moved[j] for j in column_places[max(k - 5, 0) : k + 6])
    return noise


def compare_printed(found: Comparison, theirs: Run, ours: Run, trials: Sequence[Run]) -> None:
    noise = iter(printed_noise(theirs, trials))
    other_digits, other_blanks = False, ""
    for i, (a, b) in enumerate(zip_longest(theirs.printed.splitlines(), ours.printed.splitlines()), 1):
        both = "".join(
            f"\n  {run.engine:<9} {'(no such line)' if line is None else line}"
            for run, line in ((theirs, a), (ours, b))
        )
        if a is None or b is None or words_of(a) != words_of(b):
            found.differences.append(f"line {i} reads otherwise:{both}")
            return
        for x, y in zip(NUMBER.findall(a), NUMBER.findall(b)):
            found.numbers += 1
            one, two, explained = float(x), float(y), next(noise)
            unit = max(unit_of(x), unit_of(y))
            roundings = ROUNDINGS * float(np.finfo(np.float32).eps) * max(abs(one), abs(two)) if unit else 0.0
            if not found.alike(f"line {i}", one, two, unit * 1.001 + roundings + MARGIN * explained):
                told = f", {explained:.1g} of it explained by rounding" if trials else ""
                found.differences.append(f"line {i} differs, {x} and {y} are {abs(one - two):.2g} apart{told}:{both}")
                found.by_rounding = True
                return
            other_digits |= x != y
        if a != b and not other_blanks:
            other_blanks = f"line {i} has other blanks:{both}"
    if other_blanks and not other_digits:
        found.differences.append(other_blanks)


# ------------------------------------------------------------------ what was computed


def compare_tensors(found: Comparison, theirs: Run, ours: Run, trials: Sequence[Run]) -> None:
    for name in sorted(theirs.tensors.keys() | ours.tensors.keys()):
        lacks = [run.engine for run in (theirs, ours) if name not in run.tensors]
        if lacks:
            found.differences.append(f"{name} is left by one engine, not by {lacks[0]}")
            continue
        a, b = theirs.tensors[name], ours.tensors[name]
        found.tensors += 1
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            found.differences.append(
                f"{name} is {a.dtype} of shape {a.shape} for torch, {b.dtype} of {b.shape} for {ours.engine}"
            )
            continue
        explained, roundings = 0.0, 0.0
        if a.dtype.kind == "f" and a.size:
            same = [
                trial.tensors[name]
                for trial in trials
                if name in trial.tensors and trial.tensors[name].shape == a.shape
            ]
            explained = max((float(np.nan_to_num(np.abs(a - t)).max()) for t in same), default=0.0)
            roundings = ROUNDINGS * np.finfo(a.dtype).eps * np.maximum(np.abs(a), np.abs(b))
        if not found.alike(name, a, b, roundings + MARGIN * explained):
            worst = np.unravel_index(
                int(np.nan_to_num(np.abs(np.subtract(a, b, dtype=float)), nan=np.inf).argmax()), a.shape
            )
            told = f", {explained:.1g} of it explained by rounding" if trials else ""
            place = f"[{', '.join(map(str, worst))}]" if a.ndim else ""
            found.differences.append(
                f"{name}{place} differs by {abs(float(a[worst]) - float(b[worst])):.2g}{told}:"
                f"\n  {theirs.engine:<9} {a[worst]}\n  {ours.engine:<9} {b[worst]}"
            )
            found.by_rounding = True


# ------------------------------------------------------------------ the command


def main(argv: Sequence[str]) -> int:
    """Compare and report. Returns 0 if alike, 1 if not, 2 if the script fails under torch or something is not
    there."""
    parser = argparse.ArgumentParser(
        prog="python -m parity script", description="Run a torch script under torch and under an engine, and compare."
    )
    parser.add_argument("--engine", default="minigrad", metavar="MODULE", help="the engine (default minigrad)")
    parser.add_argument("--json", metavar="FILE", help="write what was found as data")
    parser.add_argument("--quiet", action="store_true", help="print differences only")
    parser.add_argument("script", metavar="SCRIPT")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS")
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    command = [options.script, *options.arguments]
    for module in ("torch", options.engine.partition(".")[0]):
        if importlib.util.find_spec(module) is None:
            return refuse(f"there is no module named {module}")
    if not Path(options.script).is_file():
        return refuse(f"there is no script {options.script}")

    theirs = run("torch", command)
    if theirs.status != 0:
        return refuse(
            f"{options.script} fails under torch itself, with status {theirs.status}:\n{theirs.errors.strip()}"
        )
    ours = run(options.engine, command)
    found = compare(theirs, ours)
    if found.by_rounding and ours.status == 0:
        found = compare(theirs, ours, [run("torch", command, noise) for noise in range(1, TRIALS + 1)])

    if not options.quiet:
        print(f"{options.script} under torch and {options.engine}")
        print(f"  {found.numbers} numbers printed and {found.tensors} tensors left were compared")
        if found.apart:
            print(f"  {found.apart} values are alike but not the same: at most {found.worst:.1e} of their size apart")
            print(f"  ({found.worst_at})")
    for difference in found.differences:
        print(difference)
    if not options.quiet:
        print("different" if found.differences else "alike")
    if options.json:
        try:
            save_json(options.json, {"script": command, "engine": options.engine, **asdict(found)})
        except OSError as error:
            return refuse(f"cannot write the report: {error}")
    return 1 if found.differences else 0


def refuse(message: str) -> int:
    print(f"parity script: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
