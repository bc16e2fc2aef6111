"""What optimizers, schedules and gradient clipping are given besides numbers, and what they save: the same as torch."""

from __future__ import annotations

import collections
import copy
import math
import pickle
import types
import warnings

import numpy as np
import pytest

import minigrad

torch = pytest.importorskip("torch")
MODULES = (minigrad, torch)


def values(x):
    """Nested tensors, of either engine, as numbers."""
    if isinstance(x, minigrad.Tensor | torch.Tensor):
        return "tensor", np.float32(x.tolist()).tolist()
    if isinstance(x, dict):
        return {key: values(value) for key, value in x.items()}
    return type(x)(map(values, x)) if isinstance(x, list | tuple) else x


def trained(module, optimizer, steps=3):
    """Where `steps` steps with drawn gradients end."""
    rng = np.random.default_rng(0)
    for _ in range(steps):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = module.tensor(rng.standard_normal(p.shape).astype(np.float32))
        optimizer.step()
    return [p.tolist() for group in optimizer.param_groups for p in group["params"]]


def parameter(module, *numbers):
    return module.nn.Parameter(module.tensor(numbers or (1.0, -2.0)))


SCALARS = [
    ("SGD", "lr=K(.1)"),
    ("SGD", "lr=K(.1), momentum=K(.9), dampening=K(.5), weight_decay=K(.5)"),
    ("SGD", "lr=.1, momentum=K(.9), nesterov=True"),
    ("Adam", "lr=K(.1)"),
    ("Adam", "lr=.1, betas=(K(.5), K(.6)), eps=K(1e-3), weight_decay=K(.5)"),
    ("Adam", "lr=.1, betas=[K(.5), K(.6)]"),
    ("AdamW", "lr=.1, weight_decay=K(.5)"),
    ("RMSprop", "lr=.1, alpha=K(.5), eps=K(1e-3)"),
    ("RMSprop", "lr=.1, momentum=K(.9), weight_decay=K(.1), centered=True"),
    ("Adagrad", "lr=.1, lr_decay=K(.1), initial_accumulator_value=K(.25), eps=K(1e-3)"),
    ("Adadelta", "lr=.1, rho=K(.5), eps=K(1e-3), weight_decay=K(.1)"),
]


@pytest.mark.parametrize("kind", ["tensor", "float64", "float32"])
@pytest.mark.parametrize("name, option", SCALARS)
def test_options_may_be_tensors_or_numpy_s_scalars(name, option, kind):
    results = []
    for module in MODULES:
        make = module.tensor if kind == "tensor" else getattr(np, kind)
        options = eval(f"dict({option})", {"K": make})
        try:
            optimizer = getattr(module.optim, name)([parameter(module), parameter(module, 3.0)], **options)
        except ValueError as error:
            results.append((str(error), 0))
            continue
        results.append((repr(optimizer).splitlines(), trained(module, optimizer)))
    assert results[0][0] == results[1][0]
    for ours, theirs in zip(results[0][1] or [], results[1][1] or []):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_an_option_that_becomes_a_tensor_later_is_used_and_stays_a_tensor():
    results = []
    for module in MODULES:
        optimizer = module.optim.AdamW([parameter(module)], lr=0.1)
        trained(module, optimizer)
        decay = optimizer.param_groups[0]["weight_decay"] = module.tensor(0.5)
        optimizer.param_groups[0]["betas"] = (module.tensor(0.5), module.tensor(0.5))
        trained(module, optimizer)
        decay.fill_(0.25)
        results.append(trained(module, optimizer))
        assert optimizer.state_dict()["param_groups"][0]["weight_decay"] is decay
    np.testing.assert_allclose(*results, rtol=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        "o.SGD([p], lr=t([.1, .2]))",
        "o.Adam([p], lr=t([.1, .2]))",
        "o.Adam([p], lr=t(-.5))",
        "o.Adam([p], betas=(0, .9))",
        "o.Adam([p], betas=(.9, t(.9)))",
        "o.RMSprop([p], momentum=t(-1.))",
        "o.SGD([('w', p), q], lr=.1)",
        "o.SGD([('w', p)], lr=.1).add_param_group({'params': q})",
        "o.SGD([p], lr=.1).add_param_group({'params': [('q', q)]})",
        "o.SGD([('w', 1.)], lr=.1)",
    ],
)
def test_wrong_options_raise_what_torch_raises(call):
    errors = []
    for module in MODULES:
        names = {"o": module.optim, "p": parameter(module), "q": parameter(module), "t": module.tensor}
        with pytest.raises(Exception) as caught:
            eval(call, names)
        errors.append((type(caught.value), str(caught.value)))
    assert errors[0] == errors[1]


