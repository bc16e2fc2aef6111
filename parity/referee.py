"""The third judge: values, derivatives of three orders and their error bounds, written apart from both engines.

Two engines can agree and both be wrong, or differ and both be right, so a third computation decides. It goes forward
where engines go backward: each number is a nested `Dual` whose parts carry the directions of the first, second and
third derivative; one pass gives every order, and no rule of an engine is used twice. Under the duals sits `Real`, an
array of values with three companions: the sum of absolute products over all paths (`m`), the error that floating
point may have made on the way (`e`), and the lowest bit in use (`q`), which tells where the arithmetic is exact and
the tolerance therefore zero. Values live in a `Field`: float64 (which judges float32), mpmath with 60 digits (which
judges float64), or fractions (programs of + - * / alone, no rounding at all).

`Array` dresses this in torch's names, so that a program runs on the judge as on an engine. Every array is kept flat:
shapes, views and indices are one gather of positions, and sums run over the last axis. Read `Real`, `Dual`, `Array`;
`verdicts.py`, which says what a comparison means, comes next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, Union

import mpmath
import numpy as np

ULPS = {
    "sqrt": 0.0,
    "erf": 4.0,
    "tan": 4.0,
    "sinh": 4.0,
    "cosh": 4.0,
    "asinh": 4.0,
    "acosh": 4.0,
    "atanh": 4.0,
}  # else 2
OPEN = 1e300  # an error that leaves a number open; not inf, since inf * 0 is nan, which marks a convention
OTHER_ORDER = 16.0  # a product of several factors, less one of them, may be so many times as large, or as small
ZERO, INEXACT = 1e6, -1e9  # lowest bits: of a zero (any bit will do), and of what was rounded (none is safe)


class Unjudged(Exception):
    """The judge has no rule for this; the engines are then compared with one another alone."""


class Irrational(Unjudged):
    """The field of fractions met a function that leaves it."""


# ------------------------------------------------------------------------------------------------ fields and precision

NUMPY: dict[str, Callable[..., Any]] = {
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": np.vectorize(math.erf, otypes=[np.float64]),
    "sigmoid": lambda x: np.exp(-np.logaddexp(0.0, -x)),
    "softplus": lambda x: np.logaddexp(0.0, x),
}
MP = mpmath.mp.clone()
MP.dps = 60
MPMATH: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: MP.mpf(2) ** x,
    "log2": lambda x: MP.log(x, 2),
    "log10": MP.log10,
    "sigmoid": lambda x: 1 / (1 + MP.exp(-x)),
    "softplus": lambda x: MP.log1p(MP.exp(x)),
    "divide": lambda x, y: x / y,
}


@cache
def _numpy(name: str) -> Callable[..., np.ndarray]:
    return NUMPY.get(name) or getattr(np, name)  # type: ignore[no-any-return]


@cache
def _mpmath(name: str) -> Callable[..., np.ndarray]:
    function = MPMATH.get(name) or getattr(MP, name)

    def call(*values: Any) -> Any:
        try:
            result = function(*values)
        except (ZeroDivisionError, OverflowError, ValueError):
            return MP.nan
        return result if isinstance(result, MP.mpf) else MP.nan

    return np.frompyfunc(call, 2 if name in ("power", "divide") else 1, 1)  # type: ignore[return-value]


@cache
def _fractions(name: str) -> Callable[..., np.ndarray]:
    if name != "divide":
        raise Irrational(f"{name} leaves the rational numbers")
    return np.divide


@dataclass(frozen=True)
class Field:
    """Where true values live: `lift` takes a float64 array into it, `function(name)` gives its functions."""

    name: str
    lift: Callable[[np.ndarray], np.ndarray]
    function: Callable[[str], Callable[..., np.ndarray]]


def _objects(make: Callable[[float], Any]) -> Callable[[np.ndarray], np.ndarray]:
    each = np.frompyfunc(lambda value: make(float(value)), 1, 1)
    return lambda array: np.asarray(each(array), dtype=object).reshape(np.shape(array))


FLOAT64 = Field("float64", lambda array: array.astype(np.float64), _numpy)
MPMATH60 = Field("mpmath", _objects(MP.mpf), _mpmath)
FRACTIONS = Field("fractions", _objects(Fraction), _fractions)
MPMATH["power"] = lambda x, y: x**y


@dataclass(frozen=True)
class Precision:
    """The arithmetic under judgement (`dtype`) and the field that true values live in. With `rounding_alone` no error is nan:
    what inf and 0 leave undefined counts as exact, and the bounds are those of the rounding elsewhere."""

    dtype: np.dtype[Any]
    field: Field
    rounding_alone: bool = False

    def __post_init__(self) -> None:
        info = np.finfo(self.dtype)
        set_ = object.__setattr__
        set_(self, "eps", float(info.eps))
        set_(self, "eta", float(info.smallest_subnormal))
        set_(self, "largest", float(info.max))
        set_(self, "bits", info.nmant + 1)
        set_(self, "lowest", math.log2(float(info.smallest_subnormal)))
        set_(self, "zero", self.field.lift(np.zeros(())).item() if self.field.name != "float64" else 0.0)

    eps: float = 0.0
    eta: float = 0.0
    largest: float = 0.0
    bits: int = 0
    lowest: float = 0.0
    zero: Any = 0.0

    def rounding(self, m: np.ndarray, q: np.ndarray, path: bool = False) -> np.ndarray:
        """What one rounding of a number up to `m` in size and a multiple of 2**q can cost: nothing if it fits.

        The products on a `path` are formed in another order by each engine, so that they may leave the range on the way.
        """
        room = OTHER_ORDER if path else 1.0
        exact = m < np.exp2(q + self.bits)  # m itself may be rounded, to this power
        exact &= q >= self.lowest
        return np.where(m * room > self.largest, np.inf, np.where(exact, 0.0, self.eps * m + self.eta * room))


def lowest_bit(v: np.ndarray) -> np.ndarray:
    """The exponent of the last one-bit of each float64; `ZERO` for zeros, `INEXACT` for inf and nan."""
    mantissa, exponent = np.frexp(v)
    finite = np.isfinite(v)
    integer = (np.where(finite, mantissa, 0.0) * 2.0**53).astype(np.int64)
    low = (integer & -integer).astype(np.float64)
    bit = exponent - 53 + np.log2(np.where(low == 0, 1.0, low))
    return np.where(finite, np.where(low == 0, ZERO, bit), INEXACT)


def floats(v: np.ndarray) -> np.ndarray:
    try:
        return v if v.dtype == np.float64 else v.astype(np.float64)
    except OverflowError:  # of a fraction
        return np.array([float(mpmath.mpf(x.numerator) / x.denominator) for x in v.ravel()]).reshape(v.shape)


# ------------------------------------------------------------------ numbers that know their own error

Number = Union["Real", "Dual"]


class Real:
    """Values `v` with path magnitude `m`, error bound `e` and lowest bit `q`, all of shape (..., size).

    For values `m` is |v|. For derivatives (`path`) it is the sum of |products| over every path, because a backward
    walk meets those products in another order than this forward one, and only that sum bounds what it may lose.
    """

    __slots__ = ("e", "m", "p", "path", "q", "v")

    def __init__(self, v: np.ndarray, m: np.ndarray, e: np.ndarray, q: np.ndarray, p: Precision, path: bool):
        self.v, self.m, self.e, self.q, self.p, self.path = v, m, e, q, p, path
        if p.rounding_alone:
            self.e = np.where(np.isnan(e), 0.0, e)

    @classmethod
    def exact(cls, array: np.ndarray, p: Precision, path: bool = False) -> Real:
        array = np.asarray(array, np.float64)
        return cls(p.field.lift(array), np.abs(array), np.zeros_like(array), lowest_bit(array), p, path)

    def _rounded(self, v: np.ndarray, m: np.ndarray | None, e: np.ndarray, q: np.ndarray, path: bool) -> Real:
        if not path or m is None:
            m = np.abs(floats(v))
        return Real(v, m, e + self.p.rounding(m, q, path), q, self.p, path)

    def __add__(self, other: Real) -> Real:
        return self._rounded(
            self.v + other.v, self.m + other.m, self.e + other.e, np.minimum(self.q, other.q), self.path or other.path
        )

    def __neg__(self) -> Real:
        return Real(-self.v, self.m, self.e, self.q, self.p, self.path)

    def __mul__(self, other: Number) -> Any:
        if isinstance(other, Dual):
            return other * self
        v, m = self.v * other.v, self.m * other.m
        e = self.m * other.e + self.e * other.m + self.e * other.e
        path = self.path or other.path
        out = self._rounded(v, m, e, self.q + other.q, path)
        return out._where_a_path_leads(self if self.path else other) if path else out

    def __truediv__(self, other: Real) -> Real:
        size, room = np.abs(floats(other.v)), np.abs(floats(other.v)) - other.e
        v = self.p.field.function("divide")(self.v, other.v)
        quotient = np.abs(floats(v))
        e = self.e + np.where(other.e == 0, 0.0, quotient * other.e)  # else an overflow would be 0 * inf
        e = np.where(room > 0, e / np.where(room > 0, room, 1.0), np.inf)
        power = np.frexp(size)[0] == 0.5  # dividing by a power of two loses no bits
        q = np.where(power & (other.e == 0), self.q - np.log2(np.where(size > 0, size, 1.0)), INEXACT)
        return self._rounded(v, self.m / np.where(size > 0, size, 1.0), e, q, self.path)

    def _where_a_path_leads(self, factor: Real) -> Real:
        """This product of a derivative, with exact zeros where no path led: what an element meets, be it inf, is no
        business of those that it does not depend on."""
        none = (factor.m == 0) & (factor.e == 0)
        if none.any():
            self.v = np.where(none, self.p.zero, self.v)
            self.m, self.e = np.where(none, 0.0, self.m), np.where(none, 0.0, self.e)
        return self

    def gather(self, index: np.ndarray) -> Real:
        return Real(self.v[..., index], self.m[..., index], self.e[..., index], self.q[..., index], self.p, self.path)

    def rows(self, index: np.ndarray) -> Real:
        return Real(*(a[..., index, :] for a in (self.v, self.m, self.e, self.q)), self.p, self.path)

    def sum(self) -> Real:
        """Over the last axis, in whatever order the engine likes: n - 1 roundings of the sum of absolute values."""
        n = self.v.shape[-1]
        if n == 1:
            return self.gather(np.array(0))
        m, q = self.m.sum(-1), self.q.min(-1, initial=ZERO)
        v = self.v.sum(-1) if n else self.p.field.lift(np.zeros(self.v.shape[:-1]))
        e = self.e.sum(-1) + self.p.rounding(m, q) * max(n - 1, 1)
        return Real(v, m if self.path else np.abs(floats(v)), e, q, self.p, self.path)

    def apply(self, name: str, slope: Callable[[Any, Any], Any], *extra: Any) -> Real:
        v = self.p.field.function(name)(self.v, *extra)
        near = floats(v)
        m = np.abs(near)
        e = np.where(self.e > 0, np.abs(slope(floats(self.v), near)) * self.e, 0.0)
        e = np.where(np.isinf(self.e), np.inf, e)  # an overflow stays one where the slope is 0
        q = np.full_like(m, INEXACT)
        # a transcendental function is good to a few units in the last place, not to half of one
        ulps = ULPS.get(name, 2.0)
        return self._rounded(v, m, e + ulps * self.p.rounding(m, q) if ulps else e, q, self.path)

    def step(self, function: Callable[[np.ndarray], np.ndarray]) -> Real:
        """A piecewise constant function: exact, unless the error reaches over a jump."""
        near = floats(self.v)
        value = np.asarray(function(near), np.float64)
        jump = np.maximum(np.abs(function(near - self.e) - value), np.abs(function(near + self.e) - value))
        out = Real.exact(value, self.p)
        out.e = np.where(self.e > 0, jump, 0.0)
        return out

    def doubt(self, extra: np.ndarray | float) -> Real:
        return Real(self.v, self.m, self.e + extra, self.q, self.p, self.path)


class Dual:
    """`re` + `du` * d with d*d = 0; both parts are numbers one level lower. `du` None is zero."""

    __slots__ = ("du", "re")

    def __init__(self, re: Number, du: Number | None):
        self.re, self.du = re, du

    def __add__(self, other: Number) -> Dual:
        if isinstance(other, Real):
            return Dual(lower(self.re, other), self.du)
        return Dual(self.re + other.re, _plus(self.du, other.du))  # type: ignore[operator]

    def __neg__(self) -> Dual:
        return Dual(-self.re, None if self.du is None else -self.du)

    def __mul__(self, other: Number) -> Dual:
        if isinstance(other, Real):
            return Dual(self.re * other, None if self.du is None else self.du * other)
        a, b = self, other
        return Dual(a.re * b.re, _plus(None if b.du is None else a.re * b.du, None if a.du is None else a.du * b.re))

    def __truediv__(self, other: Number) -> Dual:
        if isinstance(other, Real):
            return Dual(self.re / other, None if self.du is None else self.du / other)  # type: ignore[operator]
        re = self.re / other.re  # type: ignore[operator]
        top = _plus(self.du, None if other.du is None else -(re * other.du))
        return Dual(re, None if top is None else top / other.re)  # type: ignore[operator]


def lower(a: Number, b: Number) -> Any:
    """a + b for numbers of any depth."""
    return b + a if isinstance(a, Real) and isinstance(b, Dual) else a + b  # type: ignore[operator]


def _plus(a: Number | None, b: Number | None) -> Any:
    return b if a is None else a if b is None else lower(a, b)


def _over(a: Number, b: Number) -> Any:
    return lift_to(a, b) / b if isinstance(b, Dual) and isinstance(a, Real) else a / b  # type: ignore[operator]


def lift_to(a: Number, like: Number) -> Number:
    return Dual(lift_to(a, like.re), None) if isinstance(like, Dual) and isinstance(a, Real) else a


def primal(x: Number) -> Real:
    while isinstance(x, Dual):
        x = x.re
    return x


def linear(x: Number, f: Callable[[Real], Real]) -> Any:
    """A linear map of the last axis, part by part."""
    if isinstance(x, Real):
        return f(x)
    return Dual(linear(x.re, f), None if x.du is None else linear(x.du, f))


def piecewise(x: Number, value: Callable[[Real], Real], slope: Callable[[Number], Number]) -> Any:
    """A function with value `value` that is linear (`slope`) around each point: abs, max, clamp, floor."""
    if isinstance(x, Real):
        return value(x)
    return Dual(piecewise(x.re, value, slope), None if x.du is None else slope(x.du))


def join(parts: Sequence[Number], p: Precision) -> Any:
    """Concatenates along the last axis."""
    if not any(isinstance(part, Dual) for part in parts):
        lead = np.broadcast_shapes(*(part.v.shape[:-1] for part in parts))  # type: ignore[union-attr]

        def cat(name: str) -> np.ndarray:
            arrays = [getattr(part, name) for part in parts]
            return np.concatenate([np.broadcast_to(a, (*lead, a.shape[-1])) for a in arrays], axis=-1)

        return Real(cat("v"), cat("m"), cat("e"), cat("q"), p, any(part.path for part in parts))  # type: ignore
    res = [part.re if isinstance(part, Dual) else part for part in parts]
    dus = [part.du if isinstance(part, Dual) else None for part in parts]
    if all(du is None for du in dus):
        return Dual(join(res, p), None)
    zeros = [
        Real.exact(np.zeros(primal(re).v.shape[-1:]), p, True) if du is None else du
        for re, du in zip(res, dus, strict=True)
    ]
    return Dual(join(res, p), join(zeros, p))


# ------------------------------------------------------------------ functions of one number by their slope


def _f(name: str) -> Callable[[Any], Any]:
    """The function `name` on plain float64, `Real` or `Dual`; its slope is written once, for all three."""
    slope = SLOPES[name]

    def call(x: Any) -> Any:
        if isinstance(x, Dual):
            y = call(x.re)
            return Dual(y, None if x.du is None else x.du * slope(x.re, y))
        if isinstance(x, Real):
            return x.apply(name, slope)
        return _numpy(name)(x)

    return call


def _k(x: Any, k: float) -> Any:
    """The constant k, of x's kind."""
    return _constant(k, primal(x).p) if isinstance(x, Real | Dual) else k


