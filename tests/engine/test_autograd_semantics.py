"""Graph semantics: each program of data/graph_semantics.md prints what torch 2.13 prints, or raises torch's error with its text."""

from __future__ import annotations

import ast
import math
import re
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad

ROWS = Path(__file__).parent / "data" / "graph_semantics.md"

# program: why minigrad does otherwise
DIFFERENT: dict[str, str] = {
    "x=G(2.); x.grad=T(5.,dtype=torch.float64)": "torch goes on about its attribute grad_dtype",
    "x=G([1.,2.]); (x**3).sum().backward(create_graph=True); x.grad": "the copy in .grad is called CloneBackward0",
    "with torch.inference_mode(): y=torch.ones(1)⏎y.requires_grad_()": "inference_mode does what no_grad does",
    "x=G(1.);⏎with torch.inference_mode(): y=x*2⏎y.requires_grad, y.is_inference()": "inference_mode does what no_grad does",
    "x=G([1.,2.]); x.grad_fn=None": "Python's own text",
    "x=G([1.,2.]); x.shape=(2,1)": "Python's own text",
    "x=G(2.); y=x**2; y.grad_fn._saved_self, y.grad_fn._saved_exponent": "what a node has saved is in node.saved",
    "x=G([1.,2.]); y=x*2; y.add_(T([1.,2.],dtype=torch.float64)); y": "the result is cast back by a node of its own",
    "torch.add(T(1.),T(1.),T(1.))": "an overload that torch deprecates",
    "torch.foo": "the text says where to look",
    "torch.autograd.Function()": "not warned of",
    "torch.ones(2).device, torch.ones(2).layout, torch.ones(2).is_cuda": "no layouts",
    "x=torch.ones(2); x.resize_(3).shape": "not offered",
}
CHANCE = "hash(T(1.))==hash(T(1.)), T(1.) in {T(1.)}"  # two objects, one after the other, may have one address


def rows() -> list[Any]:
    params, section, printed = [], "", None
    for line in ROWS.read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("  (printed just before the next line) "):
            printed = line.removeprefix("  (printed just before the next line) ")
        elif line.startswith("- "):
            source, _, result = line[2:].partition("` → ")
            if source == "`" + CHANCE:
                continue
            params.append(pytest.param(source.removeprefix("`"), result, printed, id=f"{section}: {source[1:60]}"))
            printed = None
    return params


def namespace() -> dict[str, Any]:
    def G(value: Any, **options: Any) -> Any:
        return minigrad.tensor(value, requires_grad=True, **options)

    import gc
    import weakref

    nn = minigrad.nn
    return {
        "torch": minigrad, "T": minigrad.tensor, "G": G, "nn": nn, "F": nn.functional, "np": np, "threading": threading, "gc": gc,
        "weakref": weakref, "math": math,
    }  # fmt: skip


def run(source: str) -> str:
    """What the program gives: the text of its last expression, or **Class**: and the text of its error; then its warnings."""
    source = source.replace("⏎", "\n").replace("from torch.autograd.function import", "from minigrad.autograd.function import")
    names = namespace()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, which minigrad's own filter would keep from the user
        try:
            tree = ast.parse(source)
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "<program>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<program>", "eval"), names) if last is not None else "(ok)"
            said = value if isinstance(value, str) and value == "(ok)" else repr(value)
        except Exception as error:
            said = f"**{type(error).__name__}**: {error}"
        finally:
            minigrad.set_grad_enabled(True)
            minigrad.autograd.graph.anomaly.enabled = False
    return said + "".join(f"  ⚠ {w.category.__name__}: {w.message}" for w in caught[:1])


def plain(text: str) -> str:
    """Without addresses, and without what torch adds to its texts about itself."""
    text = re.sub(r" object at 0x[0-9a-f]+", "", text.replace("⏎", "\n"))
    text = re.sub(r" \(needed by \w+\)", "", text).replace("minigrad.autograd", "torch.autograd")
    return re.sub(r"\s+", " ", text).strip()


@pytest.mark.parametrize("source, expected, printed", rows())
def test_program_says_what_torch_says(source: str, expected: str, printed: str | None, capsys: Any) -> None:
    sys.modules["minigrad.methods"]._warned.clear()  # type: ignore[attr-defined]
    said, wanted = plain(run(source)), plain(expected)
    if source in DIFFERENT:
        assert said != wanted
        return
    said, _, warning = said.partition(" ⚠ ")
    wanted, _, expected_warning = wanted.partition(" ⚠ ")
    if wanted.startswith("**") and said.startswith(wanted):  # torch's text, and then advice of our own
        wanted = said
    assert said == wanted
    assert warning.startswith(expected_warning[:60])
    if printed is not None:
        assert capsys.readouterr().out.strip() == printed
