"""`python -m parity script SCRIPT [ARGS...]`: does a torch script print and compute the same under the engine?

The script runs under torch and under the engine, each in a fresh process with the same directory, arguments and
seeds. Then everything that it printed is compared, and every tensor left in its globals, with its gradient. What it
wrote to stderr is not, but warnings that only one of them gave are noted. Text has to be the same. Numbers are alike
if they differ by a unit of the last decimal printed, by a few roundings, or by no more than rounding explains. What it
explains is measured: torch runs the script again, three times, each result moved by its last digit at random (Monte
Carlo arithmetic, Parker 1997), and a number may differ by ten times what that changed in it; of the whole numbers in a
tensor, ten times as many. A difference is undecided where that could not be measured, as the script then stopped,
printed other text or met inf or nan. Next: run_script.py, what each process does.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from parity.report import save_json

# A digit in a name, as in AddBackward0 or fc1.weight, is a part of the name.
NUMBER = re.compile(r"(?:(?<=\d)[-+]|(?<![\w.])[-+]?)(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
WARNING = re.compile(r"^.*:\d+: (\w*Warning: .*?)(?: \(Triggered internally.*)?$", re.MULTILINE)
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
    undecided: list[str] = field(default_factory=list)  # differences of which nobody knows what rounding explains
    notes: list[str] = field(default_factory=list)
    by_rounding: bool = False  # whether something differs that rounding may explain

    def alike(self, where: str, a: Any, b: Any, allowed: Any) -> bool:
        """Whether the numbers or arrays a and b are; if they are, how far apart is noted."""
        distance = distance_of(a, b)
        if not (distance <= allowed).all():
            return False
        with np.errstate(invalid="ignore"):
            relative = distance / np.maximum(np.maximum(np.abs(a), np.abs(b)), np.finfo(float).tiny)
        self.apart += int((distance > 0).sum())
        if relative.size and (largest := np.nan_to_num(relative).max()) > self.worst:
            self.worst, self.worst_at = float(largest), where
        return True

    def differs(self, what: str, explained: str | None, both: str, trials: Sequence[Run]) -> None:
        """Note a difference; `explained` says what rounding does of it, None if that is not known."""
        self.by_rounding = True
        if not trials:
            self.differences.append(f"{what}:{both}")
        elif explained is None:
            self.undecided.append(f"{what}, and what rounding explains of it could not be measured:{both}")
        else:
            self.differences.append(f"{what}, {explained} explained by rounding:{both}")


def distance_of(a: Any, b: Any) -> np.ndarray:
    """How far apart numbers are, element by element: 0 for the same inf or two nan, inf if only one is finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(np.subtract(a, b, dtype=np.result_type(a, float)))
    return np.where((a == b) | ((a != a) & (b != b)), 0.0, np.where(np.isnan(distance), np.inf, distance))


def compare(theirs: Run, ours: Run, trials: Sequence[Run] = ()) -> Comparison:
    """Compare what was printed up to the first line that differs, and all tensors."""
    found = Comparison()
    compare_printed(found, theirs, ours, trials)
    if ours.status == 0:
        compare_tensors(found, theirs, ours, trials)
    else:
        found.differences.append(f"{ours.engine} stops with status {ours.status}:\n{ours.errors.strip()}")
    for one, other in ((theirs, ours), (ours, theirs)):
        for text in sorted(set(WARNING.findall(one.errors)) - set(WARNING.findall(other.errors))):
            found.notes.append(f"only {one.engine} gave a {text}")
    stopped = [trial for trial in trials if trial.status != 0]
    if stopped:
        error = (stopped[0].errors.strip().splitlines() or [f"status {stopped[0].status}"])[-1]
        found.notes.append(
            f"torch stops in {len(stopped)} of the {len(trials)} runs that measure rounding, so these do not count: {error}"
        )
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


def printed_noise(theirs: Run, trials: Sequence[Run]) -> list[list[float]]:
    """How far rounding at random moves the printed numbers, line by line: at most, in the trials that ran and over
    the 5 lines before and after that read alike; nan if it was not measured, as the trials print other words."""
    lines = theirs.printed.splitlines()
    moved = [[np.nan] * len(NUMBER.findall(line)) for line in lines]
    places = defaultdict(list)
    for i, line in enumerate(lines):
        places[words_of(line)].append(i)
    for trial in trials:
        if trial.status == 0:
            for i, (line, other) in enumerate(zip(lines, trial.printed.splitlines())):
                if words_of(line) == words_of(other):
                    now = distance_of(numbers_of(line), numbers_of(other))
                    moved[i] = [float(x) for x in np.fmax(moved[i], now)]
    return [
        [float(x) for x in np.fmax.reduce([moved[j] for j in beside(i, places[words_of(line)])])]
        for i, line in enumerate(lines)
    ]


def numbers_of(line: str) -> np.ndarray:
    return np.array([float(number) for number in NUMBER.findall(line)])


def beside(i: int, places: list[int]) -> list[int]:
    """Of the increasing `places`, i with the 5 before and after it."""
    k = bisect_left(places, i)
    return places[max(k - 5, 0) : k + 6]


