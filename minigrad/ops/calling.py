"""How torch's functions are called: by keyword, with NumPy's `axis` and `keepdims`, with `out=`, and on what is no tensor.

The operations take tensors by position and cost nothing more. `torch_function` makes of one what torch offers under its
name. Next: arithmetic.py.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable, Iterable
from inspect import CO_VARARGS
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.modes import is_grad_enabled
from ..dtypes import as_dtype, dtype

OTHER_NAMES = {"axis": "dim", "axis0": "dim0", "axis1": "dim1", "keepdims": "keepdim", "split_size": "split_size_or_sections"}
TORCH_NAMES = {"x": "input", "y": "other"}  # of the arguments of an operation
TENSORS = frozenset("input other mat1 mat2 mat vec vec2 index mask source src condition batch1 batch2".split())
NUMBERS = frozenset("start end step fill_value".split())
INTS = frozenset("n m steps".split())


def check(condition: Any, text: str, error: type[Exception] = RuntimeError) -> None:
    """torch's TORCH_CHECK: an error with this text unless the condition holds."""
    if not condition:
        raise error(text)


def torch_function(function: Callable[..., Any]) -> Any:
    """The function as torch has it: it understands `input=`, `axis=`, `keepdims=` and `out=`.

    TypeError, with the name of the argument, if one that must be a tensor is none; RuntimeError if `out` does not fit.
    """
    forward = getattr(function, "forward", None)  # of an operation
    code = (forward or function).__code__
    names = tuple([TORCH_NAMES.get(n, n) for n in code.co_varnames[: code.co_argcount]])
    rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & CO_VARARGS else None
    name = function.__name__.removeprefix("torch_")

    @functools.wraps(function)
    def apply(*args: Any, **named: Any) -> Any:
        out = None
        if named:
            out = named.pop("out", None)
            named = {OTHER_NAMES.get(key, key): value for key, value in named.items()}
            if "dtype" in named:
                named["dtype"] = kind = as_dtype(named["dtype"])
                wrong = f"{name}(): argument 'dtype' must be torch.dtype, not {type(kind).__name__}"
                check(kind is None or isinstance(kind, dtype), wrong, TypeError)
            while len(args) < len(names) and names[len(args)] in named:
                args = (*args, named.pop(names[len(args)]))
            if rest in named:
                args = (*args, named.pop(rest))
        try:
            result = function(*args, **named)
        except (AttributeError, TypeError, ValueError):
            refuse_foreign(name, [*zip(names, args), *named.items()])
            raise
        if result is NotImplemented:
            refuse_foreign(name, zip(names, args))
            types = ", ".join([type(a).__name__ for a in args])
            raise TypeError(f"{name}() received an invalid combination of arguments - got ({types})")
        return result if out is None else store(result, out, name, args)

    return apply


def named(function: Any, name: str, text: str) -> Any:
    """A function made by a function, under torch's name."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"torch.{name} {text}."
    return torch_function(function)


def return_type(name: str, fields: str = "values indices") -> Any:
    """A named tuple that prints as torch's."""
    make: Any = namedtuple
    result = make(name, fields)
    parts = ",\n".join(f"{field}={{0.{field}!r}}" for field in fields.split())
    result.__repr__ = lambda self: f"torch.return_types.{name}(\n{parts})".format(self)
    return result


def refuse_foreign(function: str, arguments: Iterable[tuple[str, Any]]) -> None:
    """TypeError if an argument is not what its name says: a tensor, a number or an int."""
    for position, (name, value) in enumerate(arguments, 1):
        for names, kind, types in (TENSORS, "Tensor", graph.Tensor), (INTS, "int", int), (NUMBERS, "Number", (int, float, np.number)):
            if name in names and not isinstance(value, (graph.Tensor, types)):
                raise TypeError(
                    f"{function}(): argument '{name}' (position {position}) must be {kind}, not {type(value).__name__}"
                ) from None


def as_number(function: str, argument: str, value: Any) -> Any:
    """A Python number from one, from NumPy's, or from a tensor of one element; TypeError if that requires grad, which would be lost."""
    if not isinstance(value, graph.Tensor):
        return value.item() if isinstance(value, np.generic) else value
    check(not value.requires_grad, f"{function}(): argument '{argument}' must be Number, not Tensor that requires grad", TypeError)
    return value.item()


def store(result: Any, out: Any, name: str, inputs: Iterable[Any]) -> Any:
    """Write a result, or each of several, into what was given as `out=`; where that is empty, it takes the result's shape.

    RuntimeError if a gradient would be lost, if `out` has another shape or a dtype of a lower kind, or if it shares a part of the memory of an
    input.
    """
    if isinstance(result, tuple):
        return type(result)(*[store(r, o, name, inputs) for r, o in zip(result, out)])
    check(isinstance(out, graph.Tensor), f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}", TypeError)
    if is_grad_enabled() and (result.requires_grad or out.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad."
        )
    old, new = out._array.shape, result._array.shape
    if old != new:
        check(not out._array.size, f"output with shape {list(old)} doesn't match the broadcast shape {list(new)}")
        out.data = graph.wrap(np.empty(new, out._array.dtype))
    out._check_write(*inputs)
    return out._overwrite(result, False)