def test_a_group_that_adagrad_gets_later_starts_at_the_initial_value_too():
    results = []
    for module in MODULES:
        optimizer = module.optim.Adagrad([parameter(module)], lr=0.1, initial_accumulator_value=0.5)
        optimizer.add_param_group({"params": parameter(module, 2.0), "initial_accumulator_value": 9.0})
        results.append((trained(module, optimizer), values(optimizer.state_dict())["state"][1]["sum"][1]))
    np.testing.assert_allclose(results[0][0][0], results[1][0][0], rtol=1e-6)
    np.testing.assert_allclose(results[0][0][1], results[1][0][1], rtol=1e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-6)


def test_named_parameters_are_taken_and_their_names_saved():
    results = []
    for module in MODULES:
        net = module.nn.Linear(2, 1)
        optimizer = module.optim.SGD(net.named_parameters(), lr=0.1)
        optimizer.add_param_group({"params": [("scale", parameter(module))], "lr": 0.2})
        saved = optimizer.state_dict()
        unnamed = module.optim.SGD([{"params": net.parameters()}, {"params": parameter(module)}], lr=0.1)
        before = str(saved), repr(optimizer)
        unnamed.load_state_dict(saved)
        for group in saved["param_groups"]:
            del group["param_names"]
        optimizer.load_state_dict(saved)
        results.append((*before, repr(unnamed), repr(optimizer), str(optimizer.state_dict())))
    assert results[0][:4] == results[1][:4]
    assert eval(results[0][4]) == eval(results[1][4])


# ------------------------------------------------------------------ saved states


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"])
def test_a_state_without_the_options_of_later_versions_can_be_loaded(name):
    results = []
    for module in MODULES:
        optimizer = getattr(module.optim, name)([parameter(module)], lr=0.1, maximize=True)
        trained(module, optimizer)
        saved = optimizer.state_dict()
        for key in "nesterov amsgrad centered maximize capturable foreach fused differentiable decoupled_weight_decay".split():
            saved["param_groups"][0].pop(key, None)
        for state in saved["state"].values():
            if "step" in state:
                state["step"] = 3
        optimizer = getattr(module.optim, name)([parameter(module)], lr=7.0)
        optimizer.load_state_dict(saved)
        (state,) = optimizer.state.values() or [{}]
        group = {key: value for key, value in optimizer.param_groups[0].items() if key not in ("params", "fused")}
        results.append((group, str(state.get("step")), trained(module, optimizer)))
    assert results[0][:2] == results[1][:2]
    np.testing.assert_allclose(results[0][2], results[1][2], rtol=1e-5)


def test_a_momentum_buffer_of_none_is_one_that_did_not_begin():
    results = []
    for module in MODULES:
        optimizer = module.optim.SGD([parameter(module)], lr=0.1, momentum=0.9, dampening=0.5)
        saved = optimizer.state_dict()
        saved["state"] = {0: {"momentum_buffer": None}}
        optimizer.load_state_dict(saved)
        results.append(trained(module, optimizer))
    np.testing.assert_allclose(*results, rtol=1e-6)


def test_adam_s_state_loaded_into_adamw_decays_the_weights():
    results = []
    for module in MODULES:
        adam = module.optim.Adam([parameter(module)], lr=0.1, weight_decay=0.5)
        trained(module, adam)
        adamw = module.optim.AdamW([parameter(module)])
        adamw.load_state_dict(adam.state_dict())
        results.append((repr(adamw), trained(module, adamw)))
    assert results[0][0] == results[1][0]
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5)


