"""torch's random numbers, bit for bit: with the same seed every function here gives the numbers that torch gives.

Three layers: `Generator`, the Mersenne Twister, makes arrays of numbers from its 32-bit words; `uniform_`,
`normal_`, ..., which are also Tensor's methods, write them into a tensor; `rand`, `randn`, ... fill new tensors.
How many words a call takes, and in what order, is as much a part of the stream as the numbers: every later draw
depends on it.

The float32 logarithm, sine and cosine are those of S. Moshier's Cephes library, which torch computes eight lanes at
a time with fused multiply-adds; here they run on whole arrays. Next: nn/init.py and utils/data.py, which draw from
here.
"""

from __future__ import annotations

import functools
import math
import operator
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes
from .autograd import graph
from .autograd.graph import Array, differentiable, wrap
from .autograd.modes import no_grad
from .dtypes import dtype as DType
from .ops.calling import as_number
from .ops.layout import empty_like, slowest_first

if TYPE_CHECKING:
    from .tensor import Tensor

float32, float64 = np.float32, np.float64

# What torch's get_state() holds: the seed, the twister's words and its place in them, and the spare normal.
STATE = np.dtype(
    [("seed", "u8"), ("left", "i4"), ("seeded", "i4"), ("next", "u8"), ("words", "u8", 624), ("_1", "u8"),
     ("spare", "f8"), ("_2", "u8"), ("has_spare", "i8"), ("_3", "u8")]
)  # fmt: skip


