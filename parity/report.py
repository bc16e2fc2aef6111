"""What the checker says at the end: tables within 80 columns, failures with their scripts, JSON, one HTML page.

Errors are in units of their bound: 1 is the most that the arithmetic allows, 0 is exact.
"""



from __future__ import annotations

import html
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from parity.checks import BINS, Failure, Row
from parity.programs import Program, full_script, literal, show
from parity.verdicts import Verdict

STYLES = {
    Verdict.SAME: "green",
    Verdict.WITHIN: "green",
    Verdict.NOT_OFFERED: "dim",
    Verdict.UNDECIDED: "yellow",
    Verdict.CHOICE: "yellow",
    Verdict.TORCH_WORSE: "yellow",
    Verdict.BOTH_OFF: "yellow",
}
TITLES = {
    "ops": "Ops: worst error in units of the bound",
    "programs": "Random programs",
    "corners": "Corners and conventions",
    "calls": "Call order",
    "training": "Training: lessons and optimizers",
    "mutants": "Wrong engines",
}


def number(value: float) -> str:
    return "0" if value == 0 else f"{value:.2f}" if 0.005 <= value < 100 else f"{value:.0e}"


def make_console(file: Any = None) -> Console:
    """Within 80 columns; no colours and no control characters when the output is not a terminal."""
    console = Console(file=file, highlight=False)
    return Console(
        file=file,
        highlight=False,
        width=min(console.width, 80) if console.is_terminal else 80,
        color_system="auto" if console.is_terminal else None,
    )


def table(section: str, rows: Sequence[Row]) -> Table:
    out = Table(title=TITLES.get(section, section), title_justify="left", box=None, pad_edge=False, padding=(0, 1))
    program_like = section in ("ops", "programs")
    out.add_column("name", overflow="fold", max_width=26 if program_like else 34)
    out.add_column("cases", justify="right")
    if program_like:
        for name in ("value", "1st", "2nd", "3rd"):
            out.add_column(name, justify="right")
    elif section == "training":
        out.add_column("step", justify="right")
        out.add_column("free", justify="right")
    out.add_column("verdict")
    out.add_column("", overflow="fold")
    for row in rows:
        cells = [row.name, str(row.cases)]
        if program_like:
            cells += [number(ratio) for ratio in row.ratios] if row.verdict is not Verdict.NOT_OFFERED else [""] * 4
        elif section == "training":
            cells += [number(row.ratios[0]), number(row.ratios[1])]
        style = "bold red" if row.fails else STYLES.get(row.verdict, "")
        out.add_row(*cells, Text(row.verdict.value, style=style), Text(row.note, style="dim"))
    return out


def render_failure(failure: Failure, engine: str, against: str, runs_scripts: bool = True) -> str:
    """The sentence, the script that shows it (at most 15 lines), both results and the judge's, the seed."""
    finding = failure.finding
    lines = [f"{finding.verdict.value}: {finding.sentence}"]
    if failure.program is not None:
        if runs_scripts:
            lines += ["", f"  python this.py {engine}      # then: python this.py {against}"]
        else:
            lines += ["", f"  python this.py {against}      # {engine} has other names: write it with them"]
        lines += ["  " + line for line in script_of(failure, engine).split("\n")]
    elif failure.script:
        lines += ["", *("  " + line for line in failure.script.split("\n"))]
    lines.append("")
    for who, value in ((engine, finding.ours), (against, finding.theirs), ("judge", finding.true)):
        if value is not None:
            lines.append(f"  {who:>10}: {brief(value)}")
    lines.append(f"  {'seed':>10}: {failure.seed}")
    return "\n".join(lines)


def script_of(failure: Failure, engine: str) -> str:
    program = failure.program
    assert program is not None
    what = failure.finding.what
    order = (
        0
        if what.startswith(("value", "error at"))
        else next((i + 1 for i, o in enumerate(("gradient", "second", "third")) if what.startswith(o)), 1)
    )
    if what.startswith("error at derivative") or what == "error at backward":
        order = max(failure.order, 1)
    return full_script(program, program.outputs(), order, engine)


def brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            try:
                value = np.vectorize(float, otypes=[object])(value)  # fractions and mpmath's numbers
            except (TypeError, ValueError):
                pass  # an engine's array of whatever
        text = literal(value)
        return (text if len(text) < 300 else text[:300] + " ...") + f"  {value.dtype if value.dtype != object else ''}"
    return f"{type(value).__name__}: {value}" if isinstance(value, Exception) else str(value)