def test_an_optimizer_of_one_s_own_keeps_its_state_and_can_set_what_is_missing():
    for module in MODULES:

        class Mine(module.optim.Optimizer):
            def __init__(self, params):
                super().__init__(params, {"lr": 0.1, "power": 2})

            def __setstate__(self, state):
                super().__setstate__(state)
                for group in self.param_groups:
                    group.setdefault("power", 1)

            def step(self, closure=None):
                for p in self.param_groups[0]["params"]:
                    state = self.state[p]
                    state["step"], state["last"] = state.get("step", 0) + 1, None

        optimizer = Mine([parameter(module)])
        optimizer.step()
        saved = optimizer.state_dict()
        del saved["param_groups"][0]["power"]
        optimizer.load_state_dict(saved)
        optimizer.step()
        (state,) = optimizer.state.values()
        assert state == {"step": 2, "last": None}
        assert optimizer.param_groups[0]["power"] == 1
        assert copy.deepcopy(optimizer).param_groups[0]["power"] == 1


# ------------------------------------------------------------------ schedules


class Halve:
    def __init__(self):
        self.best = 1.0

    def __call__(self, epoch):
        self.best /= 2
        return self.best


SCHEDULES = [
    ("StepLR", "2, .5"),
    ("MultiStepLR", "[1, 3, 3], .5"),
    ("ExponentialLR", ".5"),
    ("CosineAnnealingLR", "4, .01"),
    ("LambdaLR", "lambda epoch: .5**epoch"),
    ("LambdaLR", "Halve()"),
    ("ReduceLROnPlateau", "patience=0"),
    ("ReduceLROnPlateau", "'max', patience=0, min_lr=[.01, .02]"),
]


def scheduled(module, name, arguments, lr=0.5):
    optimizer = module.optim.SGD([{"params": [parameter(module)]}, {"params": parameter(module), "lr": 0.25}], lr=lr)
    make = f"schedule.{name}(optimizer, {arguments})"
    return optimizer, eval(make, {"schedule": module.optim.lr_scheduler, "optimizer": optimizer, "Halve": Halve})


def stepped(name, scheduler, epochs=range(6)):
    for epoch in epochs:
        scheduler.optimizer.step()
        scheduler.step(*[1.0] * (name == "ReduceLROnPlateau"))
        yield values(scheduler.get_last_lr())


@pytest.mark.parametrize("name, arguments", SCHEDULES)
def test_the_state_of_a_schedule_is_torch_s_and_goes_between_the_engines(name, arguments):
    saved, on = [], []
    for module in MODULES:
        _, scheduler = scheduled(module, name, arguments)
        states = [list(scheduler.state_dict().items())]
        list(stepped(name, scheduler, range(3)))
        saved.append([*states, list(scheduler.state_dict().items())])
    assert saved[0] == saved[1]
    for module, state in zip(MODULES, saved[::-1]):
        optimizer, scheduler = scheduled(module, name, arguments)
        before = copy.deepcopy(state)
        scheduler.load_state_dict(pickle.loads(pickle.dumps(dict(state[1]))))
        assert state == before
        on.append(list(stepped(name, scheduler)))
    assert on[0] == on[1]


@pytest.mark.parametrize("name, arguments", SCHEDULES)
def test_a_rate_that_is_a_tensor_is_filled(name, arguments):
    results = []
    for module in MODULES:
        rate = module.tensor(0.5)
        optimizer, scheduler = scheduled(module, name, arguments, rate)
        start = scheduler.get_last_lr()
        rates = list(stepped(name, scheduler))
        assert optimizer.param_groups[0]["lr"] is rate
        assert rate.item() == pytest.approx(scheduler.get_last_lr()[0].item())
        assert scheduler.get_last_lr()[0] is not rate
        assert start[0] is not rate
        results.append((rates, values(start), values(scheduler.state_dict().get("base_lrs"))))
    for ours, theirs in zip(results[0][0], results[1][0]):
        assert [type(x) for x in ours] == [type(x) for x in theirs]
        np.testing.assert_allclose(ours[0][1], theirs[0][1], rtol=1e-6)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6)
    assert results[0][1:] == results[1][1:]