class Generator:
    """`torch.Generator`: a stream of random numbers (mt19937) with its seed and its spare normal.

    A new one has torch's default seed. `random`, `integers`, ... give the next n numbers as a 1-d array.
    """

    def __init__(self, device: Any = "cpu") -> None:
        dtypes.check_device(device)
        self.device = dtypes.CPU
        self.manual_seed(67280421310721)

    @functools.cached_property
    def _twister(self) -> Any:
        """Made with the first number: importing `np.random` takes a seventh of the time of importing NumPy."""
        twister = np.random.MT19937()
        twister._legacy_seeding(self._seed % 2**32)
        return twister

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"

    # ---- seed and state

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of `seed`, -2**63 to 2**64 - 1, of which the low 32 bits count. ValueError outside."""
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self._seed = seed % 2**64
        self.__dict__.pop("_twister", None)
        self._spare: float | None = None  # the unused half of a Box-Muller pair
        return self

    def seed(self) -> int:
        """Seed from the operating system's randomness; returns the seed."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """The seed last set, 0 to 2**64 - 1."""
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor of 5056 bytes, laid out as torch's: each engine can go on for the other."""
        twister: Any = self._twister.state["state"]
        words, place = twister["key"], twister["pos"]
        state = np.zeros(1, STATE)[0]
        state["seed"], state["seeded"], state["words"] = self._seed, 1, words
        fresh = place == 624 and words[0] == self._seed % 2**32  # seeded, and no word taken yet
        state["next"], state["left"] = (0, 1) if fresh else (place, 625 - place)
        state["spare"], state["has_spare"] = self._spare or 0.0, self._spare is not None
        return wrap(np.frombuffer(state.tobytes(), np.uint8).copy())  # type: ignore[no-any-return]

    def set_state(self, state: Tensor) -> Generator:
        """Go back to what `get_state` gave, here or in torch. TypeError or RuntimeError for what is no such state."""
        if not isinstance(state, graph.Tensor) or state.dtype is not dtypes.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if state.numel() != STATE.itemsize:
            raise RuntimeError(f"Expected an RNG state of size {STATE.itemsize} but found size {state.numel()}")
        new = np.frombuffer(state.numpy().tobytes(), STATE)[0]
        place = 624 if new["left"] == 1 else int(new["next"])
        if new["seeded"] != 1 or place > 624 or new["left"] != 625 - place:
            raise RuntimeError("Invalid mt19937 state")
        self._seed, self._spare = int(new["seed"]), float(new["spare"]) if new["has_spare"] else None
        twister: Any = {"key": new["words"].astype(np.uint32), "pos": place}
        self._twister.state = {"bit_generator": "MT19937", "state": twister}
        return self

    # ---- the next n numbers

    def words(self, n: int, bits: int = 32) -> Array:
        """n words of 32 or 64 bits; a word of 64 is made of two, the first on top."""
        if bits == 32:
            return self._twister.random_raw(n)
        pairs = self._twister.random_raw(2 * n)
        return pairs[::2] << 32 | pairs[1::2]

    def random(self, n: int, dtype: Any = float64) -> Array:
        """Uniform on [0, 1): the low 53 bits of a 64-bit word, or for float32 the low 24 of a 32-bit one."""
        if dtype == float64:
            return (self.words(n, 64) & (2**53 - 1)) * 2.0**-53
        return (self.words(n).astype(np.int32) & (2**24 - 1)).astype(float32) * float32(2**-24)

    def integers(self, n: int, low: int, high: int) -> Array:
        """Integers from low to high - 1: `word % span + low`, with words of 64 bits from a span of 2**28 on."""
        span = high - low
        words = self.words(n, 32 if span < 2**28 else 64)
        return words.view(np.int64) if span == 2**64 else (words % span).astype(np.int64) + low

    def exponential(self, n: int) -> Array:
        """Exponential with rate 1, float64."""
        return -_each(math.log1p, -self.random(n))

    def permutation(self, n: int) -> Array:
        """0 .. n-1 shuffled, Fisher and Yates' way."""
        if n >= 2**32 // 20:
            raise NotImplementedError(f"torch shuffles as many as {n} numbers in another way, which is not here")
        order = list(range(n))
        for i, ahead in enumerate((self.words(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint64)).tolist()):
            order[i], order[i + ahead] = order[i + ahead], order[i]
        return np.array(order, np.int64)

    def standard_normal(self, n: int, dtype: Any, contiguous: bool) -> Array:
        """Standard normals by Box and Muller: from 16 contiguous ones on in blocks, else one by one in float64."""
        if n < 16 or not contiguous:
            return np.array(self._normals(n), float64)
        z, whole = np.empty(n, dtype), n - n % 16
        uniform = self.random(n, dtype)
        for start in range(0, whole, 2**14):  # pieces that stay in the cache
            piece = slice(start, min(start + 2**14, whole))
            z[piece] = _box_muller(uniform[piece])
        if n % 16:
            z[-16:] = _box_muller(self.random(16, dtype))  # the last 16 are drawn afresh
        return z

    def _normals(self, n: int) -> list[float]:
        """Two normals of two uniforms; a second one that is not needed waits in the generator for the next call."""
        if n == 0:
            return []
        z = [] if self._spare is None else [self._spare]
        u = self.random(2 * ((n - len(z) + 1) // 2)).tolist()
        for u1, u2 in zip(u[::2], u[1::2]):
            radius, angle = math.sqrt(-2.0 * math.log1p(-u2)), 2.0 * math.pi * u1
            z += radius * math.cos(angle), radius * math.sin(angle)
        self._spare = z.pop() if len(z) > n else None
        return z


default_generator = Generator()
default_generator.seed()


# ------------------------------------------------------------------ arithmetic as torch's kernels do it


def _each(function: Callable[[float], float], x: Array) -> Array:
    """The C library's function on each float64 (NumPy's own vector versions differ in the last bit)."""
    return np.fromiter(map(function, x.ravel().tolist()), float64, x.size).reshape(x.shape)


def _two_sum(a: Array, b: Any) -> tuple[Array, Array]:
    """a + b, and what the rounding lost (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _to_odd(total: Array, lost: Array) -> Array:
    """The sum, its last bit odd unless it is exact: a second, coarser rounding then does no harm (Boldo, 2008)."""
    even = total.view(np.int64) & 1 == 0
    return np.where(even & (lost != 0), np.nextafter(total, np.copysign(np.inf, lost)), total)


def _fma32(a: Array, b: Any, c: Any) -> Array:
    """a * b + c rounded once to float32. In float64 the product is exact, the sum near enough but at midpoints."""
    product = np.multiply(a, b, dtype=float64)
    total = product + c
    if ((total.view(np.int64) & 0x1FFFFFFF) == 0x10000000).any():  # one in 2**29
        total = _to_odd(*_two_sum(product, c))
    return total.astype(float32)


def _fma64(a: Array, b: Any, c: Any) -> Array:
    """a * b + c rounded once to float64, for products from 1e-290 on (smaller ones lose their error to underflow)."""
    with np.errstate(over="ignore", invalid="ignore"):
        a1, b1 = (v * 134217729.0 - (v * 134217729.0 - v) for v in (a, b))  # the upper halves of their digits (Dekker)
        a2, b2 = a - a1, b - b1
        product = a * b
        high, low = _two_sum(((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2, c)
        high, rest = _two_sum(product, high)
        fused = high + _to_odd(*_two_sum(low, rest))
        return np.where(np.isnan(fused) | (fused == 0), product + c, fused)  # overflow on the way, and the sign of zero


def _scaled(z: Array, scale: Any, shift: Any) -> Array:
    """z * scale + shift rounded once, in the dtype of z."""
    scale, shift = z.dtype.type(scale), z.dtype.type(shift)
    if scale == 1:
        return z + shift
    return _fma32(z, scale, shift) if z.dtype == float32 else _fma64(z, scale, shift)


def _polynomial(x: Array, *coefficients: float) -> Array:
    y: Any = float32(coefficients[0])
    for c in coefficients[1:]:
        y = _fma32(x, y, float32(c))
    return y


def _log(x: Array) -> Array:
    """Natural logarithm of float32 in (0, 1]: x = m * 2**e with m near 1; a polynomial in m - 1, plus e * log 2."""
    m, e = np.frexp(x)
    small = m < float32(math.sqrt(0.5))
    e = (e - small).astype(float32)
    m = np.where(small, m + m, m) - float32(1)
    z = m * m
    y = m * _polynomial(
        m, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )  # fmt: skip
    y = _fma32(y, z, e * float32(-2.12194440e-4)) - float32(0.5) * z
    return _fma32(e, float32(0.693359375), m + y)


def _sin_cos(x: Array) -> tuple[Array, Array]:
    """Sine and cosine of float32 >= 0, by polynomials in what is left of x after an even number of octants (pi/4)"""
    octant: Any = (x * float32(4 / math.pi)).astype(np.int32) + 1 & ~1
    for part in (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8):  # pi/4 in three pieces
        x = _fma32(octant.astype(float32), float32(-part), x)
    z = x * x
    cos = _polynomial(z, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
    cos = _fma32(cos * z, z, float32(-0.5) * z) + float32(1)
    sin: Any = _polynomial(z, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
    sin = _fma32(sin * z, x, x)
    swap = octant & 2 != 0
    sin, cos = np.where(swap, cos, sin), np.where(swap, sin, cos)
    return np.where(octant & 4, -sin, sin), np.where((octant - 2) & 4, cos, -cos)


def _box_muller(u: Array) -> Array:
    """Standard normals from blocks of 16 uniforms, in each of which entry j makes a pair with entry j + 8."""
    pairs = u.reshape(-1, 2, 8)
    u1, angle = 1 - pairs[:, 0], u.dtype.type(2 * math.pi) * pairs[:, 1]
    if u.dtype == float32:
        log, (sin, cos) = _log(u1), _sin_cos(angle)
    else:
        log, sin, cos = _each(math.log, u1), _each(math.sin, angle), _each(math.cos, angle)
    radius = np.sqrt(-2 * log)
    return np.stack([radius * cos, radius * sin], 1).ravel()


# ------------------------------------------------------------------ filling a tensor: Tensor's methods of these names


def _fill(t: Tensor, generator: Any, draw: Callable[[Generator, int], Array]) -> Tensor:
    """Write the numbers that `draw` takes from a generator, in the order of t's memory, as torch does; returns t."""
    stream = default_generator if generator is None else generator
    if not isinstance(stream, Generator):
        raise TypeError(f"'generator' must be a torch.Generator, not {type(generator).__name__}")
    with t._write() as array:
        ordered = array.transpose(slowest_first(array))
        ordered[...] = draw(stream, array.size).reshape(ordered.shape)
    return t


def _float_type(t: Tensor, kernel: str) -> type[np.floating[Any]]:
    """The NumPy type of t; NotImplementedError, naming torch's kernel, unless floats of it are drawn."""
    if t.dtype not in (dtypes.float32, dtypes.float64):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{t.dtype.legacy}'")
    return t.dtype.numpy.type


def uniform_(t: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with floats of [from_, to). RuntimeError if from_ > to, or if t's dtype does not hold their distance."""
    kind, low, high = _float_type(t, "check_uniform_bounds"), float(from_), float(to)
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if not high - low <= np.finfo(kind).max:
        raise RuntimeError(f"uniform_ expects from={low:g} and to={high:g} no farther apart than {t.dtype} reaches")

    def draw(stream: Generator, n: int) -> Array:
        values = _scaled(stream.random(n, kind), kind(high) - kind(low), low)
        values[values == high] = low
        return values

    return _fill(t, generator, draw)


def normal_(t: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with normals of the given mean and standard deviation. RuntimeError if std is negative."""
    kind, whole = _float_type(t, "normal_kernel_cpu"), t.is_contiguous()
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    return _fill(t, generator, lambda stream, n: _scaled(stream.standard_normal(n, kind, whole), std, mean))


def bernoulli_(t: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones, with probability p each (a number, or a float tensor that broadcasts to t), and zeros."""
    kind: Any = float64
    if isinstance(p, graph.Tensor):
        kind, chances = _float_type(p, "bernoulli_tensor_cpu_p_"), p.detach().expand(t.shape).numpy()
        chances = chances.transpose(slowest_first(t._storage())).ravel()
    else:
        chances = np.float64(p)
    if not np.all((chances >= 0) & (chances <= 1)):
        raise RuntimeError("bernoulli expects every p to be in [0, 1]")
    return _fill(t, generator, lambda stream, n: stream.random(n, kind) < chances)


def _integers(t: Tensor, low: int, high: int, *, generator: Generator | None = None) -> Tensor:
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    _check_holds(t.dtype, low, high - 1)
    return _fill(t, generator, lambda stream, n: stream.integers(n, low, high))


def _permutation(t: Tensor, *, generator: Generator | None = None) -> Tensor:
    _check_holds(t.dtype, max(t.numel() - 1, 0))
    return _fill(t, generator, Generator.permutation)


def _exponential(t: Tensor, *, generator: Generator | None = None) -> Tensor:
    return _fill(t, generator, Generator.exponential)


def _check_holds(d: DType, *values: int) -> None:
    for value in values:
        if np.array(value).astype(d.numpy) != value:
            raise RuntimeError(f"{d} does not hold {value}")


# ------------------------------------------------------------------ new tensors


manual_seed, initial_seed, seed = default_generator.manual_seed, default_generator.initial_seed, default_generator.seed
get_rng_state, set_rng_state = default_generator.get_state, default_generator.set_state


def _new(
    name: str, of: Any, fill: Callable[..., Tensor], *parameters: Any, size: Any = None, generator: Any = None,
    out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor filled by `fill(t, *parameters)`: of these sizes, or of a tensor's shape, dtype and layout."""
    from .creation import _shape

    dtypes.check_device(device)
    if isinstance(of, tuple):
        shape = _shape(of if size is None else (size,), name)
        t: Tensor = wrap(np.empty(shape, (dtype or dtypes.get_default_dtype()).numpy))
    elif isinstance(of, graph.Tensor):
        t = wrap(empty_like(of._array, (dtype or of.dtype).numpy))
    else:
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(of).__name__}")
    if out is not None and out.shape != t.shape:
        raise RuntimeError(f"{name}(): out= has shape {tuple(out.shape)}, the result {tuple(t.shape)}")
    t = fill(t if out is None else out, *parameters, generator=generator)
    return t.requires_grad_() if requires_grad else t


def rand(*size: Any, **options: Any) -> Tensor:
    """Uniform floats of [0, 1). Options, here and below: generator, out, dtype, device, requires_grad."""
    return _new("rand", size, uniform_, **options)


def randn(*size: Any, **options: Any) -> Tensor:
    """Standard normals."""
    return _new("randn", size, normal_, **options)


def rand_like(input: Tensor, **options: Any) -> Tensor:
    """Uniform floats of [0, 1) with the shape, dtype and layout of `input`."""
    return _new("rand_like", input, uniform_, **options)


def randn_like(input: Tensor, **options: Any) -> Tensor:
    """Standard normals with the shape, dtype and layout of `input`."""
    return _new("randn_like", input, normal_, **options)


def randint(low: Any = 0, high: Any = None, size: Any = None, *, dtype: Any = None, **options: Any) -> Tensor:
    """`randint(low=0, high, size)`: integers from low to high - 1; int64 unless `dtype` says otherwise."""
    if size is None:  # randint(high, size)
        low, high, size = 0, low, high
    elif high is None:  # randint(high, size=size)
        low, high = 0, low
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint(): argument 'size' (position 3) must be tuple of ints, not {type(size).__name__}")
    bounds = operator.index(low), operator.index(high)
    return _new("randint", tuple(size), _integers, *bounds, dtype=dtype or dtypes.int64, **options)


def randperm(n: int, *, dtype: Any = None, **options: Any) -> Tensor:
    """The integers 0 to n - 1 in random order. RuntimeError if n is negative, or if dtype does not hold n - 1."""
    return _new("randperm", (n,), _permutation, dtype=dtype or dtypes.int64, **options)


@differentiable(name="NormalBackward3", mean=lambda g: g * 0.0, std=lambda g: g * 0.0)
def _normal_sample(mean: Array, std: Array, drawn: Array) -> Array:
    return drawn


def normal(mean: Any, std: Any = 1.0, size: Any = None, **options: Any) -> Tensor:
    """Normals of a size; or, where mean or std is a tensor, one for each of their elements. RuntimeError if std < 0.

    The gradient of mean and std is zero, as in torch; that of the formula has `mean + std * torch.randn_like(std)`.
    """
    if size is not None:
        mean, std = as_number("normal", "mean", mean), as_number("normal", "std", std)
    tensors = [x for x in (mean, std) if isinstance(x, graph.Tensor)]
    if not tensors:
        if size is None:
            raise TypeError("normal() of two numbers needs a size: torch.normal(mean, std, (rows, columns))")
        return _new("normal", tuple(size), normal_, mean, std, **options)
    shape, own = (mean + std).shape, std is tensors[-1]  # RuntimeError if the shapes do not broadcast
    if own and (std < 0).any():
        raise RuntimeError(f"normal expects all elements of std >= 0.0, but found {std.min().item():g}")
    with no_grad():
        drawn = _new("normal", shape, normal_, 0.0, 1.0 if own else std, dtype=tensors[0].dtype, **options)
        drawn = (drawn.mul_(std) if own else drawn).add_(mean)
    return _normal_sample(mean, std, drawn._array)  # type: ignore[no-any-return]


@differentiable(name="BernoulliBackward0", p=lambda g: g * 0.0)
def _bernoulli_sample(p: Array, drawn: Array) -> Array:
    return drawn


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """Ones and zeros in the shape and dtype of `input`: ones with the probabilities in it, or with probability p."""
    chances = input if p is None else as_number("bernoulli", "p", p)
    drawn = _new("bernoulli", input.shape, bernoulli_, chances, dtype=input.dtype, generator=generator)
    return _bernoulli_sample(input, drawn._array)  # type: ignore[no-any-return]


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Indices drawn with the weights in `input`, which is (n,) or (rows, n): int64, num_samples for each row.

    RuntimeError if weights are negative, not finite or all zero, or, without replacement, fewer than num_samples.
    """
    weights = input.detach().numpy()
    if weights.ndim not in (1, 2) or not input.dtype.is_floating_point:
        raise RuntimeError(f"multinomial needs floats of 1 or 2 dimensions, not {input.dtype} of {weights.ndim}")
    if num_samples <= 0 or not replacement and num_samples > weights.shape[-1]:
        raise RuntimeError(f"multinomial cannot draw {num_samples} of {weights.shape[-1]} without replacement")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (weights.sum(-1) <= 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if not replacement or num_samples == 1:  # a race that the largest weight / exponential wins, then the next, ...
        race = weights / _new("multinomial", input, _exponential, generator=generator)._array
        return wrap(np.argsort(-race, axis=-1, kind="stable")[..., :num_samples].copy())  # type: ignore[no-any-return]
    rows = weights.reshape(-1, weights.shape[-1]).cumsum(-1)
    points = rand(len(rows), num_samples, dtype=dtypes.float64, generator=generator)._array
    drawn = [np.searchsorted((row / row[-1])[:-1], u) for row, u in zip(rows, points)]
    return wrap(np.array(drawn).reshape(*weights.shape[:-1], num_samples))  # type: ignore[no-any-return]
