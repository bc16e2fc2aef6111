"""The core stays small enough to be read: under 1,000 lines of code."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import minigrad

CORE = (
    "tensor.py",
    "autograd/graph.py",
    "autograd/walk.py",
    "rules/arithmetic.py",
    "rules/elementwise.py",
    "rules/reductions.py",
    "rules/matrix.py",
    "rules/shapes.py",
    "rules/indexing.py",
)
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source: str) -> int:
    """Lines with code on them: no blanks, comments or docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            lines.difference_update(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return len(lines)


def test_what_counts_as_code():
    assert code_lines('"""Doc."""\n\n# comment\nx = 1  # one\n\n\ndef f():\n    """Doc.\n\n    More.\n    """\n    return (1,\n            2)\n') == 4


def test_the_core_is_under_a_thousand_lines():
    home = Path(minigrad.__file__).parent
    sizes = {name: code_lines((home / name).read_text()) for name in CORE}
    assert sum(sizes.values()) < 1000, sizes