def test_a_loaded_rate_that_is_a_tensor_is_a_copy():
    for module in MODULES:
        optimizer, _ = scheduled(module, "StepLR", "1", module.tensor(0.5))
        saved = optimizer.state_dict()
        other, scheduler = scheduled(module, "StepLR", "1")
        other.load_state_dict(saved)
        list(stepped("StepLR", scheduler, range(1)))
        assert saved["param_groups"][0]["lr"].item() == 0.5
        assert other.param_groups[0]["lr"].item() == pytest.approx(0.05)


@pytest.mark.parametrize("name, arguments", SCHEDULES)
def test_a_schedule_can_be_sent_to_an_epoch(name, arguments):
    results = []
    for module in MODULES:
        _, scheduler = scheduled(module, name, arguments)
        rates = list(stepped(name, scheduler, range(2)))
        metric = [1.0] * (name == "ReduceLROnPlateau")
        for epoch in (3, 5, 2):
            with pytest.warns(UserWarning, match="The epoch parameter in `scheduler.step\\(\\)` was not necessary"):
                scheduler.step(*metric, epoch=epoch)
            rates += [scheduler.get_last_lr(), scheduler.last_epoch]
        with pytest.warns(UserWarning, match="where available"):
            scheduler.step(*metric, 4)
        results.append([*rates, *stepped(name, scheduler, range(2)), list(scheduler.state_dict().items())])
    assert results[0] == results[1]


@pytest.mark.parametrize("name, arguments", SCHEDULES)
def test_a_group_that_comes_after_the_schedule(name, arguments):
    results = []
    for module in MODULES:
        optimizer, scheduler = scheduled(module, name, arguments)
        optimizer.add_param_group({"params": parameter(module), "lr": 0.75})
        try:
            results.append(list(stepped(name, scheduler, range(4))))
        except (ValueError, RuntimeError) as error:
            results.append(type(error))
    assert results[0] == results[1]


def warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [(w.category, str(w.message)[:64]) for w in caught if "step()" in str(w.message) or "get_last" in str(w.message)]


def own(module):
    class Own(module.optim.SGD):
        def step(self, closure=None):
            return "stepped"

    return Own


@pytest.mark.parametrize("kind", ["SGD", "own"])
@pytest.mark.parametrize(
    "program",
    [
        "a = S(o, 1); o.step(); a.step(); b = S(o, 1); b.step()",
        "o.step(); a = S(o, 1); a.step()",
        "o.step(); a = S(o, 1); o.step(); a.step()",
        "a = S(o, 1); a.step(); a.step(); o.step()",
        "a = S(o, 1); b = S(o, 1); o.step(); a.step(); b.step()",
        "a = S(o, 1); b = S(o, 1); a.step(); o.step(); b.step()",
        "a = S(o, 1); o.step(); a.step(); a.get_lr()",
    ],
)
def test_warnings_about_the_order_of_steps_are_torch_s(program, kind):
    seen = []
    for module in MODULES:
        optimizer = (own(module) if kind == "own" else module.optim.SGD)([parameter(module)], lr=0.1)
        names = {"o": optimizer, "S": module.optim.lr_scheduler.StepLR}
        seen.append([warned(lambda: exec(statement, names)) for statement in program.split("; ")])
    assert seen[0] == seen[1]


def test_a_schedule_of_one_s_own_with_its_own_step():
    for module in MODULES:

        class Mine(module.optim.lr_scheduler.LRScheduler):
            def get_lr(self):
                return [base / (1 + self.last_epoch) for base in self.base_lrs]

        optimizer = module.optim.SGD([parameter(module)], lr=0.5)
        scheduler = Mine(optimizer)
        optimizer.step()
        scheduler.step()
        assert scheduler.get_last_lr() == [0.25]
        with pytest.warns(UserWarning, match="The epoch parameter"):
            scheduler.step(4)
        assert scheduler.get_last_lr() == [0.1]