@lru_cache(1000)
def _constant(k: float, p: Precision) -> Real:
    return Real.exact(np.array([k]), p)


def _add(x: Any, k: float) -> Any:
    return lower(x, _k(x, k)) if isinstance(x, Real | Dual) else x + k


def _times(x: Any, k: float) -> Any:
    return x * _k(x, k)


def _one_over(x: Any) -> Any:
    return _over(_k(x, 1.0), x) if isinstance(x, Real | Dual) else 1.0 / x


def power(x: Any, n: float) -> Any:
    """x ** n for a number n; d = n x**(n-1), zero at n = 0 whatever x is."""
    if isinstance(x, Dual):
        re = power(x.re, n)
        return Dual(re, None if x.du is None or n == 0 else x.du * _times(power(x.re, n - 1), n))
    if not isinstance(x, Real):
        return np.power(x, n)
    if n == 0:
        return Real.exact(np.ones_like(x.m), x.p)
    if n == 1:
        return x
    if n == int(n) and 2 <= n <= 8:
        v, q = x.v ** int(n), x.q * n
    elif n == int(n) and n < 0:
        v, q = (
            x.p.field.function("divide")(x.p.field.lift(np.ones(x.v.shape)), x.v ** int(-n)),
            np.full_like(x.q, INEXACT),
        )
    elif abs(n) == 0.5:  # a root also of -inf and -0, which pow takes for inf and 0
        v, q = x.p.field.function("sqrt")(x.v), np.full_like(x.q, INEXACT)
        v = v if n > 0 else x.p.field.function("divide")(x.p.field.lift(np.ones(v.shape)), v)
    else:
        v, q = x.p.field.function("power")(x.v, x.p.field.lift(np.full(x.v.shape, n))), np.full_like(x.q, INEXACT)
    m, size = np.abs(floats(v)), np.abs(floats(x.v))
    far = (size + x.e) if n >= 1 else size - x.e  # where in the reach of the error the slope is greatest
    reach = np.where(far <= 0, (size + x.e) ** n if n > 0 else np.inf, np.abs(n) * np.abs(far) ** (n - 1.0) * x.e)
    return x._rounded(v, m, np.where(x.e > 0, reach, 0.0), q, x.path)


