"""python -m parity speed: the engine, torch and hand-written NumPy, timed on the same training steps (steps.py).

Before anything is timed all three do `CHECKED` steps from one start, and their losses, gradients and parameters are
compared. Then they are timed in turn in one process: whatever else loads the machine loads all three alike. Each number
of threads has a process of its own, since BLAS reads it when it is loaded; so has each reading of memory, which needs a
heap that nobody has used. A goal that is missed is shown and is no failure; a difference is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
import ctypes
import gc
import importlib
import importlib.util
from itertools import repeat
import json
import os
from pathlib import Path
import platform
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from parity import report
from parity.steps import ROWS, Row, Step, factors

CONTENDERS = ("minigrad", "torch", "numpy")
CHECKED = 3  # steps compared before timing
SLACK = 16  # roundings of a step beside those of its longest sum
ROUNDS, QUICK_ROUNDS = 40, 3
SAMPLE_SECONDS, ROW_SECONDS = 0.004, 12.0  # torch's part of a round at least; all rounds of a row, roughly, at most
SETTLE_SECONDS = 0.03  # BLAS threads spin so long when their work is done, and would slow whoever comes next
CHAINS = (10**3, 10**4, 10**5, 10**6)
IMPORT_GOALS, CHAIN_BYTES_GOAL = (None, 1.3), 450
MEMORY_IS_SEEN = Path("/proc/self/clear_refs").exists()  # where the peak of a process can be reset: Linux

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
    found: dict[str, Any] = {"name": name, "threads": threads, "goals": dict(zip(CONTENDERS[1:], row.goals, strict=True))}
    try:
        steps = [contender(who, row) for who in CONTENDERS]
        error, where = disagreement(row, steps)
    except Exception as failure:  # whatever an engine may raise
        return found | {"agree": False, "error": None, "where": f"{type(failure).__name__}: {failure}"}
    found |= {"agree": error <= 1, "error": error, "where": where}
    if error <= 1:
        once = [sample(step, 1, 0) for step in steps]
        calls = max(1, min(10_000, round(SAMPLE_SECONDS / once[1])))
        rounds = max(1, min(rounds, round(ROW_SECONDS / (calls * sum(once)))))
        gc.collect()
        gc.freeze()  # what is there already is not searched again; what a step leaves behind is, as in any script
        found |= summary([[sample(step, calls, pause) for step in steps] for _ in range(rounds)], calls, row.goals)
        gc.unfreeze()
    return found


def summary(times: Sequence[Sequence[float]], calls: int, goals: tuple[float | None, float | None]) -> dict[str, Any]:
    """Of rounds of (minigrad, torch, numpy) seconds: medians and fastest in microseconds, medians of the ratios within a
    round, ratios of the fastest; whether the goals are met, None if there is none."""
    ours, *others = zip(*times, strict=True)
    ratios = {who: statistics.median(a / b for a, b in zip(ours, other)) for who, other in zip(CONTENDERS[1:], others)}
    kept = [ratio <= goal for ratio, goal in zip(ratios.values(), goals) if goal is not None]
    columns = dict(zip(CONTENDERS, (ours, *others), strict=True))
    return {
        "rounds": len(times), "calls": calls, "goals": dict(zip(CONTENDERS[1:], goals)), "met": all(kept) if kept else None,
        "median_us": {who: statistics.median(t) * 1e6 for who, t in columns.items()},
        "fastest_us": {who: min(t) * 1e6 for who, t in columns.items()},
        "ratio": ratios, "fastest_ratio": {who: min(ours) / min(t) for who, t in zip(CONTENDERS[1:], others)},
    }  # fmt: skip


def measure_import(threads: int, rounds: int) -> dict[str, Any]:
    """Whole processes that do nothing but import."""

    def process(name: str) -> Step:
        return lambda: subprocess.run([sys.executable, "-c", f"import {name}"], check=True)

    steps = [process(name) for name in CONTENDERS]
    for step in steps:
        step()  # writes the bytecode and reads the files
    times = [[sample(step, 1, 0) for step in steps] for _ in range(min(rounds, 10))]
    return {"name": "import", "threads": threads, "agree": True, **summary(times, 1, IMPORT_GOALS)}


def resident(which: str = "VmRSS") -> int:
    """Bytes of memory that this process holds (VmRSS), or held at most (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{which}:")[1].split()[0]) * 1024


def trim() -> None:
    """Give freed memory back, so that what is held is what is used."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def measure_memory(name: str, who: str) -> dict[str, Any]:
    """The most that a row's data, parameters, buffers and steps take at once, in bytes."""
    for small in ("minibatch_10", "mlp_64"):
        contender(who, ROWS[small])()  # what the libraries themselves take with their first work
    trim()
    before = resident()
    step = contender(who, ROWS[name])
    trim()
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts again
    for _ in range(2):
        result = step()  # held while the next is computed, as by a training loop
    del result
    return {"name": name, "who": who, "bytes": resident("VmHWM") - before}


def measure_chain(who: str, n: int) -> dict[str, Any]:
    """Nanoseconds an op forward and backward, and the bytes that an op of a live graph takes; n ops in each graph."""
    torch = importlib.import_module(who)
    x = torch.tensor(factors(n)["x"], requires_grad=True)

    def forward(length: int) -> Any:
        y = x
        for _ in repeat(None, length):
            y = y * x
        return y

    forward(10).backward()
    trim()
    chains, ops = [], max(n, 10**5)
    before, start = resident() if MEMORY_IS_SEEN else 0, time.perf_counter()
    for _ in range(ops // n):
        chains.append(forward(n))
    middle, held = time.perf_counter(), (resident() if MEMORY_IS_SEEN else 0) - before
    for y in chains:
        y.backward()
    end = time.perf_counter()
    return {"who": who, "ops": n, "forward_ns": (middle - start) / ops * 1e9, "backward_ns": (end - middle) / ops * 1e9,
            "bytes": held / ops if MEMORY_IS_SEEN else None}  # fmt: skip


def work() -> None:
    """The child: calls on stdin, a list of [function, *arguments]; on stdout what each returns, a line each."""
    threads, calls = json.load(sys.stdin)
    importlib.import_module("torch").set_num_threads(threads)
    for name, *arguments in calls:
        print(json.dumps(globals()[name](*arguments)), flush=True)


# ------------------------------------------------------------------ in the parent


def ask(threads: int, calls: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """What the calls return in one child process that computes on so many threads."""
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    path = [str(Path(__file__).resolve().parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    command = [sys.executable, "-c", "from parity.speed import work; work()"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        json.dump((threads, calls), child.stdin)
        child.stdin.close()
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise RuntimeError(f"the measuring process ended with status {child.returncode}")


def number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def a_table(title: str, *columns: str) -> Table:
    out = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        out.add_column(column, justify="right" if i else "left", no_wrap=True)
    return out


def time_table(found: Sequence[dict[str, Any]], threads: int) -> Table:
    rounds = max((row["rounds"] for row in found if row["agree"]), default=0)
    out = a_table(f"{threads} thread{'s' * (threads > 1)}: microseconds a step, medians of at most {rounds} rounds",
                  "row", "minigrad", "torch", "NumPy", "/torch", "goal", "/NumPy", "goal", "met")  # fmt: skip
    for row in found:
        if not row["agree"]:
            out.add_row(row["name"], Text("differ", style="bold red"))
            continue
        met = {True: Text("yes", style="green"), False: Text("no", style="yellow"), None: Text("")}[row["met"]]
        ratios = [cell for who in CONTENDERS[1:] for cell in (number(row["ratio"][who]), number(row["goals"][who]))]
        out.add_row(row["name"], *(number(row["median_us"][who]) for who in CONTENDERS), *ratios, met)
    return out


def memory_table(found: Sequence[dict[str, Any]]) -> Table:
    out = a_table("Peak memory of data, parameters and steps: MiB", "row", *CONTENDERS)
    for name in dict.fromkeys(row["name"] for row in found):
        held = {row["who"]: row["bytes"] / 2**20 for row in found if row["name"] == name}
        out.add_row(name, *(number(held[who], 1) for who in CONTENDERS))
    return out


def chain_table(found: Sequence[dict[str, Any]]) -> Table:
    out = a_table(f"Chains of 0-d products: ns and bytes an op (goal: at most {CHAIN_BYTES_GOAL} bytes)",
                  "ops", "minigrad: forward", "backward", "bytes", "torch: forward", "backward", "bytes")  # fmt: skip
    for n in dict.fromkeys(row["ops"] for row in found):
        sides = [row for who in ("minigrad", "torch") for row in found if (row["who"], row["ops"]) == (who, n)]
        cells = [number(side[key], 0) for side in sides for key in ("forward_ns", "backward_ns", "bytes")]
        out.add_row(f"{n:,}", *cells)
    return out


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(
        prog="python -m parity speed", description="Time minigrad, torch and hand-written NumPy on the same training steps.",
        epilog=f"Rows: {' '.join(ROWS)} import. Exit: 0 measured, 1 the three disagree, 2 wrong usage.",
    )  # fmt: skip
    out.add_argument("rows", nargs="*", metavar="ROW", help="what to time (default all)")
    out.add_argument("--threads", choices=("1", "2", "both"), default="both", help="for BLAS and torch (default both)")
    out.add_argument("--rounds", type=positive, metavar="N", help=f"at most (default {ROUNDS}; fewer where a step is slow)")
    out.add_argument("--json", metavar="FILE", help="write the measurements as data")
    out.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds, and the small rows only unless others are named")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if unknown := [name for name in options.rows if name not in (*ROWS, "import")]:
        return usage(f"no row named {', '.join(unknown)}; known: {', '.join(ROWS)}, import")
    if missing := [name for name in CONTENDERS if importlib.util.find_spec(name) is None]:
        return usage(f"not installed: {', '.join(missing)}")
    names = options.rows or [name for name in (*ROWS, "import") if not (options.quick and name != "import" and ROWS[name].large)]
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    console, progress = report.make_console(), report.make_console(sys.stderr)
    data: dict[str, Any] = {"versions": versions(), "rows": [], "memory": [], "chains": []}

    def collect(kind: str, threads: int, *calls: Sequence[Any]) -> list[Any]:
        """The answers of one child to these calls, also kept under data[kind]."""
        found, answers = [], ask(threads, calls)
        with progress.status("") as status:
            for call in calls:
                status.update(f"{threads} thread{'s' * (threads > 1)}: {' '.join(map(str, call))}")
                found.append(next(answers))
        data[kind] += found
        return found

    try:
        for threads in (1, 2) if options.threads == "both" else (int(options.threads),):
            calls = [("measure_import", threads, rounds) if name == "import" else ("measure", name, threads, rounds) for name in names]
            console.print(time_table(collect("rows", threads, *calls), threads), "")
        for row in data["rows"]:
            if not row["agree"]:
                console.print(f"{row['name']}, {row['threads']} threads: {row['where']}", style="red")
        large = [name for name in names if name != "import" and ROWS[name].large]
        if MEMORY_IS_SEEN and large:
            held = [answer for name in large for who in CONTENDERS for answer in collect("memory", 1, ("measure_memory", name, who))]
            console.print(memory_table(held), "")
        if "chain_1m" in names:
            chains = [answer for n in CHAINS for who in CONTENDERS[:2] for answer in collect("chains", 1, ("measure_chain", who, n))]
            console.print(chain_table(chains))
        if options.json:
            report.save_json(options.json, data)
    except RuntimeError as error:
        print(f"parity speed: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        return usage(f"cannot write the report: {error}")
    except KeyboardInterrupt:
        return 130
    return int(not all(row["agree"] for row in data["rows"]))


def versions() -> dict[str, str]:
    from importlib.metadata import version
    return {"python": platform.python_version(), "numpy": version("numpy"), "torch": version("torch"), "machine": platform.machine(),
            "cpus": str(os.cpu_count())}  # fmt: skip


def usage(message: str) -> int:
    print(f"parity speed: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
