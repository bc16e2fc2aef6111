"""Printed tensors against torch: not one character differs, over drawn values, shapes, dtypes, options and graphs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad

ENGINES = (torch, minigrad)
DRAWN = 900  # a test, of eight; with those under drawn options 10,800 tensors


@pytest.fixture(autouse=True)
def default_options():
    yield
    for m in ENGINES:
        m.set_printoptions(profile="default")
        m.set_default_dtype(m.float32)


def drawn_array(rng):
    """An array of a shape and kind that brings out a rule of printing: sizes around the limits, values at the
    thresholds."""
    side = [0, 1, 2, 3, 5, 6, 7, 8, 20, 40, 70, rng.integers(0, 300)]
    shape = tuple(int(rng.choice(side)) for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 2, 3, 4])))
    while np.prod(shape, dtype=float) > 12_000:
        shape = shape[1:]
    x = rng.standard_normal(shape)
    at_the_thresholds = [1000.0, 1.0, 0.001, 1e-4, 9.9999e-5, 1e8, 1.0001e8, 999.99996, -1.5, 99999.5, 0.99999]
    special = np.where(
        rng.random(shape) < 0.4, rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], shape), np.round(x * 30)
    )
    kinds = {
        "normal": lambda: x,
        "whole": lambda: np.round(x * 10.0 ** rng.integers(0, 9)),
        "scaled": lambda: x * 10.0 ** rng.integers(-12, 12),
        "mixed": lambda: x * 10.0 ** rng.integers(-6, 6, shape),
        "special": lambda: special if rng.random() < 0.5 else np.where(np.isfinite(special), x, special),
        "zeros": lambda: x * rng.choice([0.0, -0.0, np.nan]),
        "edge": lambda: rng.choice(at_the_thresholds, shape),
        "integer": lambda: (x * 10.0 ** rng.integers(0, 15)).astype(np.int64),
        "bool": lambda: x > 0,
    }
    kind = rng.choice([*kinds])
    x = np.asarray(kinds[kind]())
    if kind == "integer":
        return x.astype(rng.choice(["int64", "int64", "int32", "int16", "int8", "uint8"]))
    with np.errstate(over="ignore"):
        return x if kind == "bool" else x.astype(rng.choice(["float32", "float32", "float64", "float16"]))


def both(array, requires_grad=False, f=lambda x: x):
    out = []
    for m in ENGINES:
        x = m.tensor(array.copy(), dtype=getattr(m, array.dtype.name))
        out.append(f(x.requires_grad_() if requires_grad else x))
    return out


def check(theirs, ours):
    for show in (repr, str, "{}".format, "%s".__mod__):
        assert show(theirs) == show(ours), f"\ntorch\n{show(theirs)}\nminigrad\n{show(ours)}"


@pytest.mark.parametrize("seed", range(8))
def test_drawn_tensors_print_alike(seed):
    rng = np.random.default_rng(seed)
    for _ in range(DRAWN):
        array = drawn_array(rng)
        floats = array.dtype.kind == "f"
        check(*both(array, requires_grad=floats and rng.random() < 0.4))


@pytest.mark.parametrize("seed", range(4))
def test_drawn_tensors_print_alike_under_drawn_options(seed):
    rng = np.random.default_rng(100 + seed)

    def maybe(*choices):
        return choices[rng.integers(len(choices))]

    for _ in range(DRAWN // 3):
        options = {
            "precision": maybe(None, 0, 1, 2, 8, 17),
            "threshold": maybe(None, 0, 5, 50, 1000, float("inf")),
            "edgeitems": maybe(None, 0, 1, 2, 5),
            "linewidth": maybe(None, 10, 20, 40, 79, 120),
            "profile": maybe(None, None, "default", "short", "full"),
            "sci_mode": maybe(None, None, True, False),
        }
        for m in ENGINES:
            m.set_printoptions(**options)
        for _ in range(3):
            check(*both(drawn_array(rng)))


@pytest.mark.parametrize("seed", range(2))
def test_grad_fn_notes_wrap_alike(seed):
    rng = np.random.default_rng(200 + seed)
    for _ in range(300):
        array = rng.standard_normal(int(rng.integers(1, 12)))
        for f in (
            lambda x: x * 2,
            lambda x: x.clone(),
            lambda x: x.max(),
            lambda x: x.unsqueeze(0),
            lambda x: x.reshape(-1, 1),
        ):
            check(*both(array.astype(rng.choice(["float32", "float64"])), True, f))


@pytest.mark.parametrize("default", ["float32", "float64", "float16"])
def test_the_dtype_note_follows_the_default_dtype(default):
    for m in ENGINES:
        m.set_default_dtype(getattr(m, default))
    for dtype in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"):
        for shape in ((), (2,), (0,), (0, 3)):
            check(*both(np.ones(shape, dtype)))


# The ops that minigrad has under torch's names of their nodes: one float argument x of shape (2, 3), all above 0.
GRAD_FNS = """
x + 1 | 1 + x | x + x | x - 1 | 1 - x | x * 2 | x / 2 | 1 / x | -x | x ** 2 | x ** x | 2 ** x | x @ x.t()
x.mm(x.t()) | x.mv(x[0]) | x[0].dot(x[1]) | x.sum() | x.sum(0) | x.mean() | x.mean(1) | x.max()
x.max(1)[0] | x.min() | x.exp() | x.log() | x.sqrt() | x.abs() | x.sin() | x.cos() | x.tanh() | x.sigmoid()
x.relu() | x.reshape(3, 2) | x.view(6) | x.t() | x.T | x.transpose(0, 1) | x.permute(1, 0) | x.unsqueeze(0)
x.unsqueeze(0).squeeze() | x.unsqueeze(0).squeeze(0) | x.expand(4, 2, 3) | x.flatten() | x.clone() | x[0]
x[0, 1] | x[:, 1] | x[:, 1:] | x[None] | x[..., 0] | x[torch.tensor([0, 1])] | x[x > 0.5]
x.clamp(0.1, 0.5) | x.clamp(min=0.2) | torch.cat([x, x]) | torch.stack([x, x])
torch.where(x > 0.5, x, x * 2) | torch.maximum(x, x * 2) | x.pow(3) | x.softmax(1) | x.log_softmax(0)
x.double() | F.mse_loss(x, x * 2) | F.l1_loss(x, x * 2) | F.linear(x, x) | F.linear(x, x, x[:, 0])
F.softplus(x) | F.cross_entropy(x, torch.tensor([0, 2])) | F.binary_cross_entropy_with_logits(x, x.detach())
F.leaky_relu(x) | F.gelu(x) | F.silu(x) | F.huber_loss(x, x.detach() * 2)
F.smooth_l1_loss(x, x.detach() * 2) | F.nll_loss(x, torch.tensor([0, 2])) | F.elu(x) | x.prod()
F.binary_cross_entropy(x, x.detach()) | x.std() | x.var() | x.norm() | x.cumsum(0) | x.logsumexp(1)
x.repeat(2, 1) | x.square()
""".replace("\n", " | ").split(" | ")


@pytest.mark.parametrize("expression", [e for e in GRAD_FNS if e])
def test_results_show_torchs_name_of_their_op(expression):
    texts = []
    for m in ENGINES:
        x = m.tensor([[0.5, 0.25, 0.75], [0.125, 0.875, 0.625]], requires_grad=True)
        F = __import__(f"{m.__name__}.nn.functional", fromlist=["functional"])
        y = eval(expression, {"x": x, "torch": m, "F": F})
        texts.append(f"{type(y.grad_fn).__name__} {y.grad_fn.name()} {repr(y).split('grad_fn=')[1]}")
    assert texts[0] == texts[1]


def test_what_holds_tensors_prints_alike():
    for m in ENGINES:
        m.manual_seed(0)
    for make in (
        lambda m: m.nn.Parameter(m.tensor([1.0, 2.5])),
        lambda m: m.nn.Parameter(m.tensor(1.0)),
        lambda m: [m.tensor(1.0), {"a": m.tensor([2])}],
        lambda m: m.nn.Sequential(m.nn.Linear(2, 3), m.nn.ReLU(), m.nn.Dropout(0.2), m.nn.Linear(3, 1, bias=False)),
        lambda m: m.nn.Sequential(m.nn.Sequential(m.nn.Tanh()), m.nn.Flatten()),
        lambda m: m.nn.MSELoss(),
        lambda m: list(m.nn.Linear(2, 1).parameters()),
        lambda m: m.nn.Linear(2, 1).state_dict(),
        lambda m: m.optim.SGD([m.ones(1, requires_grad=True)], lr=0.1, momentum=0.9),
        lambda m: m.ones(2, 3).shape,
        lambda m: (m.ones(2, 3).size(), m.float32, m.int64, m.device("cpu")),
        lambda m: m.ones(2, 3).max(1),
    ):
        theirs, ours = (make(m) for m in ENGINES)
        assert repr(theirs) == repr(ours) and f"{theirs}" == f"{ours}"


@pytest.mark.parametrize("spec", ["", ".2f", "5.1f", "08.3f", "e", "g", ">12", "+.3", "%"])
def test_format_specs_of_0_d_tensors_work_alike(spec):
    for value, requires_grad in ((2.5, False), (-1e-7, True), (float("nan"), False)):
        theirs, ours = both(np.array(value), requires_grad)
        assert format(theirs, spec) == format(ours, spec)
    for m in ENGINES:
        with pytest.raises(TypeError, match="unsupported format string passed to Tensor.__format__"):
            format(m.ones(1), spec or "f")
    assert format(torch.tensor(7), ">4d") == format(minigrad.tensor(7), ">4d")
