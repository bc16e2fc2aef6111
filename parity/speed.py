"""python -m parity speed: the engine, torch and hand-written NumPy, timed on the same training steps (steps.py).

Before anything is timed all three do `CHECKED` steps from one start, and their losses, gradients and parameters are
compared. Then they are timed in turn in one process: whatever else loads the machine loads all three alike. Each number
of threads has a process of its own, since BLAS reads it when it is loaded; so have peak memory and long chains, which
need a heap that nobody has used. How fast they are never fails.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
import gc
import importlib
from itertools import repeat
import json
import os
from pathlib import Path
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from parity import report
from parity.steps import ROWS, Row, Step

CONTENDERS = ("minigrad", "torch", "numpy")
CHECKED = 3  # steps compared before timing
SLACK = 16  # roundings of a step beside those of its longest sum
SAMPLE_SECONDS, ROW_SECONDS = 0.004, 12.0  # torch's part of a round at least; all rounds of a row, roughly, at most
SETTLE_SECONDS = 0.03  # idle BLAS threads spin that long and would slow whoever comes next
CHAINS = (10**3, 10**4, 10**5, 10**6)
IMPORT_GOAL = 1.3

# ------------------------------------------------------------------ in the child: one number of threads


def contender(name: str, row: Row) -> Step:
    return row.by_hand(row.data()) if name == "numpy" else row.lesson(importlib.import_module(name), row.data())


def arrays(result: Any, unordered: bool) -> list[np.ndarray]:
    """The arrays in a step's result, as copies; of one that shuffles, each column sorted."""
    if unordered:
        return [np.sort(np.concatenate([arrays(part, False)[0] for part in column]), 0) for column in zip(*result, strict=True)]
    parts = result if isinstance(result, list | tuple) else [result]
    return [np.array(part.detach() if hasattr(part, "detach") else part) for part in parts]


def disagreement(row: Row, steps: Sequence[Step]) -> tuple[float, str]:
    """The worst error of `CHECKED` steps in units of its bound, and in words where.

    The error of an array a is |a - b| / |b| in the 2-norm, b the one by hand; its bound is SLACK * eps * sqrt(terms):
    rounding errors of a sum grow as the root of its terms.
    """
    bound, worst, where = SLACK * float(np.finfo(np.float32).eps) * row.terms**0.5, 0.0, ""
    for number in range(1, CHECKED + 1):
        *engines, by_hand = [arrays(step(), row.unordered) for step in steps]
        for name, results in zip(CONTENDERS, engines, strict=False):
            for i, (a, b) in enumerate(zip(results, by_hand, strict=True)):
                b = b.reshape(a.shape) if b.size == 1 == a.size else b  # a bias of one element is a number by hand
                norm = float(np.linalg.norm(b.astype(float)))
                error = float(np.linalg.norm(a.astype(float) - b)) / (norm or 1.0) if a.shape == b.shape else float("inf")
                if not error / bound <= worst:
                    worst, where = error / bound, f"{name}, step {number}, result {i}: {error:.1e} of the one by hand, bound {bound:.1e}"
    return worst, where


def sample(step: Step, calls: int, pause: float) -> float:
    """Seconds a call, over `calls` of them."""
    time.sleep(pause)
    if calls > 1:
        step()  # the caches hold another's data
    start = time.perf_counter()
    for _ in repeat(None, calls):
        step()
    return (time.perf_counter() - start) / calls


def measure(name: str, threads: int, rounds: int) -> dict[str, Any]:
    """Times one row; the number of calls is the same for all three, so that they do the same steps."""
    row, pause = ROWS[name], SETTLE_SECONDS if threads > 1 else 0.0
    steps = [contender(who, row) for who in CONTENDERS]
    error, where = disagreement(row, steps)
    found: dict[str, Any] = {"name": name, "threads": threads, "error": error, "where": where, "agree": error <= 1}
    if error <= 1:
        once = [sample(step, 1, 0) for step in steps]
        calls = max(1, min(10_000, round(SAMPLE_SECONDS / once[1])))
        rounds = max(1, min(rounds, round(ROW_SECONDS / (calls * sum(once)))))
        gc.collect()
        gc.freeze()  # what is there already is not searched again; what a step leaves behind is, as in any script
        times = [[sample(step, calls, pause) for step in steps] for _ in range(rounds)]
        found |= summary(dict(zip(CONTENDERS, zip(*times, strict=True), strict=True)), calls)
    return found


def summary(times: dict[str, Sequence[float]], calls: int) -> dict[str, Any]:
    """Median and fastest microseconds of each, and the medians of the ratios within a round."""
    ours = times["minigrad"]

    def ratio(other: str) -> float:
        return statistics.median(a / b for a, b in zip(ours, times[other], strict=True))

    return {
        "rounds": len(ours), "calls": calls,
        "median": {who: statistics.median(t) * 1e6 for who, t in times.items()},
        "fastest": {who: min(t) * 1e6 for who, t in times.items()},
        "ratio": {who: ratio(who) for who in ("torch", "numpy")},
        "fastest_ratio": {who: min(ours) / min(times[who]) for who in ("torch", "numpy")},
    }  # fmt: skip


def work() -> None:
    """The child: a request on stdin, answers on stdout, a line each."""
    request = json.load(sys.stdin)
    torch = importlib.import_module("torch")
    torch.set_num_threads(request["threads"])
    for name in request["names"]:
        print(json.dumps(measure(name, request["threads"], request["rounds"])), flush=True)


# ------------------------------------------------------------------ in the parent


def ask(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answers of a child process that runs on so many threads."""
    threads = str(request["threads"])
    root = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {name: threads for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", "from parity.speed import work; work()"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        json.dump(request, child.stdin)
        child.stdin.close()
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise RuntimeError(f"the measuring process ended with status {child.returncode}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parity speed", description="Time minigrad, torch and hand-written NumPy.")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--threads", choices=("1", "2", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args(argv)
    for threads in (1, 2) if options.threads == "both" else (int(options.threads),):
        for r in ask({"names": options.rows or list(ROWS), "threads": threads, "rounds": options.rounds}):
            if not r["agree"]:
                print(r["name"], "DISAGREE", r["where"])
                continue
            m, f, q, fq = r["median"], r["fastest"], r["ratio"], r["fastest_ratio"]
            goals = ROWS[r["name"]].goals
            print(f"{r['name']:17} t{threads} {m['minigrad']:10.1f} {m['torch']:10.1f} {m['numpy']:10.1f}  /torch {q['torch']:5.2f} ({fq['torch']:5.2f}; goal {goals[0]})"
                  f" /numpy {q['numpy']:5.2f} ({fq['numpy']:5.2f}; goal {goals[1]}) err {r['error']:.2g} r{r['rounds']}x{r['calls']}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