def compare_printed(found: Comparison, theirs: Run, ours: Run, trials: Sequence[Run]) -> None:
    noise = printed_noise(theirs, trials)
    other_digits, other_blanks = False, ""
    for i, (a, b) in enumerate(zip_longest(theirs.printed.splitlines(), ours.printed.splitlines())):
        both = "".join(
            f"\n  {run.engine:<9} {'(no such line)' if line is None else line}"
            for run, line in ((theirs, a), (ours, b))
        )
        where = f"line {i + 1}"
        if a is None or b is None or words_of(a) != words_of(b):
            found.differences.append(f"{where} reads otherwise:{both}")
            return
        for x, y, explained in zip(NUMBER.findall(a), NUMBER.findall(b), noise[i]):
            found.numbers += 1
            one, two = float(x), float(y)
            unit = max(unit_of(x), unit_of(y))
            roundings = ROUNDINGS * float(np.finfo(np.float32).eps) * max(abs(one), abs(two)) if unit else 0.0
            if not found.alike(where, one, two, unit * 1.001 + roundings + MARGIN * float(np.nan_to_num(explained))):
                told = None if np.isnan(explained) else f"{explained:.1g} of it"
                found.differs(f"{where} differs, {x} and {y} are {abs(one - two):.2g} apart", told, both, trials)
                return
            other_digits |= x != y
        if a != b and not other_blanks:
            other_blanks = f"{where} has other blanks:{both}"
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
        compare_elements(found, name, a, b, theirs, ours, trials)


def compare_elements(
    found: Comparison, name: str, a: np.ndarray, b: np.ndarray, theirs: Run, ours: Run, trials: Sequence[Run]
) -> None:
    """Compare two tensors of one shape and dtype. Rounding explains as much for every element as for the one that it
    moved farthest; of an index or a label how far says nothing, so how many of them it changed counts."""
    ran = [trial.tensors[name] for trial in trials if trial.status == 0 and name in trial.tensors]
    moved = [distance_of(a, t) for t in ran if t.shape == a.shape]
    most = np.max(moved, axis=0) if moved else np.zeros(a.shape)
    distance = distance_of(a, b)
    if a.dtype.kind in "iub" and a.ndim:
        changed = max((int((m > 0).sum()) for m in moved), default=0)
        if (distance > 0).sum() <= MARGIN * changed:
            found.apart += int((distance > 0).sum())
            return
        allowed = np.zeros(a.shape)
        told = f"one of {(distance > 0).sum()}, {changed} of them"
    else:
        explained = float(most[np.isfinite(most)].max(initial=0.0))
        eps = np.finfo(a.dtype).eps if a.dtype.kind in "fc" else 0.0
        size = np.where((distance > 0) & np.isfinite(distance), np.maximum(np.abs(a), np.abs(b)), 0.0)
        allowed = ROUNDINGS * eps * size + MARGIN * explained
        told = f"{explained:.1g} of it"
    if found.alike(name, a, b, allowed):
        return
    excess = distance - allowed
    decided = (excess > 0) & np.isfinite(most) & bool(moved)
    worst = np.unravel_index(int(np.where(decided | ~decided.any(), excess, -1.0).argmax()), a.shape)
    place = f"[{', '.join(map(str, worst))}]" if a.ndim else ""
    found.differs(
        f"{name}{place} differs by {distance[worst]:.2g}",
        told if decided.any() else None,
        f"\n  {theirs.engine:<9} {a[worst]}\n  {ours.engine:<9} {b[worst]}",
        trials,
    )


# ------------------------------------------------------------------ the command


def main(argv: Sequence[str]) -> int:
    """Compare and report. Returns 0 if alike, 1 if different or undecided, 2 if the script fails under torch or
    something is not there."""
    parser = argparse.ArgumentParser(
        prog="python -m parity script",
        description="Run a torch script under torch and under an engine, and compare what it prints to stdout and the "
        "tensors it leaves. Of stderr, warnings are noted, and make no difference.",
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
    if found.by_rounding:
        found = compare(theirs, ours, [run("torch", command, noise) for noise in range(1, TRIALS + 1)])

    if not options.quiet:
        print(f"{options.script} under torch and {options.engine}")
        print(f"  {found.numbers} numbers printed and {found.tensors} tensors left were compared")
        if found.apart:
            print(f"  {found.apart} values are alike but not the same: at most {found.worst:.1e} of their size apart")
            print(f"  ({found.worst_at})")
    for difference in found.differences + found.undecided:
        print(difference)
    if not options.quiet:
        for note in found.notes:
            print(f"note: {note}")
        print("different" if found.differences else "undecided" if found.undecided else "alike")
    if options.json:
        try:
            save_json(options.json, {"script": command, "engine": options.engine, **asdict(found)})
        except OSError as error:
            return refuse(f"cannot write the report: {error}")
    return 1 if found.differences or found.undecided else 0


def refuse(message: str) -> int:
    print(f"parity script: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
