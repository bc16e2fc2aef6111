
"""Random streams against torch: after any sequence of calls, every number drawn has torch's bits."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

import minigrad

ENGINES = (torch, minigrad)
SEEDS = st.one_of(st.integers(0, 100), st.integers(-(2**63), 2**64 - 1))
FLOATS = st.sampled_from(["float32", "float64"])
INTEGERS = st.sampled_from(["uint8", "int8", "int16", "int32", "int64"])
# 16 and its multiples are where the way of drawing normals changes.
SIZES = st.one_of(st.sampled_from([0, 1, 2, 3, 15, 16, 17, 31, 32, 33]), st.integers(0, 300))
SHAPES = st.one_of(
    SIZES.map(lambda n: (n,)), st.tuples(), st.lists(st.integers(0, 7), min_size=2, max_size=3).map(tuple)
)
BOUND = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(-5, 5, width=32),
    st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-30),
)
LAYOUTS = st.sampled_from(["contiguous", "transposed", "strided", "permuted"])


def laid_out(m, shape, layout, dtype):
    """A tensor of zeros of the given shape whose memory lies as `layout` says."""
    dtype = getattr(m, dtype)
    if layout == "transposed" and len(shape) >= 2:
        return m.zeros(shape[1], shape[0], *shape[2:], dtype=dtype).transpose(0, 1)
    if layout == "strided" and len(shape) >= 1:
        return m.zeros(*shape[:-1], 2 * shape[-1], dtype=dtype)[
            (slice(None),) * (len(shape) - 1) + (slice(None, None, 2),)
        ]
    if layout == "permuted" and len(shape) == 3:
        return m.zeros(shape[1], shape[2], shape[0], dtype=dtype).permute(2, 0, 1)
    return m.zeros(shape, dtype=dtype)


def made(name, *args, shape, dtype, **options):
    return lambda m, g: getattr(m, name)(*args, shape, dtype=getattr(m, dtype), generator=g, **options)


def filled(name, *args, shape, layout, dtype):
    return lambda m, g: getattr(laid_out(m, shape, layout, dtype), name)(*args, generator=g)


def like(name, *args, shape, layout, dtype):
    return lambda m, g: getattr(m, name)(laid_out(m, shape, layout, dtype), *args, generator=g)


@st.composite
def call(draw):
    """(how it reads, what to do with an engine and a generator)"""
    kind = draw(
        st.sampled_from(
            "rand randn normal normal_tensors randint randperm uniform_ normal_ bernoulli_ "
            "rand_like randn_like bernoulli bernoulli_p bernoulli_tensor_ multinomial".split()
        )
    )
    shape, layout, dtype = draw(SHAPES), draw(LAYOUTS), draw(FLOATS)
    low, high = sorted((draw(BOUND), draw(BOUND)))
    span = draw(
        st.sampled_from([(0, 10), (-7, 9), (0, 2**28 - 1), (0, 2**28), (-(2**40), 2**50), (-(2**63), 2**63 - 1)])
    )
    short = (draw(st.integers(0, 50)), draw(st.integers(51, 127)))
    holds_all = draw(st.sampled_from(["int32", "int64", "float32", "float64"]) if span[1] < 2**20 else st.just("int64"))
    any_dtype = draw(st.one_of(FLOATS, INTEGERS, st.just("bool")))
    p = draw(st.floats(0, 1))
    table = {
        "rand": made("rand", shape=shape, dtype=dtype),
        "randn": made("randn", shape=shape, dtype=dtype),
        "normal": made("normal", low, high - low, shape=shape, dtype=dtype),
        "randint": made("randint", *span, shape=shape, dtype=holds_all),
        "randperm": lambda m, g: m.randperm(math.prod(shape), generator=g),
        "uniform_": filled("uniform_", low, high, shape=shape, layout=layout, dtype=dtype),
        "normal_": filled("normal_", low, high - low, shape=shape, layout=layout, dtype=dtype),
        "bernoulli_": filled("bernoulli_", p, shape=shape, layout=layout, dtype=any_dtype),
        "rand_like": like("rand_like", shape=shape, layout=layout, dtype=dtype),
        "randn_like": like("randn_like", shape=shape, layout=layout, dtype=dtype),
        "bernoulli": lambda m, g: m.bernoulli((laid_out(m, shape, layout, dtype) + 1) * p, generator=g),
        "bernoulli_p": lambda m, g: m.bernoulli(laid_out(m, shape, layout, any_dtype), p, generator=g),
        "bernoulli_tensor_": lambda m, g: laid_out(m, shape, layout, "float32").bernoulli_(
            m.tensor(p, dtype=getattr(m, dtype)), generator=g
        ),
        "normal_tensors": lambda m, g: [
            m.normal(laid_out(m, shape, layout, dtype) + low, high - low, generator=g),
            m.normal(low, laid_out(m, shape, layout, dtype) + abs(high), generator=g),
            m.normal(laid_out(m, shape, layout, dtype) - 1 / 3, m.ones(shape, dtype=getattr(m, dtype)) * p, generator=g),
        ],
        "multinomial": lambda m, g: [
            m.multinomial(m.arange(1.0, 13.0, dtype=getattr(m, dtype)).reshape(2, 6).t(), 2, generator=g),
            m.multinomial(m.tensor([0.1, p, 3.0], dtype=getattr(m, dtype)), 40, True, generator=g),
            m.multinomial(m.tensor([[0.1, p, 3.0], [1.0, 1.0, 0.0]], dtype=getattr(m, dtype)), 1, True, generator=g),
        ],
    }  # fmt: skip
    about = f"{kind} shape={shape} {layout} {dtype}/{holds_all}/{any_dtype} low={low} high={high} {span} {short} p={p}"
    return about, table[kind]


def same_bits(theirs, ours, what):
    if isinstance(theirs, list):
        for a, b in zip(theirs, ours):
            same_bits(a, b, what)
        return
    a, b = theirs.numpy(), ours.numpy()
    layouts = [[s for s, n in zip(t.stride(), t.shape) if n > 1] for t in (theirs, ours)]
    assert (a.shape, a.dtype) == (b.shape, b.dtype) and (a.size == 0 or layouts[0] == layouts[1]), what
    assert a.tobytes() == b.tobytes(), f"{what}\ntorch    {a.ravel()[:20]}\nminigrad {b.ravel()[:20]}"


@settings(max_examples=400, deadline=None)
@given(seed=SEEDS, calls=st.lists(call(), min_size=1, max_size=8), own=st.booleans())
def test_every_draw_has_torchs_bits_and_leaves_torchs_state(seed, calls, own):
    generators = []
    for m in ENGINES:
        generator = m.Generator() if own else None
        (generator or m).manual_seed(seed)
        generators.append(generator)
    for about, do in calls:
        theirs, ours = (do(m, g) for m, g in zip(ENGINES, generators))
        same_bits(theirs, ours, f"seed {seed}, {about}")
    states = [g.get_state() if own else m.get_rng_state() for m, g in zip(ENGINES, generators)]
    same_bits(*states, "the state")
    seeds = [(g or m).initial_seed() for m, g in zip(ENGINES, generators)]
    assert seeds == [seed % 2**64] * 2


@pytest.mark.parametrize("dtype, n", [("float32", 3_000_003), ("float64", 200_005)])
def test_a_long_row_of_normals_has_torchs_bits(dtype, n):
    for seed in (0, 2017):
        theirs, ours = (m.manual_seed(seed) and m.randn(n, dtype=getattr(m, dtype)) for m in ENGINES)
        same_bits(theirs, ours, f"randn({n}), seed {seed}")


def test_floats_of_16_bits_are_refused():
    for draw in (minigrad.rand, minigrad.randn):
        with pytest.raises(NotImplementedError, match="not implemented for 'Half'"):
            draw(2, dtype=minigrad.float16)


def test_a_state_taken_in_one_engine_goes_on_in_the_other():
    for theirs, ours in (ENGINES, ENGINES[::-1]):
        theirs.manual_seed(-77)
        theirs.randn(5)  # leaves a spare normal
        ours.set_rng_state(ours.from_numpy(theirs.get_rng_state().numpy().copy()))
        assert ours.initial_seed() == theirs.initial_seed()
        for n in (1, 700, 3, 16):
            same_bits(theirs.randn(n), ours.randn(n), "after the change of engine")


def test_a_shuffle_of_many_has_torchs_bits():
    same_bits(*(m.manual_seed(9) and m.randperm(100_000) for m in ENGINES), "randperm(100_000)")


REFUSED = [
    ("empty(3).uniform_(2, 1)", RuntimeError),
    ("empty(3).uniform_(0, float('inf'))", RuntimeError),
    ("empty(3).uniform_(float('nan'), 1)", RuntimeError),
    ("empty(3).uniform_(-3e38, 3e38)", RuntimeError),
    ("empty(3).normal_(0, -1)", RuntimeError),
    ("empty(3).normal_(0, float('nan'))", RuntimeError),
    ("normal(0., -1., (3,))", RuntimeError),
    ("normal(zeros(3), -ones(3))", RuntimeError),
    ("normal(zeros(3), ones(2))", RuntimeError),
    ("normal(1., 2.)", TypeError),
    ("normal(0, 1, 3)", TypeError),
    ("normal(zeros(3, dtype=int64), 1.)", NotImplementedError),
    ("randint(5, 5, (2,))", RuntimeError),
    ("randint(3)", TypeError),
    ("randint(0, 10, 3)", TypeError),
    ("randint(5.5, (2,))", TypeError),
    ("randint(0, 300, (2,), dtype=uint8)", RuntimeError),
    ("randint(-200, 0, (2,), dtype=int8)", RuntimeError),
    ("randint(10, (3,), dtype=bool)", RuntimeError),
    ("empty(3).bernoulli_(1.5)", RuntimeError),
    ("empty(3).bernoulli_(tensor([0., 2., 0.]))", RuntimeError),
    ("empty(3).bernoulli_(ones(2) * .3)", RuntimeError),
    ("bernoulli(tensor([1.5]))", RuntimeError),
    ("bernoulli(tensor([1]))", NotImplementedError),
    ("rand(3, dtype=int64)", NotImplementedError),
    ("randn(3, dtype=int64)", NotImplementedError),
    ("rand(2.)", TypeError),
    ("rand('a')", TypeError),
    ("rand(-1)", RuntimeError),
    ("rand(2, generator=3)", TypeError),
    ("rand(2, colour=3)", TypeError),
    ("rand_like(3)", TypeError),
    ("randperm(-1)", RuntimeError),
    ("randperm(3.)", TypeError),
    ("randperm(300, dtype=uint8)", RuntimeError),
    ("randperm(3, requires_grad=True)", RuntimeError),
    ("multinomial(zeros(2), 1)", RuntimeError),
    ("multinomial(zeros(2), 2, True)", RuntimeError),
    ("multinomial(tensor([1., -1.]), 1)", RuntimeError),
    ("multinomial(tensor([1., float('nan')]), 2, True)", RuntimeError),
    ("multinomial(ones(2), 3)", RuntimeError),
    ("multinomial(ones(2), 0)", RuntimeError),
    ("multinomial(ones(2, 3, 4), 1)", RuntimeError),
    ("multinomial(ones(2, dtype=int64), 1)", RuntimeError),
    ("manual_seed(2**64)", ValueError),
    ("manual_seed(-2**63 - 1)", ValueError),
    ("manual_seed('a')", ValueError),
    ("set_rng_state(zeros(3))", TypeError),
    ("set_rng_state(zeros(3, dtype=uint8))", RuntimeError),
    ("set_rng_state(zeros(5056, dtype=uint8))", RuntimeError),
    ("ones(3, requires_grad=True).uniform_()", RuntimeError),
    ("ones(3).expand(2, 3).normal_()", RuntimeError),
]  # fmt: skip


@pytest.mark.parametrize("call, error", REFUSED)
def test_what_torch_refuses_is_refused_alike_and_draws_nothing(call, error):
    for m in ENGINES:
        m.manual_seed(5)
        names = {**vars(m), **{name: getattr(m, name) for name in ("bool", "int64", "uint8", "int8")}, "float": float}
        with pytest.raises(error):
            eval(call, names)
        if m is minigrad and "requires_grad" not in call:  # torch draws before it refuses some of them
            assert m.rand(1).item() == m.rand(1, generator=m.Generator().manual_seed(5)).item(), "the refused call drew"


def test_accepted_forms_of_the_arguments():
    for call in (
        "rand()", "rand(())", "rand([])", "rand([2, 3])", "rand((2, 3))", "rand(2, 3)", "rand(size=(2,))", "rand(np.int64(2))",
        "randint(10, (3,))", "randint(10, size=(3,))", "randint(high=10, size=(3,))", "randint(low=3, high=10, size=[2])",
        "randint(0, 5, ())", "randint(0, 2, (9,), dtype=m.bool)", "randint(2**63 - 1, (3,))", "randint(np.int64(5), (3,))",
        "randperm(5, dtype=m.float32)", "randperm(np.int64(4))", "normal(mean=0, std=1, size=(2, 2))", "normal(0, 1, [3])", "normal(m.zeros(3))",
        "empty(3).normal_(mean=1, std=2)",
        "empty(3).uniform_(1, 1)", "rand(4, out=m.empty(4))", "rand_like(m.zeros(2, requires_grad=True))",
        "bernoulli(m.ones(9) * .5, p=.3)", "multinomial(m.ones(2, 3), num_samples=2, replacement=True)", "rand(2, device='cpu')",
    ):  # fmt: skip
        if call == "rand()":
            continue  # torch asks for a size
        results = [m.manual_seed(1) and eval(f"m.{call}", {"m": m, "np": np}) for m in ENGINES]
        same_bits(*results, call)
        assert results[0].requires_grad == results[1].requires_grad, call
    for m in ENGINES:
        assert m.randn(2, requires_grad=True).is_leaf and m.randn(2, requires_grad=True).requires_grad


def test_the_gradient_of_a_draw_is_zero():
    for m in ENGINES:
        mean, std, p = (m.full((3,), 0.5, requires_grad=True) for _ in range(3))
        pull = m.tensor([1.0, -2.0, 3.0])
        (m.normal(mean, std) * pull).sum().backward()
        (m.bernoulli(p) * pull).sum().backward()
        for x in (mean, std, p):
            assert x.grad.tolist() == [0.0, 0.0, 0.0]
    assert repr(minigrad.bernoulli(p)).endswith("grad_fn=<BernoulliBackward0>)")


# ---- what draws from the streams

INIT = {
    "uniform_": lambda i, t, a, b: i.uniform_(t, -a, b),
    "normal_": lambda i, t, a, b: i.normal_(t, -a, b),
    "trunc_normal_": lambda i, t, a, b: i.trunc_normal_(t, 0.1, b, -b - 0.2, b + 0.1),
    "xavier_uniform_": lambda i, t, a, b: i.xavier_uniform_(t, gain=a),
    "xavier_normal_": lambda i, t, a, b: i.xavier_normal_(t, a),
    "kaiming_uniform_": lambda i, t, a, b: i.kaiming_uniform_(t, a, "fan_out"),
    "kaiming_uniform_relu": lambda i, t, a, b: i.kaiming_uniform_(t, nonlinearity="relu"),
    "kaiming_normal_": lambda i, t, a, b: i.kaiming_normal_(t, a=a),
    "kaiming_normal_tanh": lambda i, t, a, b: i.kaiming_normal_(t, mode="fan_in", nonlinearity="tanh"),
    "constant_": lambda i, t, a, b: i.constant_(t, a),
    "ones_": lambda i, t, a, b: i.ones_(t),
    "zeros_": lambda i, t, a, b: i.zeros_(t),
    "eye_": lambda i, t, a, b: i.eye_(t if t.dim() == 2 else t.reshape(t.shape[0], -1)),
}


@settings(max_examples=150, deadline=None)
@given(
    SEEDS,
    st.lists(st.integers(1, 9), min_size=2, max_size=3),
    FLOATS,
    st.sampled_from([*INIT]),
    st.floats(0.01, 3),
    st.floats(0.01, 3),
)
def test_init_fills_with_torchs_bits(seed, shape, dtype, name, a, b):
    filled = []
    for m in ENGINES:
        m.manual_seed(seed)
        t = m.zeros(shape, dtype=getattr(m, dtype), requires_grad=name != "eye_")
        result = INIT[name](m.nn.init, t, a, b)
        assert result.requires_grad is t.requires_grad and result.grad_fn is None
        assert result is t or name == "eye_"
        filled.append([result.detach(), m.get_rng_state()])
    same_bits(*filled, f"{name} {shape} {dtype} seed {seed} a={a} b={b}")


def test_gains_are_torchs():
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert torch.nn.init.calculate_gain(name) == minigrad.nn.init.calculate_gain(name)
    assert torch.nn.init.calculate_gain("leaky_relu", 0.3) == minigrad.nn.init.calculate_gain("leaky_relu", 0.3)


@pytest.mark.parametrize(
    "call",
    [
        "xavier_uniform_(m.ones(3))", "kaiming_normal_(m.ones(3))", "kaiming_normal_(m.ones(3, 2), nonlinearity='foo')",
        "kaiming_uniform_(m.ones(3, 2), mode='fan')", "eye_(m.ones(3))", "calculate_gain('foo')", "calculate_gain('leaky_relu', 'a')",
    ],
)  # fmt: skip
def test_init_refuses_what_torch_refuses_with_its_words(call):
    texts = []
    for m in ENGINES:
        with pytest.raises(ValueError) as refused:
            eval(f"m.nn.init.{call}", {"m": m})
        texts.append(str(refused.value))
    assert texts[0] == texts[1]


def test_old_names_of_init_warn_and_fill():
    for name in ("uniform", "normal", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "eye"):
        filled = []
        for m in ENGINES:
            m.manual_seed(4)
            with pytest.warns(
                FutureWarning, match=f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`."
            ):
                filled.append(getattr(m.nn.init, name)(m.zeros(3, 4)))
        same_bits(*filled, name)


def layers(m):
    nn = m.nn
    yield nn.Linear(7, 3)
    yield nn.Linear(2, 20, bias=False)
    yield nn.Linear(1, 16, dtype=m.float64)
    yield nn.Embedding(5, 4)
    yield nn.Embedding(5, 4, padding_idx=1)
    yield nn.BatchNorm1d(3)
    yield nn.LayerNorm(4)
    yield nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 6))


@pytest.mark.parametrize("seed", [0, 1, 42, -5, 2**40])
def test_layers_start_with_torchs_parameters(seed):
    parameters = []
    for m in ENGINES:
        m.manual_seed(seed)
        parameters.append([p.detach() for layer in layers(m) for p in layer.parameters()] + [m.get_rng_state()])
    same_bits(*parameters, f"layers, seed {seed}")


@settings(max_examples=80, deadline=None)
@given(
    SEEDS,
    st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
    LAYOUTS,
    FLOATS,
    st.floats(0, 1),
    st.booleans(),
)
def test_dropout_keeps_what_torch_keeps(seed, shape, layout, dtype, p, training):
    kept = []
    for m in ENGINES:
        m.manual_seed(seed)
        x = laid_out(m, shape, layout, dtype) + 1 / 3
        module = m.nn.Dropout(p).train(training)
        kept.append([module(x), m.nn.functional.dropout(x, p, training=True), m.rand(1)])
    for theirs, ours in zip(*kept):
        assert theirs.tolist() == ours.tolist(), f"p={p} {shape} {layout} {dtype} seed {seed}"


def epochs(m, n, options, own):
    data = m.utils.data
    generator = m.Generator().manual_seed(17) if own else None
    loader = data.DataLoader(data.TensorDataset(m.arange(n)), generator=generator, **options)
    seen = []
    for _ in range(2):
        seen += [batch.tolist() for (batch,) in loader]
        seen.append(m.randn(3).tolist())  # what the user draws between the epochs
    return seen


def samples(m, n, own):
    data = m.utils.data
    generator = m.Generator().manual_seed(17) if own else None
    yield [list(part) for part in data.random_split(range(n), [0.5, 0.3, 0.2], generator=generator)]
    yield [list(part) for part in data.random_split(range(n), [n - 1, 1], generator=generator)]
    yield list(data.RandomSampler(range(n), generator=generator))
    yield list(data.RandomSampler(range(n), replacement=True, num_samples=2 * n + 40, generator=generator))
    yield list(data.RandomSampler(range(n), num_samples=n + 3, generator=generator))
    yield list(data.SubsetRandomSampler([3 * i for i in range(n)], generator=generator))
    yield list(data.BatchSampler(data.RandomSampler(range(n), generator=generator), 3, False))
    yield m.rand(3).tolist()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("n", [1, 7, 40])
def test_data_comes_in_torchs_order_and_leaves_torchs_state(n, own):
    import torch.utils.data  # noqa: F401

    for seed in (0, 3, 2**33):
        for options in ({}, {"batch_size": 3, "shuffle": True}, {"batch_size": 4, "shuffle": True, "drop_last": True}):
            theirs, ours = (m.manual_seed(seed) and epochs(m, n, options, own) for m in ENGINES)
            assert theirs == ours, f"{options} seed {seed}"
        theirs, ours = (m.manual_seed(seed) and list(samples(m, n, own)) for m in ENGINES)
        assert theirs == ours, f"seed {seed}"