SLOPES: dict[str, Callable[[Any, Any], Any]] = {
    "exp": lambda x, y: y,
    "log": lambda x, y: _one_over(x),
    "sqrt": lambda x, y: _one_over(_times(y, 2.0)),
    "sin": lambda x, y: _f("cos")(x),
    "cos": lambda x, y: -_f("sin")(x),
    "tan": lambda x, y: _add(y * y, 1.0),
    "sinh": lambda x, y: _f("cosh")(x),
    "cosh": lambda x, y: _f("sinh")(x),
    "tanh": lambda x, y: _add(-(y * y), 1.0),
    "asin": lambda x, y: power(_add(-(x * x), 1.0), -0.5),
    "acos": lambda x, y: -power(_add(-(x * x), 1.0), -0.5),
    "atan": lambda x, y: _one_over(_add(x * x, 1.0)),
    "asinh": lambda x, y: power(_add(x * x, 1.0), -0.5),
    "acosh": lambda x, y: power(_add(x * x, -1.0), -0.5),
    "atanh": lambda x, y: _one_over(_add(-(x * x), 1.0)),
    "exp2": lambda x, y: y * _f("log")(_k(x, 2.0)),
    "log2": lambda x, y: _one_over(x * _f("log")(_k(x, 2.0))),
    "log10": lambda x, y: _one_over(x * _f("log")(_k(x, 10.0))),
    "expm1": lambda x, y: _add(y, 1.0),
    "log1p": lambda x, y: _one_over(_add(x, 1.0)),
    "sigmoid": lambda x, y: y * _add(-y, 1.0),
    "softplus": lambda x, y: _f("sigmoid")(x),
    "erf": lambda x, y: _f("exp")(-(x * x)) * power(_f("atan")(_k(x, 1.0)), -0.5),  # 2 / sqrt(pi) = atan(1) ** -0.5
}


# ------------------------------------------------------------------------------------------------ torch's names on top

Axes = int | Sequence[int] | None


