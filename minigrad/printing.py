"""How a tensor looks as text: what torch prints, character for character.

`tensor_repr` puts together a prefix, the body (brackets, cells, line breaks) and notes on what the cells do not show
(dtype, grad_fn). All floats of one tensor share one format, `_cell_format`, chosen from the elements that are
shown. How much is shown, and with how many digits, `set_printoptions` says. Nothing here knows Tensor: it prints
arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import dtypes


@dataclass
class PrintOptions:
    """precision: digits after the point; threshold: elements from which a tensor is summarised; edgeitems: how many
    are then left at either end of an axis; linewidth: characters; sci_mode: 1.0000e+00 always, never, or (None) as
    needed."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}
options = PrintOptions()


def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """Set the options given (see PrintOptions), after those of a profile ('default', 'short', 'full') if one is
    named.

    As in torch, `sci_mode` is set by every call. ValueError for an unknown profile.
    """
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(f"unknown profile {profile!r}; there are {', '.join(PROFILES)}")
        vars(options).update(vars(PROFILES[profile]))
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    vars(options).update({name: value for name, value in given.items() if value is not None}, sci_mode=sci_mode)


def tensor_repr(array: Any, grad_fn: str | None, requires_grad: bool) -> str:
    """The text of a tensor with these elements; `grad_fn` is the name of the node that made it, 'MulBackward0'."""
    array, indent, notes = np.asarray(array), len("tensor("), []
    kind = dtypes.from_numpy(array.dtype)
    if array.size == 0 and array.ndim != 1 or array.size and not options.edgeitems:
        notes.append(f"size={array.shape}")
    if kind is not dtypes.get_default_dtype() and not (array.size and kind in (dtypes.int64, dtypes.bool_)):
        notes.append(f"dtype={kind}")
    if grad_fn or requires_grad:
        notes.append(f"grad_fn=<{grad_fn}>" if grad_fn else "requires_grad=True")

    if array.size:
        shown = _corners(array) if array.size > options.threshold else array
        text = "tensor(" + _body(shown, array.shape, indent, *_cell_format(shown))
    else:
        text = "tensor([]"
    used = len(text) - text.rfind("\n") + 1  # by torch's count, two more than the line has
    for note in notes:
        fits = used + len(note) + 2 <= options.linewidth
        text += ", " + note if fits else ",\n" + " " * indent + note
        used = used + len(note) + 2 if fits else indent + len(note)
    return text + ")"


def _corners(array: NDArray[Any]) -> NDArray[Any]:
    """The elements that a summary shows."""
    edge = options.edgeitems
    for axis, n in enumerate(array.shape):
        if n > 2 * edge:
            array = array.take([*range(edge), *range(n - edge, n)], axis)
    return array


def _cell_format(shown: NDArray[Any]) -> tuple[Callable[[Any], str], int]:
    """The function that turns an element into its cell, and the width of a cell."""
    if shown.dtype.kind != "f":
        width = max([1] + [len(str(v)) for v in shown.ravel().tolist()])
        return lambda v: str(v).rjust(width), width
    values = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)  # zeros, nan and inf have no say
    size = np.abs(values)
    whole = bool((values == np.ceil(values)).all())
    scientific = options.sci_mode
    if scientific is None or not values.size:
        scientific = values.size > 0 and bool(size.max() / size.min() > 1000 or size.max() > 1e8 or size.min() < 1e-4)
    spec = f".{options.precision}e" if scientific else ".0f" if whole else f".{options.precision}f"
    point = "." if whole and not scientific else ""
    width = max([1] + [len(format(v, spec) + point) for v in values.tolist()])
    return lambda v: (format(v, spec) + (point if math.isfinite(v) else "")).rjust(width), width


def _body(shown: NDArray[Any], shape: tuple[int, ...], indent: int, cell: Callable[[Any], str], width: int) -> str:
    """The elements that are shown of an array of this shape, in brackets, with dots for the others."""
    if shown.ndim == 0:
        return cell(shown.item())
    parts = [_body(row, shape[1:], indent + 1, cell, width) for row in shown]
    if len(shown) < shape[0]:
        parts.insert(options.edgeitems, " ..." if shown.ndim == 1 and options.edgeitems else "...")
    if shown.ndim == 1:
        per_line = max(1, (options.linewidth - indent) // (width + 2))
        parts = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
    return "[" + ("," + "\n" * max(1, shown.ndim - 1) + " " * (indent + 1)).join(parts) + "]"