def write(
    console: Console,
    sections: dict[str, list[Row]],
    engine: str,
    against: str,
    quiet: bool,
    runs_scripts: bool = True,
) -> None:
    """The tables, the findings in a line each, the failures in full, and the sum."""
    for name, rows in sections.items():
        absent = [row for row in rows if row.verdict is Verdict.NOT_OFFERED]
        shown = [row for row in rows if row.fails] if quiet else [row for row in rows if row not in absent]
        if shown:
            console.print(table(name, shown))
            console.print()
        if absent and not quiet:
            console.print(Text(f"Not offered by {engine}: {', '.join(row.name for row in absent)}"))
            console.print()
    everything = [row for rows in sections.values() for row in rows]
    findings = [
        (row, f)
        for row in everything
        for f in row.findings[: None if row.section == "programs" else 1]
        if f.finding.verdict is not Verdict.UNDECIDED
    ]
    if findings and not quiet:
        console.print(f"Findings that are no fault of {engine}:")
        for row, f in findings:
            console.print(Text(f"  {row.name}: {f.finding.sentence}"))
            if row.section == "programs":
                console.print(Text(f"    {f.seed}", style="dim"))
        console.print()
    failures = [(row, f) for row in everything for f in row.failures]
    for row, failure in failures:
        console.print(Text(f"{row.section} {row.name}", style="bold red"))
        console.print(Text(render_failure(failure, engine, against, runs_scripts)), soft_wrap=True)
        console.print()
    console.print(Text(summary(sections, engine, against), style="bold red" if failures else "bold green"))


def summary(sections: dict[str, list[Row]], engine: str, against: str) -> str:
    everything = [row for rows in sections.values() for row in rows]
    bad = sum(row.fails for row in everything)
    missing = sum(row.verdict is Verdict.NOT_OFFERED for row in everything)
    cases = sum(row.cases for row in everything)
    tail = f"; {missing} not offered" if missing else ""
    return (
        f"{engine} against {against}: {cases} cases in {len(everything)} rows, "
        + (f"{bad} with a difference" if bad else "no difference")
        + tail
    )


# --------------------------------------------------------------------------------------------------------- as data


def plain(value: Any) -> Any:
    """Anything in a finding, as JSON can hold it."""
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "shape": list(value.shape), "values": brief(value)}
    if isinstance(value, Exception):
        return {"error": type(value).__name__, "message": str(value)}
    return None if value is None else str(value)


def program_data(program: Program | None) -> Any:
    if program is None:
        return None
    return {
        "leaves": [
            {
                "name": leaf.name,
                "dtype": str(leaf.array.dtype),
                "shape": list(leaf.array.shape),
                "values": literal(leaf.array),
                "requires_grad": leaf.requires_grad,
            }
            for leaf in program.leaves
        ],
        "steps": [
            {
                "name": step.name,
                "op": step.op.name,
                "text": step.text(),
                "arguments": {k: show(v) for k, v in step.args.items()},
            }
            for step in program.steps
        ],
    }


def failure_data(failure: Failure, engine: str) -> dict[str, Any]:
    f = failure.finding
    return {
        "what": f.what,
        "verdict": f.verdict.value,
        "sentence": f.sentence,
        "ours": plain(f.ours),
        "theirs": plain(f.theirs),
        "judge": plain(f.true),
        "seed": failure.seed,
        "program": program_data(failure.program),
        "script": script_of(failure, engine) if failure.program else failure.script,
    }


def as_data(sections: dict[str, list[Row]], engine: str, against: str, versions: dict[str, str]) -> dict[str, Any]:
    return {
        "engine": engine,
        "against": against,
        "versions": versions,
        "summary": summary(sections, engine, against),
        "failed": any(row.fails for rows in sections.values() for row in rows),
        "sections": {
            name: [
                {
                    "name": row.name,
                    "cases": row.cases,
                    "verdict": row.verdict.value,
                    "counts": dict(row.counts),
                    "note": row.note,
                    "worst": dict(zip(("value", "first", "second", "third"), row.ratios, strict=True)),
                    "histogram": {"edges": BINS.tolist(), "exact_then_counts": row.histogram()},
                    "p99_9": row.percentile(),
                    "failures": [failure_data(f, engine) for f in row.failures],
                    "findings": [failure_data(f, engine) for f in row.findings],
                    "curves": row.curves,
                }
                for row in rows
            ]
            for name, rows in sections.items()
        },
    }