def test_cooldown_can_be_asked_for():
    for module in MODULES:
        _, scheduler = scheduled(module, "ReduceLROnPlateau", "patience=0, cooldown=1")
        states = []
        for _ in range(4):
            scheduler.step(1.0)
            states.append(scheduler.in_cooldown)
        assert states == [False, True, False, True]


# ------------------------------------------------------------------ gradients and loaders

CLIPS = [
    "clip_grad_norm_(ps, t(1.))", "clip_grad_norm_(ps, 1, 'inf')", "clip_grad_norm_(ps, t(.5), t(1.))",
    "clip_grad_norm_(ps, np.float64(.5), norm_type=math.inf)", "clip_grad_norm_(ps[0], t([.5]))", "clip_grad_norm_(ps, '1')",
    "clip_grad_value_(ps, .5)", "clip_grad_value_(ps[0], t(.25))", "clip_grad_value_((p for p in ps), clip_value=0)",
    "clip_grad_value_(ps, math.inf)", "clip_grad_value_(ps, math.nan)",
]  # fmt: skip


@pytest.mark.parametrize("call", CLIPS)
def test_clipping(call):
    results = []
    for module in MODULES:
        ps = [parameter(module), parameter(module), parameter(module)]
        ps[0].grad, ps[1].grad = module.tensor([0.3, -math.inf if "value" in call else -4.0]), module.tensor([math.e, -0.1])
        grads = [p.grad for p in ps]
        out = eval(f"utils.{call}", {"utils": module.nn.utils, "ps": ps, "t": module.tensor, "math": math, "np": np})
        assert all(p.grad is grad for p, grad in zip(ps, grads))
        results.append([out if out is None else out.item(), *[g.tolist() for g in grads[:2]]])
    assert (results[0][0] is None) == (results[1][0] is None)
    for ours, theirs in zip(*results):
        if theirs is not None:
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_gradient_clipped_between_forward_and_backward_is_noticed():
    for module in MODULES:
        p = parameter(module)
        p.grad = module.tensor([3.0, 4.0])
        version = p.grad._version
        module.nn.utils.clip_grad_value_(p, 1.0)
        assert p.grad._version > version


def test_parameters_as_one_vector_and_back():
    results = []
    for module in MODULES:
        module.manual_seed(0)
        net = module.nn.Sequential(module.nn.Linear(2, 3), module.nn.Linear(3, 1))
        vector = module.nn.utils.parameters_to_vector(net.parameters())
        vector.backward(module.arange(13.0))
        grads = [p.grad.tolist() for p in net.parameters()]
        new = module.arange(13.0)
        module.nn.utils.vector_to_parameters(new, net.parameters())
        first = next(net.parameters())
        new[0] = 100.0
        results.append((vector.tolist(), grads, [p.tolist() for p in net.parameters()], first.requires_grad, first.is_leaf))
        with pytest.raises(TypeError, match=r"expected .*Tensor, but got: list"):
            module.nn.utils.vector_to_parameters([1.0], net.parameters())
    assert results[0] == results[1]


Point = collections.namedtuple("Point", "x y")


def test_default_convert_and_what_a_loader_was_told():
    samples = [
        [1, "a", 2.5, None], np.float32([1, 2]), np.int64(3), (np.array(1), "b"), Point(np.array(1.0), 2), np.array(["a"]),
        {"x": np.array([True]), "y": [np.float64(1)]}, collections.OrderedDict(x=np.array(1)),
    ]  # fmt: skip
    results = []
    for module in MODULES:
        convert = module.utils.data.default_convert
        results.append([str(convert(sample)).replace(", dtype=torch.float64", "") for sample in samples])
        loader = module.utils.data.DataLoader([1, 2], batch_size=None, timeout=0)
        assert (loader.pin_memory, loader.timeout, loader.worker_init_fn) == (False, 0, None)
        assert loader.collate_fn is convert
        assert isinstance(convert, types.FunctionType)
    assert results[0] == results[1]