class Array:
    """The judge's tensor: a flat number, its shape, and whether it stands for floats (`f`), integers or bools."""

    __slots__ = ("kind", "p", "shape", "x")
    __array_ufunc__ = None  # NumPy arrays on the left leave the operation to us

    def __init__(self, x: Number, shape: Sequence[int], p: Precision, kind: str = "f"):
        self.x, self.shape, self.p, self.kind = x, tuple(shape), p, kind

    # -- making, looking

    @classmethod
    def constant(cls, array: Any, p: Precision) -> Array:
        array = np.asarray(array)
        return cls(Real.exact(array.astype(np.float64).ravel(), p), array.shape, p, array.dtype.kind)

    def numpy(self) -> np.ndarray:
        """The values alone, as integers or bools where that is what they are."""
        values = floats(primal(self.x).v).reshape(self.shape)
        return values if self.kind == "f" else values.astype(bool if self.kind == "b" else np.int64)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def numel(self) -> int:
        return math.prod(self.shape)

    def dim(self) -> int:
        return self.ndim

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def _like(self, other: Any) -> Array:
        if isinstance(other, Array):
            return other
        out = Array.constant(other, self.p)
        if isinstance(other, float) and math.isfinite(other):  # engines hold a Python number in the tensor's precision
            out.x = out.x.doubt(abs(float(self.p.dtype.type(other)) - other))  # type: ignore[union-attr]
        return out

    def _error(self) -> np.ndarray:
        return primal(self.x).e

    # -- shapes: one gather of positions

    def _positions(self) -> np.ndarray:
        return np.arange(self.numel()).reshape(self.shape)

    def _move(self, f: Callable[[np.ndarray], Any]) -> Array:
        positions = np.asarray(f(self._positions()))
        if positions.size == self.numel() and np.array_equal(positions.ravel(), np.arange(positions.size)):
            return Array(self.x, positions.shape, self.p, self.kind)
        index = positions.ravel()
        return Array(linear(self.x, lambda r: r.gather(index)), positions.shape, self.p, self.kind)

    def _to(self, shape: Sequence[int]) -> Array:
        return self if self.shape == tuple(shape) else self._move(lambda a: np.broadcast_to(a, tuple(shape)))

    def reshape(self, *shape: Any) -> Array:
        return self._move(lambda a: a.reshape(_sizes(shape)))

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Array:
        if not self.shape:
            return self.reshape(1)
        start, end = start_dim % self.ndim, end_dim % self.ndim
        return self.reshape(*self.shape[:start], math.prod(self.shape[start : end + 1]), *self.shape[end + 1 :])

    def ravel(self) -> Array:
        return self.flatten()

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Array:
        dim %= self.ndim
        return self.reshape(*self.shape[:dim], *sizes, *self.shape[dim + 1 :])

    def t(self) -> Array:
        return self._move(lambda a: a.T)

    @property
    def T(self) -> Array:
        return self._move(lambda a: a.T)

    @property
    def mT(self) -> Array:
        return self.transpose(-1, -2)

    def transpose(self, dim0: int, dim1: int) -> Array:
        return self._move(lambda a: a.swapaxes(dim0, dim1) if a.ndim else a)

    swapaxes = transpose

    def movedim(self, source: Any, destination: Any) -> Array:
        return self._move(lambda a: np.moveaxis(a, source, destination))

    def permute(self, *dims: Any) -> Array:
        return self._move(lambda a: a.transpose(_sizes(dims)))

    def squeeze(self, dim: Axes = None) -> Array:
        axes = [a for a in _axes(dim, max(self.ndim, 1)) if self.shape and self.shape[a] == 1]
        return self._move(lambda a: a.squeeze(tuple(axes)))

    def unsqueeze(self, dim: int) -> Array:
        return self._move(lambda a: np.expand_dims(a, dim))

    def expand(self, *sizes: Any) -> Array:
        sizes = _sizes(sizes)
        lead = len(sizes) - self.ndim
        return self._to([self.shape[i - lead] if n == -1 else n for i, n in enumerate(sizes)])

    def broadcast_to(self, shape: Sequence[int]) -> Array:
        return self._to(shape)

    def expand_as(self, other: Array) -> Array:
        return self._to(other.shape)

    def view_as(self, other: Array) -> Array:
        return self.reshape(*other.shape)

    reshape_as = view_as

    def repeat(self, *sizes: Any) -> Array:
        return self._move(lambda a: np.tile(a, _sizes(sizes)))

    tile = repeat

    def repeat_interleave(self, repeats: int, dim: int | None = None) -> Array:
        return self._move(lambda a: np.repeat(a, repeats, dim))

    def flip(self, *dims: Any) -> Array:
        return self._move(lambda a: np.flip(a, _sizes(dims)))

    def roll(self, shifts: Any, dims: Any = None) -> Array:
        return self._move(lambda a: np.roll(a, shifts, dims))

    def rot90(self, k: int = 1, dims: Sequence[int] = (0, 1)) -> Array:
        return self._move(lambda a: np.rot90(a, k, tuple(dims)))

    def __getitem__(self, index: Any) -> Array:
        index = tuple(map(_plain, index)) if isinstance(index, tuple) else _plain(index)
        return self._move(lambda a: _indexed(a, index))

    def select(self, dim: int, index: int) -> Array:
        return self._move(lambda a: a.take(index, dim))

    def narrow(self, dim: int, start: int, length: int) -> Array:
        return self._move(lambda a: a.take(range(start, start + length), dim))

    def index_select(self, dim: int, index: Array) -> Array:
        return self._move(lambda a: a.take(index.numpy(), dim))

    def masked_select(self, mask: Array) -> Array:
        shape = np.broadcast_shapes(self.shape, mask.shape)
        keep = np.broadcast_to(mask.numpy(), shape)
        return self._move(lambda a: np.broadcast_to(a, shape)[keep])

    def gather(self, dim: int, index: Array) -> Array:
        return self._move(lambda a: _take_along(a, index.numpy(), dim))

    def take(self, index: Array) -> Array:
        return self._move(lambda a: a.ravel()[index.numpy()])

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
        return self._move(lambda a: np.diagonal(a, offset, dim1, dim2))

    def trace(self) -> Array:
        return self.diagonal().sum()

    def unbind(self, dim: int = 0) -> list[Array]:
        return [self.select(dim, i) for i in range(self.shape[dim])]

    def split(self, size: Any, dim: int = 0) -> list[Array]:
        n = self.shape[dim]
        sizes = size if not isinstance(size, int) else [min(size, n - i) for i in range(0, n, size)]
        ends = np.cumsum(sizes)
        return [self.narrow(dim, int(end - length), int(length)) for end, length in zip(ends, sizes, strict=True)]

    def chunk(self, chunks: int, dim: int = 0) -> list[Array]:
        return self.split(max(1, -(-self.shape[dim] // chunks)), dim)

    def _joined(self, parts: Sequence[Array], place: Callable[..., Any]) -> Array:
        """Lays out several arrays: `place` is given their positions in the joined flat array."""
        starts = np.cumsum([0, *(part.numel() for part in parts)])
        positions = np.asarray(place(*(part._positions() + start for part, start in zip(parts, starts, strict=False))))
        whole, index = join([part.x for part in parts], self.p), positions.ravel()
        kind = "f" if any(part.kind == "f" for part in parts) else parts[0].kind
        return Array(linear(whole, lambda r: r.gather(index)), positions.shape, self.p, kind)

    def _where(self, mask: np.ndarray, other: Any) -> Array:
        """self where the mask is set, else other."""
        other = self._like(other)
        shape = np.broadcast_shapes(mask.shape, self.shape, other.shape)
        return self._joined([self, other], lambda a, b: np.broadcast_to(np.where(mask, a, b), shape))

    def where(self, condition: Array, other: Any) -> Array:
        return self._where(condition.numpy(), other)

    def masked_fill(self, mask: Array, value: Any) -> Array:
        return self._to(np.broadcast_shapes(self.shape, mask.shape))._where(~mask.numpy(), value)

    def tril(self, diagonal: int = 0) -> Array:
        return self._where(np.tril(np.ones(self.shape, bool), diagonal), 0.0)

    def triu(self, diagonal: int = 0) -> Array:
        return self._where(np.triu(np.ones(self.shape, bool), diagonal), 0.0)

    def diag(self, diagonal: int = 0) -> Array:
        if self.ndim == 2:
            return self.diagonal(diagonal)
        n = self.shape[0]
        return self._joined(
            [self, self._like(0.0)],
            lambda a, zero: np.diag(a + 1, diagonal) - 1 + (np.diag(np.ones(n), diagonal) == 0) * (n + 1),
        )

    diag_embed = diag

    def scatter_add(self, dim: int, index: Array, src: Array) -> Array:
        rows = index.numpy()
        source = src._move(lambda a: a[tuple(slice(0, n) for n in rows.shape)])
        target = _take_along_positions(self.shape, rows, dim)
        return self._accumulate(target, source)

    def index_add(self, dim: int, index: Array, source: Array) -> Array:
        return self._accumulate(self._positions().take(index.numpy(), dim), source)

    def _accumulate(self, target: np.ndarray, source: Array) -> Array:
        lists: list[list[int]] = [[i] for i in range(self.numel())]
        for i, place in enumerate(target.ravel()):
            lists[place].append(self.numel() + i)
        width = max(map(len, lists), default=1)
        none = self.numel() + source.numel()
        index = np.array([row + [none] * (width - len(row)) for row in lists], dtype=np.int64).reshape(-1, width)
        terms = self._joined([self, source, self._like(0.0)], lambda *_: index)
        return terms.sum(-1).reshape(self.shape)

    def scatter(self, dim: int, index: Array, src: Any) -> Array:
        rows = index.numpy()
        source = self._like(src)
        source = source._to(rows.shape) if not source.shape else source[tuple(slice(0, n) for n in rows.shape)]

        def place(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            out = a.copy()
            out.ravel()[_take_along_positions(self.shape, rows, dim).ravel()] = b.ravel()
            return out

        return self._joined([self, source], place)

    # -- arithmetic

    def _pair(self, other: Any) -> tuple[Array, Array]:
        other = self._like(other)
        shape = np.broadcast_shapes(self.shape, other.shape)
        return self._to(shape), other._to(shape)

    def _kind(self, other: Any) -> str:
        other = self._like(other)
        return "f" if "f" in (self.kind, other.kind) else "i"

    def _binary(self, other: Any, f: Callable[[Any, Any], Any]) -> Array:
        a, b = self._pair(other)
        return Array(f(a.x, b.x), a.shape, self.p, a._kind(b))

    def __neg__(self) -> Array:
        return Array(-self.x, self.shape, self.p, self.kind)

    def __add__(self, other: Any) -> Array:
        return self._binary(other, lower)

    def __sub__(self, other: Any) -> Array:
        return self._binary(other, lambda a, b: lower(a, -b))

    def __rsub__(self, other: Any) -> Array:
        return self._like(other) - self

    def __mul__(self, other: Any) -> Array:
        return self._binary(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Array:
        out = self._binary(other, _over)
        out.kind = "f"
        return out

    def __rtruediv__(self, other: Any) -> Array:
        return self._like(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, exponent: Any) -> Array:
        if not isinstance(exponent, Array) or (exponent.kind != "f" and not exponent.shape):
            n = float(exponent.numpy()) if isinstance(exponent, Array) else float(exponent)
            return Array(power(self.x, n), self.shape, self.p, self.kind)
        a, b = self._pair(exponent)
        return Array(_power(a.x, b.x), a.shape, self.p, "f")

    def __rpow__(self, base: Any) -> Array:
        base, _ = self._like(base)._pair(self)
        return base**self

    pow, neg, negative = __pow__, __neg__, __neg__

    def add(self, other: Any, *, alpha: float = 1) -> Array:
        return self + (other if alpha == 1 else self._like(other) * alpha)

    def sub(self, other: Any, *, alpha: float = 1) -> Array:
        return self - (other if alpha == 1 else self._like(other) * alpha)

    def mul(self, other: Any) -> Array:
        return self * other

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Array:
        out = self / other
        return out if rounding_mode is None else out.floor() if rounding_mode == "floor" else out.trunc()

    def rsub(self, other: Any) -> Array:
        return self._like(other) - self

    subtract, multiply, divide, true_divide = sub, mul, div, div
    add_, sub_, mul_, div_, pow_ = add, sub, mul, div, __pow__

    def remainder(self, other: Any) -> Array:
        return self - (self / other).floor() * other

    def fmod(self, other: Any) -> Array:
        return self - (self / other).trunc() * other

    def __mod__(self, other: Any) -> Array:
        return self.remainder(other)

    def atan2(self, other: Array) -> Array:
        turn = np.where(self._pair(other)[1].numpy() < 0, np.copysign(math.pi, self._pair(other)[0].numpy()), 0.0)
        return (self / other).atan() + Array.constant(turn, self.p)  # type: ignore[no-any-return]

    def addmm(self, a: Array, b: Array, *, beta: float = 1, alpha: float = 1) -> Array:
        return self * beta + (a @ b) * alpha

    def addcmul(self, a: Array, b: Array, *, value: float = 1) -> Array:
        return self + a * b * value

    def addcdiv(self, a: Array, b: Array, *, value: float = 1) -> Array:
        return self + a / b * value

    def lerp(self, end: Array, weight: Any) -> Array:
        return self + (end - self) * weight

    def square(self) -> Array:
        return self**2

    def reciprocal(self) -> Array:
        return 1.0 / self

    def rsqrt(self) -> Array:
        return self**-0.5

    def __getattr__(self, name: str) -> Any:
        """The functions of one number (`exp`, `sin`, ...): they are all in `SLOPES`."""
        if name in SLOPES:
            f = _f(name)
            return lambda: Array(f(self.x), self.shape, self.p)
        raise AttributeError(name)

    def logsigmoid(self) -> Array:
        return -(-self).softplus_()

    def softplus_(self) -> Array:
        return Array(_f("softplus")(self.x), self.shape, self.p)

    def softplus(self, beta: float = 1, threshold: float = 20) -> Array:
        scaled = self * beta
        return self._where(scaled.numpy() > threshold, scaled.softplus_() / beta)

    def erfc(self) -> Array:
        return 1 - self.erf()

    # -- pieces: linear around each point, with torch's choice at the joints

    def _piecewise(self, value: Callable[[np.ndarray], np.ndarray], slope: Callable[[np.ndarray], np.ndarray]) -> Array:
        """value(x) and slope(x) on float64 arrays; the slope is a step function of x."""
        mask = primal(self.x).step(slope)

        def at(r: Real) -> Real:
            side = floats(mask.v)
            v = np.where(side == 1, r.v, value(floats(r.v))) if r.v.dtype == object else value(r.v)
            return Real(r.p.field.lift(v) if v.dtype != object else v, np.abs(floats(v)), r.e, r.q, r.p, False)

        return Array(piecewise(self.x, at, lambda du: du * mask), self.shape, self.p, self.kind)

    def abs(self) -> Array:
        return Array(self._selected(np.sign(self.numpy()).ravel()), self.shape, self.p, self.kind)

    __abs__ = absolute = abs

    def _selected(self, sign: np.ndarray) -> Number:
        """x times a step function of x (relu, abs): exact in value, doubtful in slope near the joint."""
        mask = Real.exact(sign, self.p)
        error = self._error()
        near = (np.abs(floats(primal(self.x).v)) <= error) & (error > 0)
        mask.e = np.where(near, 2.0, 0.0)
        value = Real.exact(sign, self.p)
        value.e = np.where(near, 1.0, 0.0)  # else what is rounded to the other side would be wrong
        return piecewise(self.x, lambda r: r * value, lambda du: du * mask)  # type: ignore[no-any-return]

    def relu(self) -> Array:
        return Array(self._selected((~(self.numpy() <= 0)).astype(float).ravel()), self.shape, self.p, self.kind)

    def leaky_relu(self, negative_slope: float = 0.01) -> Array:
        return Array(self._selected(np.where(self.numpy() > 0, 1.0, negative_slope).ravel()), self.shape, self.p)

    def maximum(self, other: Any) -> Array:
        a, b = self._pair(other)
        first, second = a.numpy(), b.numpy()
        left, right = (np.where(x < y, 0.0, np.where(x == y, 0.5, 1.0)).ravel() for x, y in ((first, second), (second, first)))
        doubt = np.abs(first - second).ravel() <= a._error() + b._error()
        picked = a._where((first >= second) | np.isnan(first), b)
        return _blend(picked, [a, b], [left, right], doubt & (a._error() + b._error() > 0))

    def minimum(self, other: Any) -> Array:
        return -(-self).maximum(-self._like(other))

    def clamp(self, min: Any = None, max: Any = None) -> Array:
        x, out = self.numpy(), self
        if isinstance(min, Array) and isinstance(max, Array):  # of exact numbers: errors at the bounds are not looked at
            least, most = min.numpy(), max.numpy()
            beyond = max._where((x > most) | (least > most), max.detach())  # where the bounds are equal, neither has a slope
            return self._where((x >= least) & (x <= most), min._where((x < least) & (least < most), beyond))
        inside = ~np.isnan(x)
        doubt = np.zeros(self.shape, bool)
        for bound, beyond in ((min, np.less), (max, np.greater)):
            if bound is not None:
                if isinstance(bound, Array):
                    raise Unjudged("clamp with tensor bounds")
                inside &= ~beyond(x, bound)
                doubt |= (np.abs(x - bound) <= self._error().reshape(self.shape)) & (
                    self._error().reshape(self.shape) > 0
                )
                out = out._where(~beyond(x, bound), bound)
        return _blend(out, [self], [inside.astype(float).ravel()], doubt.ravel())

    clip = clamp

    def clamp_min(self, min: float) -> Array:
        return self.clamp(min=min)

    def clamp_max(self, max: float) -> Array:
        return self.clamp(max=max)

    def _steps(self, f: Callable[[np.ndarray], np.ndarray]) -> Array:
        return Array(primal(self.x).step(f), self.shape, self.p, self.kind)

    def floor(self) -> Array:
        return self._steps(np.floor)

    def ceil(self) -> Array:
        return self._steps(np.ceil)

    def round(self) -> Array:
        return self._steps(np.round)

    def trunc(self) -> Array:
        return self._steps(np.trunc)

    def sign(self) -> Array:
        return self._steps(np.sign)

    def frac(self) -> Array:
        return self - self.trunc()

    def detach(self) -> Array:
        return Array(primal(self.x), self.shape, self.p, self.kind)

    def clone(self) -> Array:
        return self

    contiguous = clone

    def to(self, *_: Any, **__: Any) -> Array:
        raise Unjudged("conversions")

    def double(self) -> Array:
        return self

    def converted(self) -> Array:
        """In the precision under judgement, if what is added here needs more."""
        return Array(_at_the_core(self.x, lambda r: r.doubt(r.p.rounding(r.m, r.q))), self.shape, self.p, self.kind)

    def float(self) -> Array:
        x = linear(self.x, lambda r: r.doubt(float(np.finfo(np.float32).eps) * r.m + 2.0**-149))
        return Array(x, self.shape, self.p, "f")

    def _compare(self, other: Any, f: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Array:
        a, b = self._pair(other)
        out = Array.constant(f(a.numpy(), b.numpy()), self.p)
        room = a._error() + b._error()
        out.x = out.x.doubt((room > 0) & (np.abs(a.numpy() - b.numpy()).ravel() <= room))  # type: ignore[union-attr]
        return out

    def __lt__(self, other: Any) -> Array:
        return self._compare(other, np.less)

    def __le__(self, other: Any) -> Array:
        return self._compare(other, np.less_equal)

    def __gt__(self, other: Any) -> Array:
        return self._compare(other, np.greater)

    def __ge__(self, other: Any) -> Array:
        return self._compare(other, np.greater_equal)

    def eq(self, other: Any) -> Array:
        return self._compare(other, np.equal)

    def ne(self, other: Any) -> Array:
        return self._compare(other, np.not_equal)

    __eq__, __ne__ = eq, ne  # type: ignore[assignment]
    lt, le, gt, ge = __lt__, __le__, __gt__, __ge__

    def logical_not(self) -> Array:
        return Array.constant(~self.numpy().astype(bool), self.p)

    __invert__ = logical_not

    def logical_and(self, other: Array) -> Array:
        return Array.constant(self.numpy().astype(bool) & other.numpy().astype(bool), self.p)

    def logical_or(self, other: Array) -> Array:
        return Array.constant(self.numpy().astype(bool) | other.numpy().astype(bool), self.p)

    __and__, __or__ = logical_and, logical_or

    def isnan(self) -> Array:
        return Array.constant(np.isnan(self.numpy()), self.p)

    def isinf(self) -> Array:
        return Array.constant(np.isinf(self.numpy()), self.p)

    def isfinite(self) -> Array:
        return Array.constant(np.isfinite(self.numpy()), self.p)

    # -- reductions: the reduced axes go last, then one sum

    def _last(self, dim: Axes) -> tuple[Array, tuple[int, ...]]:
        """(…kept, reduced as one axis), and the kept shape with 1 where an axis went."""
        axes = _axes(dim, self.ndim)
        kept = [a for a in range(self.ndim) if a not in axes]
        size = math.prod(self.shape[a] for a in axes)
        moved = self._move(lambda a: a.transpose(*kept, *axes).reshape([self.shape[i] for i in kept] + [size]))
        return moved, tuple(1 if a in axes else n for a, n in enumerate(self.shape))

    def _reduce(self, dim: Axes, keepdim: bool, f: Callable[[Any, int], Any], kind: str = "f") -> Array:
        """f is given the number with its last axis split into (results, terms)."""
        moved, ones = self._last(dim)
        results = math.prod(moved.shape[:-1])
        index = np.arange(moved.numel()).reshape(results, moved.shape[-1])
        x = f(linear(moved.x, lambda r: r.gather(index)), moved.shape[-1])
        out = Array(x, moved.shape[:-1], self.p, kind)
        return out.reshape(*ones) if keepdim else out

    def sum(self, dim: Axes = None, keepdim: bool = False, dtype: Any = None) -> Array:
        return self._reduce(dim, keepdim, lambda x, n: linear(x, Real.sum), "f" if self.kind == "f" else "i")

    def mean(self, dim: Axes = None, keepdim: bool = False) -> Array:
        count = math.prod(self.shape[a] for a in _axes(dim, self.ndim))
        return self.sum(dim, keepdim) / float(count)

    def prod(self, dim: Axes = None, keepdim: bool = False) -> Array:
        """Where no factor is zero or subnormal by way of y * sum(dx / x), as engines do: the bound has the quotients' roundings."""

        def product(x: Number, n: int) -> Any:
            return _open(chain(x, n), in_any_order(np.abs(floats(primal(x).v))), -1)

        def in_any_order(size: np.ndarray) -> np.ndarray:
            """What underflow on the way may cost, with the other factors after it; inf where they may overflow first."""
            with np.errstate(all="ignore"):
                large, small = np.maximum(size, 1.0).prod(-1), np.minimum(size, 1.0).prod(-1)
            under = np.where(small < np.finfo(self.p.dtype).tiny, self.p.eta * large, 0.0)
            return np.where(large > self.p.largest, np.inf, under)

        def chain(x: Number, n: int) -> Any:
            tiny = float(np.finfo(self.p.dtype).tiny)  # below it engines had better not divide, nor do we
            divisible = (np.abs(floats(primal(x).v)) >= tiny).all(-1)
            if isinstance(x, Dual) and divisible.any() and not divisible.all():  # each product by itself
                order = np.argsort(~divisible, kind="stable")
                parts = [chain(linear(x, lambda r, rows=rows: r.rows(rows)), n) for rows in np.split(order, [divisible.sum()])]
                return linear(join(parts, self.p), lambda r: r.gather(np.argsort(order)))
            if isinstance(x, Dual) and n and divisible.all():
                y = chain(x.re, n)
                return Dual(y, None if x.du is None else y * linear(_over(x.du, x.re), Real.sum))
            terms = [linear(x, lambda r, i=i: r.gather(np.array(i))) for i in range(n)]  # type: ignore[misc]
            out = terms[0] if terms else Real.exact(np.ones(primal(x).v.shape[0]), self.p)
            for term in terms[1:]:
                out = out * term
            return out

        return self._reduce(dim, keepdim, product)

    def _extreme(self, dim: Axes, keepdim: bool, sign: float, share: bool) -> Array:
        """The largest (sign 1) or smallest; ties share the slope (amax, max()) or the first takes it (max(dim))."""

        def pick(x: Number, n: int) -> Any:
            near, e = sign * floats(primal(x).v), primal(x).e
            best = near.argmax(-1)
            top = np.take_along_axis(near, best[..., None], -1)
            ties = near == top if share else np.arange(n) == best[..., None]
            weight = Real.exact(ties / ties.sum(-1, keepdims=True), self.p)
            room = e + np.take_along_axis(e, best[..., None], -1)
            contested = (near >= top - room) & (room > 0) & ~((near == top).all(-1, keepdims=True) & (n == 1))
            weight.e = np.where(contested & (contested.sum(-1, keepdims=True) > 1), 1.0, weight.e)
            widest = np.where(contested, e, 0.0).max(-1)

            def value(r: Real) -> Real:
                rows = np.arange(r.v.shape[-2])
                return Real(
                    r.v[rows, best], r.m[rows, best], np.maximum(r.e[rows, best], widest), r.q[rows, best], r.p, False
                )

            return piecewise(x, value, lambda du: linear(du * weight, Real.sum))

        return self._reduce(dim, keepdim, pick, self.kind)

    def amax(self, dim: Axes = None, keepdim: bool = False) -> Array:
        return self._extreme(dim, keepdim, 1.0, share=True)

    def amin(self, dim: Axes = None, keepdim: bool = False) -> Array:
        return self._extreme(dim, keepdim, -1.0, share=True)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, Array):
            return self.maximum(dim)
        return self.amax() if dim is None else _Pair(self._extreme(dim, keepdim, 1.0, False), self.argmax(dim, keepdim))

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, Array):
            return self.minimum(dim)
        return (
            self.amin() if dim is None else _Pair(self._extreme(dim, keepdim, -1.0, False), self.argmin(dim, keepdim))
        )

    def _index(self, f: Callable[..., np.ndarray], dim: int | None, keepdim: bool, spare: float) -> Array:
        values = f(self.numpy(), dim, keepdims=keepdim)
        out = Array.constant(values, self.p)
        if (self._error() > 0).any():
            out.x = out.x.doubt(OPEN)  # type: ignore[union-attr]
        return out

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Array:
        return self._index(np.argmax, dim, keepdim, 1.0)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Array:
        return self._index(np.argmin, dim, keepdim, -1.0)

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
        values = self.numpy()
        order = np.argsort(values, axis=dim, kind="stable")
        if descending and self.ndim:  # nan, the greatest, first, and equals in their order
            backwards = np.argsort(np.flip(values, dim), axis=dim, kind="stable")
            order = self.shape[dim] - 1 - np.flip(backwards, dim)
        out = self._move(lambda a: np.take_along_axis(a, order, dim))
        gaps = np.diff(np.sort(values, dim), axis=dim)
        e = self._error().max(initial=0.0)
        doubt = OPEN if e > 0 and (gaps <= 2 * e).any() else 0.0
        places = Array.constant(order, self.p)
        places.x = places.x.doubt(doubt)  # type: ignore[union-attr]
        return _Pair(Array(linear(out.x, lambda r: r.doubt(doubt)), out.shape, self.p, self.kind), places)

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Array:
        return self.sort(dim, descending)[1]  # type: ignore[no-any-return]

    def topk(self, k: int, dim: int = -1, largest: bool = True) -> Any:
        """Which of equals is taken is open: torch takes any."""
        values, places = self.sort(dim, largest)
        numbers = values.numpy()
        equals = numbers.ndim and (np.diff(numbers, axis=dim) == 0).any()
        if equals:
            places.x = places.x.doubt(OPEN)
            values = Array(_open(values.x, np.full(values.numel(), OPEN)), values.shape, self.p)
        return _Pair(values.narrow(dim, 0, k), places.narrow(dim, 0, k))

    def cumsum(self, dim: int) -> Array:
        return self._scan(dim, lambda terms: terms.sum(-1), 0.0)

    def cumprod(self, dim: int) -> Array:
        return self._scan(dim, lambda terms: terms.prod(-1), 1.0)

    def _scan(self, dim: int, f: Callable[[Array], Array], neutral: float) -> Array:
        if not self.shape:
            return self
        n = self.shape[dim]
        moved = self.movedim(dim, -1)
        keep = np.tril(np.ones((n, n), bool))
        terms = moved.unsqueeze(-2)._to((*moved.shape[:-1], n, n))._where(keep, neutral)
        return f(terms).movedim(-1, dim)

    def diff(self, n: int = 1, dim: int = -1) -> Array:
        out = self
        for _ in range(n):
            size = out.shape[dim]
            out = out.narrow(dim, 1, size - 1) - out.narrow(dim, 0, size - 1)
        return out

    def var(self, dim: Axes = None, *, correction: int = 1, unbiased: bool = True, keepdim: bool = False) -> Array:
        count = math.prod(self.shape[a] for a in _axes(dim, self.ndim))
        spread = self - self.mean(dim, True)
        return (spread * spread).sum(dim, keepdim) / float(max(count - (correction if unbiased else 0), 0))

    def std(self, dim: Axes = None, *, correction: int = 1, unbiased: bool = True, keepdim: bool = False) -> Array:
        return self.var(dim, correction=correction, unbiased=unbiased, keepdim=keepdim).sqrt()  # type: ignore[no-any-return]

    def norm(self, p: Any = 2, dim: Axes = None, keepdim: bool = False) -> Array:
        if p == 1:
            return self.abs().sum(dim, keepdim)
        if p in (2, "fro"):
            return (self * self).sum(dim, keepdim).sqrt()  # type: ignore[no-any-return]
        if p == math.inf:
            return self.abs().amax(dim, keepdim)
        return (self.abs() ** p).sum(dim, keepdim) ** (1 / p)

    def _shifted(self, dim: Axes) -> tuple[Array, Array]:
        """x less its largest, and that largest as a constant: the derivative does not depend on the shift."""
        top = Array.constant(
            self.numpy().max(axis=_axes(dim, self.ndim) or None, keepdims=True, initial=-np.inf), self.p
        )
        return self - top, top

    def logsumexp(self, dim: Axes, keepdim: bool = False) -> Array:
        shifted, top = self._shifted(dim)
        out = shifted.exp().sum(dim, True).log() + top
        return out if keepdim else out._move(lambda a: a.squeeze(_axes(dim, self.ndim)))

    def softmax(self, dim: int = -1, dtype: Any = None) -> Array:
        powers = self._shifted(dim)[0].exp()
        return powers / powers.sum(dim, True)  # type: ignore[no-any-return]

    def log_softmax(self, dim: int = -1, dtype: Any = None) -> Array:
        shifted = self._shifted(dim)[0]
        return shifted - shifted.exp().sum(dim, True).log()

    def softmin(self, dim: int = -1) -> Array:
        return (-self).softmax(dim)

    def logaddexp(self, other: Array) -> Array:
        a, b = self._pair(other)
        return a._joined([a, b], lambda x, y: np.stack([x, y], -1)).logsumexp(-1)

    def count_nonzero(self, dim: Axes = None) -> Array:
        return self.ne(0).sum(dim)

    def all(self, dim: Axes = None, keepdim: bool = False) -> Array:
        return Array.constant(self.numpy().astype(bool).all(_axes(dim, self.ndim), keepdims=keepdim), self.p)

    def any(self, dim: Axes = None, keepdim: bool = False) -> Array:
        return Array.constant(self.numpy().astype(bool).any(_axes(dim, self.ndim), keepdims=keepdim), self.p)

    # -- products

    def matmul(self, other: Array) -> Array:
        a = self.unsqueeze(0) if self.ndim == 1 else self
        b = other.unsqueeze(1) if other.ndim == 1 else other
        rows = a.unsqueeze(-2)
        columns = b.transpose(-1, -2).unsqueeze(-3)
        out = (rows * columns).sum(-1)
        if other.ndim == 1:
            out = out._move(lambda x: x.squeeze(-1))
        return out._move(lambda x: x.squeeze(-1 if other.ndim == 1 else -2)) if self.ndim == 1 else out

    __matmul__ = mm = bmm = mv = dot = inner = matmul

    def vdot(self, other: Array) -> Array:
        return self.matmul(other)

    def outer(self, other: Array) -> Array:
        return self.unsqueeze(1) * other

    def dist(self, other: Array, p: Any = 2) -> Array:
        return (self - other).norm(p)

    def cross(self, other: Array, dim: int = -1) -> Array:
        a, b = self._pair(other)
        return a.roll(-1, dim) * b.roll(-2, dim) - a.roll(-2, dim) * b.roll(-1, dim)

    # -- nn.functional

    def linear(self, weight: Array, bias: Array | None = None) -> Array:
        out = self.matmul(weight.transpose(-1, -2) if weight.ndim > 1 else weight)
        return out if bias is None else out + bias

    def elu(self, alpha: float = 1.0) -> Array:
        return self._knee(0.0)._where(~(self.numpy() <= 0), self._knee(0.0).clamp(max=0.0).expm1() * alpha)

    def selu(self) -> Array:
        return self.elu(1.6732632423543772) * 1.0507009873554805

    def celu(self, alpha: float = 1.0) -> Array:
        x = self._knee(0.0)
        return x._where(~(self.numpy() <= 0), (x.clamp(max=0.0) / alpha).expm1() * alpha)

    def _knee(self, at: float) -> Array:
        """x, its second derivatives a matter of convention (error nan) where it is exactly at the knee."""
        here = (self.numpy() == at).ravel()
        if not here.any() or not isinstance(self.x, Dual):
            return self
        return Array(_open(self.x, np.where(here, np.nan, 0.0), 1), self.shape, self.p, self.kind)

    def silu(self) -> Array:
        return self * self.sigmoid()

    def mish(self) -> Array:
        return self * self.softplus_().tanh()

    def gelu(self, approximate: str = "none") -> Array:
        if approximate == "tanh":
            return self * 0.5 * ((self + self**3 * 0.044715) * math.sqrt(2 / math.pi)).tanh().__add__(1.0)
        return self * 0.5 * ((self * math.sqrt(0.5)).erf() + 1.0)  # type: ignore[no-any-return]

    def softsign(self) -> Array:
        return self / (self.abs() + 1.0)

    def tanhshrink(self) -> Array:
        return self - self.tanh()

    def relu6(self) -> Array:
        return self.hardtanh(0.0, 6.0)

    def hardtanh(self, min_val: float = -1.0, max_val: float = 1.0) -> Array:
        x = self.numpy()
        inside = ((x > min_val) & (x < max_val)).astype(float).ravel()
        near = np.minimum(np.abs(x - min_val), np.abs(x - max_val)).ravel() <= self._error()
        return _blend(self.clamp(min_val, max_val), [self], [inside], near & (self._error() > 0))

    def _reduced(self, reduction: str) -> Array:
        return self if reduction == "none" else self.sum() if reduction == "sum" else self.mean()

    def mse_loss(self, target: Array, reduction: str = "mean") -> Array:
        return ((self - target) ** 2)._reduced(reduction)

    def l1_loss(self, target: Array, reduction: str = "mean") -> Array:
        return (self - target).abs()._reduced(reduction)

    def huber_loss(self, target: Array, reduction: str = "mean", delta: float = 1.0) -> Array:
        difference = self - target
        size, inner = difference.abs(), difference * difference * 0.5  # the slope of abs at 0 would spoil size * size
        return inner._near(size, delta, (size - 0.5 * delta) * delta)._reduced(reduction)

    def smooth_l1_loss(self, target: Array, reduction: str = "mean", beta: float = 1.0) -> Array:
        difference = self - target
        size = difference.abs()
        return (difference * difference * 0.5 / beta)._near(size, beta, size - 0.5 * beta)._reduced(reduction)

    def _near(self, size: Array, knee: float, other: Array) -> Array:
        """self where size < knee, else other; where the error reaches over the knee, higher orders are open."""
        out = self._where(size.numpy() < knee, other)
        open_ = (size._error() > 0) & (np.abs(size.numpy().ravel() - knee) <= size._error())
        if isinstance(out.x, Dual) and open_.any():
            out.x = _open(out.x, np.where(open_, OPEN, 0.0))
        return out

    def binary_cross_entropy(self, target: Array, weight: Array | None = None, reduction: str = "mean") -> Array:
        loss = -(target * self.log() + (1 - target) * (1 - self).log())
        return (loss if weight is None else loss * weight)._reduced(reduction)

    def binary_cross_entropy_with_logits(
        self, target: Array, weight: Array | None = None, reduction: str = "mean", pos_weight: Array | None = None
    ) -> Array:
        up, down = (-self).softplus_(), self.softplus_()
        loss = target * up * (1.0 if pos_weight is None else pos_weight) + (1 - target) * down
        return (loss if weight is None else loss * weight)._reduced(reduction)

    def nll_loss(
        self, target: Array, weight: Array | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> Array:
        classes = target.numpy()
        used = classes != ignore_index
        index = np.where(used, classes, 0)
        factor = Array.constant(used.astype(float), self.p)
        if weight is not None:
            factor = factor * weight[index]
        rows = self.unsqueeze(0) if self.ndim == 1 else self
        picked = rows._move(lambda a: np.take_along_axis(a, index.reshape(-1, 1), 1)[:, 0]).reshape(classes.shape)
        loss = -(picked * factor)
        return loss.sum() / factor.sum() if reduction == "mean" else loss._reduced(reduction)

    def cross_entropy(
        self,
        target: Array,
        weight: Array | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> Array:
        axis = 0 if self.ndim == 1 else 1
        logs = self.log_softmax(axis)
        if target.kind == "f":
            goal = (
                target if not label_smoothing else target * (1 - label_smoothing) + label_smoothing / self.shape[axis]
            )
            loss = -((logs if weight is None else logs * weight) * goal).sum(axis)
            return (
                loss.sum() / float(max(self.numel() // self.shape[axis], 1))
                if reduction == "mean"
                else loss._reduced(reduction)
            )
        sure = logs.nll_loss(target, weight, ignore_index, reduction)
        if not label_smoothing:
            return sure
        used = Array.constant((target.numpy() != ignore_index).astype(float), self.p)
        flat = -((logs if weight is None else logs * weight).sum(axis) * used)
        if reduction == "mean":
            count = (
                used if weight is None else used * weight[np.where(target.numpy() == ignore_index, 0, target.numpy())]
            )
            flat = flat.sum() / count.sum()
        else:
            flat = flat._reduced(reduction)
        return sure * (1 - label_smoothing) + flat * (label_smoothing / self.shape[axis])

    def kl_div(self, target: Array, reduction: str = "mean", log_target: bool = False) -> Array:
        loss = target.exp() * (target - self) if log_target else target * (target.log() - self)
        return loss.sum() / float(self.shape[0]) if reduction == "batchmean" else loss._reduced(reduction)

    def layer_norm(
        self, normalized_shape: Sequence[int], weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5
    ) -> Array:
        axes = tuple(range(-len(normalized_shape), 0))
        out = self._standard(axes, eps)
        out = out if weight is None else out * weight
        return out if bias is None else out + bias

    def _standard(self, axes: tuple[int, ...], eps: float) -> Array:
        spread = self - self.mean(axes, True)
        return spread * ((spread * spread).mean(axes, True) + eps) ** -0.5

    def batch_norm(
        self,
        running_mean: Any,
        running_var: Any,
        weight: Array | None = None,
        bias: Array | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Array:
        shape = (1, -1) + (1,) * (self.ndim - 2)
        if training:
            out = self._standard(tuple(a for a in range(self.ndim) if a != 1), eps)
        else:
            out = (self - running_mean.reshape(*shape)) * (running_var.reshape(*shape) + eps) ** -0.5
        out = out if weight is None else out * weight.reshape(*shape)
        return out if bias is None else out + bias.reshape(*shape)

    def normalize(self, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Array:
        return self / self.norm(p, dim, True)

    def embedding(self, weight: Array, padding_idx: int | None = None) -> Array:
        rows = weight[self]
        if padding_idx is None:
            return rows
        return rows._where((self.numpy() != padding_idx % weight.shape[0])[..., None], weight.detach()[self])

    def one_hot(self, num_classes: int) -> Array:
        return Array.constant(np.eye(num_classes, dtype=np.int64)[self.numpy()], self.p)


class _Pair(tuple[Array, ...]):
    """(values, indices), by place and by name."""

    def __new__(cls, values: Array, indices: Array) -> _Pair:
        return super().__new__(cls, (values, indices))

    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])


def _open(x: Number, extra: np.ndarray, above: int = 0) -> Any:
    """Adds `extra` (inf: undecided, nan: a convention) to the error of every derivative of an order over `above`."""
    if isinstance(x, Real):
        return x.doubt(extra) if above < 0 else x
    zero = Real.exact(np.zeros(primal(x).v.shape[-1:]), primal(x).p, path=True)
    du = x.du if x.du is not None else _deep_like(zero, x.re)
    return Dual(_open(x.re, extra, above), None if du is None else _open(du, extra, above - 1))


def _at_the_core(x: Number, f: Callable[[Real], Real]) -> Any:
    """x with f applied to its value, not to its derivatives."""
    return f(x) if isinstance(x, Real) else Dual(_at_the_core(x.re, f), x.du)


def _deep_like(zero: Real, like: Number) -> Number:
    return Dual(_deep_like(zero, like.re), None) if isinstance(like, Dual) else zero


def _power(a: Number, b: Number) -> Any:
    """a ** b for two numbers: d = b a**(b-1) da + a**b log(a) db."""
    if isinstance(a, Dual) or isinstance(b, Dual):
        x, y = lift_to(a, b), lift_to(b, a)
        z = _power(x.re, y.re)  # type: ignore[union-attr]
        left = None if x.du is None else x.du * (y.re * _power(x.re, _add(y.re, -1.0)))  # type: ignore[union-attr]
        right = None if y.du is None else y.du * (z * _f("log")(x.re))  # type: ignore[union-attr]
        slope, exponent = _plus(left, right), primal(y)
        # where the exponent is exactly 0, torch takes the slope in the base for a constant: engines may differ in whether it is
        at_zero = (np.abs(floats(exponent.v)) <= exponent.e) & (exponent.e > 0)
        return Dual(z, _further_doubt(slope, at_zero) if at_zero.any() else slope)
    v = a.p.field.function("power")(a.v, b.v)
    near, m = floats(a.v), np.abs(floats(v))
    e = np.where(a.e > 0, np.abs(floats(b.v) * near ** (floats(b.v) - 1)) * a.e, 0.0)
    e = e + np.where(b.e > 0, np.abs(m * np.log(near)) * b.e, 0.0)
    return a._rounded(v, m, e, np.full_like(m, INEXACT), False)


def _further_doubt(x: Number, places: np.ndarray) -> Any:
    """x, whose derivatives can be anything of their size in these places."""
    if not isinstance(x, Dual):
        return x
    doubtful = Real.exact(np.ones(places.shape), primal(x).p).doubt(np.where(places, 1.0, 0.0))
    return Dual(_further_doubt(x.re, places), None if x.du is None else x.du * doubtful)


def _blend(value: Array, sources: Sequence[Array], weights: Sequence[np.ndarray], doubt: np.ndarray) -> Array:
    """The given value, and as derivative the weighted sum of the sources' derivatives. In doubt it may be any source's."""
    p = value.p
    widest = np.max([source._error() for source in sources], 0)
    masks = []
    for weight in weights:
        mask = Real.exact(weight, p)
        mask.e = np.where(doubt, 1.0, 0.0)
        masks.append(mask)

    def build(v: Number, xs: Sequence[Number]) -> Any:
        if not isinstance(v, Dual):
            return v.doubt(np.where(doubt, np.maximum(widest - v.e, 0.0), 0.0))
        res = [x.re if isinstance(x, Dual) else x for x in xs]
        du: Any = None
        for x, mask in zip(xs, masks, strict=True):
            if isinstance(x, Dual) and x.du is not None:
                du = _plus(du, x.du * mask)
        return Dual(build(v.re, res), du)

    return Array(build(value.x, [source.x for source in sources]), value.shape, p, value.kind)


def _sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes


def _axes(dim: Axes, ndim: int) -> tuple[int, ...]:
    if dim is None or (not isinstance(dim, int) and not tuple(dim)):
        return tuple(range(ndim))
    return tuple(d % max(ndim, 1) for d in ((dim,) if isinstance(dim, int) else dim))[: None if ndim else 0]


def _indexed(a: np.ndarray, index: Any) -> np.ndarray:
    """a[index] as in torch, where an integer is taken first and so never moves the axes of a list to the front."""
    if not isinstance(index, tuple) or not any(isinstance(i, list | np.ndarray) for i in index):
        return a[index]
    integers: list[Any] = []
    for i in index:
        if isinstance(i, np.ndarray) and i.dtype == bool:
            integers += [slice(None)] * i.ndim
        elif i is not None:
            integers.append(i if isinstance(i, int | type(Ellipsis)) else slice(None))
    return a[tuple(integers)][tuple(i for i in index if not isinstance(i, int))]


def _plain(index: Any) -> Any:
    return index.numpy() if isinstance(index, Array) else index


def _take_along_positions(shape: Sequence[int], index: np.ndarray, dim: int) -> np.ndarray:
    """Flat positions that `gather(dim, index)` reads in an array of this shape."""
    grid = list(np.indices(index.shape, sparse=True))
    if not index.ndim:
        return np.zeros((), np.int64)
    grid[dim % len(shape)] = index
    return np.ravel_multi_index(np.broadcast_arrays(*grid), tuple(shape))  # type: ignore[no-any-return]


def _take_along(a: np.ndarray, index: np.ndarray, dim: int) -> np.ndarray:
    return a.ravel()[_take_along_positions(a.shape, index, dim)]


class _Functions:
    """torch's function form: `torch.exp(x)` is `x.exp()`; `torch.nn.functional` is the same namespace."""

    def __init__(self) -> None:
        self.functional = self.nn = self.special = self.linalg = self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not hasattr(Array, name) and name not in SLOPES:
            raise Unjudged(f"the judge has no rule for {name}")
        return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)

    def where(self, condition: Array, x: Any, y: Any) -> Array:
        return condition._like(x)._where(condition.numpy(), y)

    def cat(self, parts: Sequence[Array], dim: int = 0) -> Array:
        return parts[0]._joined(parts, lambda *a: np.concatenate([x for x in a if x.shape != (0,)] or a, dim))

    concat = cat

    def stack(self, parts: Sequence[Array], dim: int = 0) -> Array:
        return parts[0]._joined(parts, lambda *a: np.stack(a, dim))

    def hstack(self, parts: Sequence[Array]) -> Array:
        return parts[0]._joined(parts, lambda *a: np.hstack(a))

    def vstack(self, parts: Sequence[Array]) -> Array:
        return parts[0]._joined(parts, lambda *a: np.vstack(a))

    def einsum(self, equation: str, *operands: Array) -> Array:
        inputs, output = equation.replace(" ", "").split("->")
        letters = output + "".join(sorted(set(inputs) - set(output) - {","}))
        product: Any = None
        for labels, x in zip(inputs.split(","), operands, strict=True):
            for letter in {c for c in labels if labels.count(c) > 1}:
                while labels.count(letter) > 1:
                    first, second = labels.index(letter), labels.rindex(letter)
                    x = x.diagonal(0, first, second)
                    labels = labels[:first] + labels[first + 1 : second] + labels[second + 1 :] + letter
            x = x.permute(*sorted(range(x.ndim), key=lambda a, names=labels: letters.index(names[a]))) if x.ndim else x
            x = x._move(lambda a, names=labels: a[tuple(slice(None) if c in names else None for c in letters)])
            product = x if product is None else product * x
        summed = tuple(range(len(output), len(letters)))
        return product.sum(summed) if summed else product  # type: ignore[no-any-return]


FUNCTIONS = _Functions()


# ------------------------------------------------------------------------------------------------ seeds and results


def leaf(values: np.ndarray, directions: Sequence[np.ndarray], start: int, total: int, p: Precision) -> Array:
    """A differentiable leaf: its values, the directions of the orders above the first, and its unit vectors.

    `start` is its place among the `total` elements of all leaves. The derivative along unit vector k of the sum of
    cotangent times output is element k of the gradient; along a direction as well, of the second, and so on.
    """
    flat = values.ravel()
    units = np.zeros((total, flat.size))
    units[start : start + flat.size] = np.eye(flat.size)

    def nest(value: Number, rest: Sequence[np.ndarray]) -> Any:
        if not rest:
            return value
        inner = nest(value, rest[1:])
        du: Any = Real.exact(rest[0].ravel(), p, path=True)
        return Dual(inner, _deep(du, len(rest) - 1))

    x = nest(Real.exact(flat, p), directions)
    ones = Real(p.field.lift(units), units, np.zeros_like(units), np.where(units == 0, ZERO, 0.0), p, path=True)
    return Array(Dual(x, _deep(ones, len(directions))), values.shape, p)


def allow(x: Number, ulps: float, depth: int = 0) -> Any:
    """Grants an op its stated ulps, and each derivative as many again and one more: its formula may be another than
    the one here, with other roundings. What is exact stays exact."""
    if isinstance(x, Real):
        n = ulps * (depth + 1) + depth
        out = x.doubt(n * x.p.rounding(x.m, x.q)) if n else x
        return out._where_a_path_leads(x) if n and x.path else out
    return Dual(allow(x.re, ulps, depth), None if x.du is None else allow(x.du, ulps, depth + 1))


def _deep(x: Number, depth: int) -> Number:
    for _ in range(depth):
        x = Dual(x, None)
    return x


def gradients(
    outputs: Sequence[tuple[Array, np.ndarray]], order: int, total: int, p: Precision
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each order from 1: (gradient, error bound) over all leaf elements; outputs come with their cotangents."""
    results = []
    for depth in range(order):
        v, e, m, q = p.field.lift(np.zeros(total)), np.zeros(total), np.zeros(total), np.full(total, ZERO)
        for output, cotangent in outputs:
            part: Any = output.x.du if isinstance(output.x, Dual) else None
            for level in range(order - 1):
                part = None if part is None else part.du if level < depth else part.re
            if part is not None:
                term = (part * Real.exact(cotangent.ravel(), p)).sum()
                first, v, m, q = not m.any(), v + term.v, m + term.m, np.minimum(q, term.q)
                e = e + term.e + (0.0 if first else p.rounding(m, q))  # the sum is rounded, not what is added
        results.append((v, e))
    return results