def save(path: str | Path, text: str) -> None:
    """Whole or not at all: a temporary file beside it, then renamed."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent or ".", prefix=path.name, text=True)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def save_json(path: str, data: dict[str, Any]) -> None:
    save(path, json.dumps(data, indent=1))


def save_html(path: str, data: dict[str, Any]) -> None:
    save(path, page(data))


def _bars(counts: Sequence[int]) -> str:
    """A histogram of error over bound, on a square-root scale, as inline SVG."""
    top = max(counts) or 1
    labels = ("exact", "to 0.01", "to 0.03", "to 0.1", "to 0.3", "to 1", "over 1")
    bars = "".join(
        f'<rect x="{i * 14}" y="{20 - 20 * (n / top) ** 0.5:.1f}" width="12" height="{20 * (n / top) ** 0.5:.1f}" '
        f'class="{"bad" if i == 6 else "ok"}"><title>{label}: {n}</title></rect>'
        for i, (n, label) in enumerate(zip(counts, labels, strict=True))
    )
    return f'<svg width="98" height="21" role="img">{bars}</svg>'


def _curve(curves: dict[str, list[float]]) -> str:
    """Loss curves, log scale, ours over torch's."""
    series = {name: np.asarray(values, float) for name, values in curves.items() if len(values) > 1}
    if not series:
        return ""
    with np.errstate(all="ignore"):
        logs = {name: np.log10(np.where(values > 0, values, np.nan)) for name, values in series.items()}
    finite = np.concatenate([v[np.isfinite(v)] for v in logs.values()])
    if not finite.size:
        return ""
    low, high = float(finite.min()), float(finite.max())
    span = (high - low) or 1.0
    lines = ""
    for i, (name, values) in enumerate(logs.items()):
        points = " ".join(
            f"{240 * k / (len(values) - 1):.1f},{58 - 54 * (v - low) / span:.1f}"
            for k, v in enumerate(values)
            if np.isfinite(v)
        )
        lines += f'<polyline points="{points}" class="line{i}"><title>{html.escape(name)}</title></polyline>'
    return f'<svg width="244" height="62" role="img">{lines}</svg><br><small>1e{low:.1f} to 1e{high:.1f}, {html.escape(" and ".join(series))}</small>'


def page(data: dict[str, Any]) -> str:
    """One self-contained page: tables, histograms, training curves, failures with their scripts."""
    parts = []
    for section, rows in data["sections"].items():
        body = ""
        for row in rows:
            state = (
                "bad"
                if row["failures"]
                else "dim"
                if row["verdict"] == "not offered"
                else "warn"
                if row["findings"]
                else "good"
            )
            worst = "".join(f"<td>{number(v)}</td>" for v in row["worst"].values())
            picture = (
                _curve(row["curves"])
                if row["curves"]
                else _bars(row["histogram"]["exact_then_counts"])
                if sum(row["histogram"]["exact_then_counts"])
                else ""
            )
            body += (
                f"<tr><td><code>{html.escape(row['name'])}</code></td><td>{row['cases']}</td>{worst}<td>{picture}</td>"
                f'<td class="{state}">{html.escape(row["verdict"])}</td><td>{html.escape(row["note"])}</td></tr>'
            )
        parts.append(
            f"<h2>{html.escape(TITLES.get(section, section))}</h2><table><tr><th>name<th>cases<th>value<th>1st<th>2nd<th>3rd"
            f"<th>errors<th>verdict<th></tr>{body}</table>"
        )
    for kind, title in (("failures", "Differences"), ("findings", "Findings that are no fault of the engine")):
        items = [(row, f) for rows in data["sections"].values() for row in rows for f in row[kind]]
        if items:
            parts.append(f"<h2>{title}</h2>")
        for row, f in items:
            values = "".join(
                f"<tr><th>{who}<td><code>{html.escape(str((v or {}).get('values') or (v or {}).get('message') or v) if isinstance(v, dict) else str(v))}</code></tr>"
                for who, v in ((data["engine"], f["ours"]), (data["against"], f["theirs"]), ("judge", f["judge"]))
                if v is not None
            )
            parts.append(
                f"<details {'open' if kind == 'failures' else ''}><summary><b>{html.escape(row['name'])}</b>: {html.escape(f['sentence'])}"
                f"</summary><pre>{html.escape(f['script'] or '')}</pre><table>{values}</table><p>seed {html.escape(str(f['seed']))}</p></details>"
            )
    versions = ", ".join(f"{k} {v}" for k, v in data["versions"].items())
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>parity: {html.escape(data["engine"])} against {html.escape(data["against"])}</title><style>
body{{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}}
table{{border-collapse:collapse}}td,th{{padding:.15rem .6rem;text-align:left;border-bottom:1px solid #eee;vertical-align:top}}
td:nth-child(n+2):nth-child(-n+6){{text-align:right}}.good{{color:#197a3e}}.warn{{color:#9a6700}}.bad{{color:#c4231c;font-weight:600;fill:#c4231c}}
.dim{{color:#777}}.ok{{fill:#4a7fb5}}pre{{background:#f6f6f4;padding:.6rem;overflow:auto}}polyline{{fill:none;stroke-width:1.5}}
.line0{{stroke:#c4501c}}.line1{{stroke:#3468a8;stroke-dasharray:4 3}}summary{{cursor:pointer}}
@media(prefers-color-scheme:dark){{body{{color:#ddd;background:#181818}}td,th{{border-color:#333}}pre{{background:#222}}}}</style>
<h1>parity: {html.escape(data["engine"])} against {html.escape(data["against"])}</h1>
<p>{html.escape(data["summary"])}. {html.escape(versions)}. Errors are in units of their bound: 1 is the most that the
arithmetic allows. Histograms count exact results first, then errors up to 0.01, 0.03, 0.1, 0.3, 1 and over 1 bound.</p>{"".join(parts)}</html>
"""
