"""Modules against torch: the same program run under both prints the same, draws the same and raises the same."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import re
import warnings

import numpy as np
import pytest

import minigrad

torch = pytest.importorskip("torch")

MODULES = (minigrad, torch)


def outcome(program, module):
    """What a program prints, warns and raises with `torch` and `nn` of the module, and seed 0."""
    names = {"torch": module, "nn": module.nn, "F": module.nn.functional, "np": np, "copy": copy}
    printed = io.StringIO()
    error = None
    module.manual_seed(0)
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(program, names)
        except Exception as e:
            error = (type(e).__name__, re.sub(r"\b(minigrad|torch)\.nn\.[\w.]*\b", "nn", str(e)))
    return printed.getvalue(), [str(w.message) for w in caught], error


def same(program):
    ours, theirs = (outcome(program, module) for module in MODULES)
    assert ours == theirs


SHOWN = [
    "nn.Linear(2, 3)",
    "nn.Linear(2, 3, bias=False)",
    "nn.LazyLinear(3)",
    "nn.Identity(5, x=3)",
    "nn.Flatten()",
    "nn.Flatten(0, 1)",
    "nn.Dropout(0.3)",
    "nn.Dropout(inplace=True)",
    "nn.Embedding(3, 2)",
    "nn.Embedding(3, 2, padding_idx=-1)",
    "nn.BatchNorm1d(3)",
    "nn.BatchNorm1d(3, momentum=None, affine=False, track_running_stats=False)",
    "nn.BatchNorm1d(3, bias=False)",
    "nn.LayerNorm(3)",
    "nn.LayerNorm([2, 3], elementwise_affine=False)",
    "nn.LayerNorm((2, 3), bias=False)",
    "nn.ReLU()",
    "nn.ReLU(inplace=True)",
    "nn.LeakyReLU()",
    "nn.LeakyReLU(0.2, True)",
    "nn.ELU()",
    "nn.ELU(0.5, inplace=True)",
    "nn.GELU()",
    "nn.GELU('tanh')",
    "nn.SiLU()",
    "nn.Sigmoid()",
    "nn.Tanh()",
    "nn.Softplus()",
    "nn.LogSigmoid()",
    "nn.Softmax()",
    "nn.Softmax(dim=1)",
    "nn.LogSoftmax(-1)",
    "nn.MSELoss()",
    "nn.L1Loss(reduction='sum')",
    "nn.SmoothL1Loss(beta=2.0)",
    "nn.HuberLoss(delta=2.0)",
    "nn.BCELoss()",
    "nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))",
    "nn.NLLLoss(ignore_index=1)",
    "nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]), label_smoothing=0.1)",
    "nn.Sequential()",
    "nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))",
    "nn.Sequential(nn.Sequential(nn.Linear(1, 2), nn.ReLU()), nn.Sequential(nn.Sequential(nn.Tanh())))",
    "nn.ModuleList()",
    "nn.ModuleList([nn.Linear(1, 2) for _ in range(3)])",
    "nn.ModuleList([nn.Linear(1, 2), nn.Linear(1, 2), nn.ReLU(), nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU())])",
    "nn.ModuleDict({'a': nn.Linear(1, 2), 'b': nn.ModuleDict()})",
    "nn.ParameterList([torch.ones(2, 3), 5, nn.Parameter(torch.ones(()))])",
    "nn.ParameterList()",
    "nn.ParameterDict({'a': torch.ones(2)})",
    "nn.ParameterDict({'a': torch.ones(2), 'b': 3, 'c': torch.ones(1, dtype=torch.float64)})",
    "nn.Module()",
    "nn.Parameter(torch.ones(2))",
    "nn.Parameter(torch.ones(2), requires_grad=False)",
    "nn.Parameter()",
]


@pytest.mark.parametrize("expression", SHOWN)
def test_text_form(expression):
    same(f"print({expression}); print(str({expression}))")


NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.rest = nn.Sequential(nn.ReLU(), nn.Dropout(0.25), nn.Linear(4, 2))
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer('offset', torch.zeros(2))
        self.register_buffer('hidden', torch.zeros(1), persistent=False)
        self.norm = nn.BatchNorm1d(2)
    def forward(self, x):
        return self.norm(self.rest(self.first(x)) * self.scale + self.offset)
net = Net()
"""

PROGRAMS = {
    "tree": NET
    + """
print(net)
print([n for n, _ in net.named_modules()], [n for n, _ in net.named_children()], len(list(net.modules())))
print([(n, tuple(p.shape)) for n, p in net.named_parameters()])
print([(n, tuple(p.shape)) for n, p in net.named_parameters(recurse=False)])
print([n for n, p in net.named_parameters(prefix='x')], [n for n, _ in net.named_modules(prefix='x')])
print([n for n, _ in net.named_buffers()], len(list(net.buffers())))
print(net.get_submodule('rest.2') is net.rest[2], net.get_parameter('rest.2.bias') is net.rest[2].bias)
print(net.get_buffer('norm.running_mean'))
print(sum(p.numel() for p in net.parameters()))
print([d for d in dir(net) if d in ('first', 'scale', 'offset', 'training', 'forward')])
""",
    "initial values": NET + "print(list(net.parameters())); print(torch.rand(2))",
    "initial values in float64": "print(list(nn.Linear(3, 2, dtype=torch.float64).parameters()))",
    "initial values of an embedding": "print(nn.Embedding(5, 3, padding_idx=1).weight); print(torch.rand(1))",
    "training with dropout and batch norm": NET
    + """
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
x, y = torch.randn(12, 3), torch.randn(12, 2)
for step in range(5):
    loss = nn.MSELoss()(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f'{loss.item():.4f}')
print(net.norm.running_mean, net.norm.num_batches_tracked)
net.eval()
print(net(x[:2]))
print(net.training, net.rest[1].training, net.train().rest[1].training)
""",
    "state dict": NET
    + """
state = net.state_dict()
print(state)
print(list(net.state_dict(prefix='net.')), list(nn.ReLU().state_dict()))
other = Net()
print(other.load_state_dict(state))
print(all((a == b).all() for a, b in zip(net.state_dict().values(), other.state_dict().values())))
state['scale'][0] = 5.0
print(net.scale, other.scale)
print(net.state_dict(keep_vars=True)['scale'] is net.scale, state['scale'].requires_grad)
""",
    "state dict, missing key": NET + "s = net.state_dict(); del s['scale'], s['rest.2.bias']; net.load_state_dict(s)",
    "state dict, unexpected key": NET
    + "s = net.state_dict(); s['x'] = s['rest.7.y'] = s['scale.z'] = s['scale']; net.load_state_dict(s)",
    "state dict, shapes": NET + "s = net.state_dict(); s['scale'] = torch.ones(3); s['offset'] = torch.ones(2, 1); net.load_state_dict(s)",
    "state dict, all at once": NET
    + "s = net.state_dict(); s['a'] = 1; del s['scale']; s['offset'] = torch.ones(9); net.load_state_dict(s)",
    "state dict, not strict": NET
    + "s = net.state_dict(); s['a'] = 1; del s['scale']; print(net.load_state_dict(s, strict=False))",
    "state dict, no tensor": NET + "s = net.state_dict(); s['scale'] = 5; net.load_state_dict(s)",
    "state dict, not a dict": NET + "net.load_state_dict([1, 2])",
    "state dict, assigned": NET
    + """
t = torch.tensor([3.0, 4.0]); s = net.state_dict(); s['scale'] = t
net.load_state_dict(s, assign=True)
print(net.scale, type(net.scale).__name__); t[0] = 7.0; print(net.scale)
""",
    "state dict into another dtype": "m = nn.Linear(1, 1).double(); m.load_state_dict(nn.Linear(1, 1).state_dict()); print(m.weight)",
    "conversion": NET
    + """
w = net.first.weight
net(torch.randn(4, 3)).sum().backward()
print(net.double() is net, net.first.weight is w, w.dtype, w.grad.dtype, net.offset.dtype, net.norm.num_batches_tracked.dtype)
net.to(torch.float32); print(w.dtype, w.grad.dtype)
net.to('cpu'); net.to(device='cpu', dtype=torch.float64); print(w.dtype); net.float(); print(w.dtype)
net.to(torch.ones(1, dtype=torch.float64)); print(w.dtype)
net.half(); print(w.dtype); net.type(torch.float32); print(w.dtype, net.norm.num_batches_tracked.dtype)
""",
    "conversion to integers": NET + "net.to(torch.int64)",
    "conversion to cuda": NET + "net.to('cuda')",
    "conversion to cuda, by name": NET + "net.cuda()",
    "apply": NET
    + """
def init(m):
    print(type(m).__name__)
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, 0, 0.01); nn.init.zeros_(m.bias)
print(net.apply(init) is net)
print(net.first.weight)
""",
    "zero_grad": NET
    + """
net(torch.randn(4, 3)).sum().backward()
g = net.first.weight.grad
net.zero_grad(set_to_none=False); print(net.first.weight.grad is g, g)
net.zero_grad(); print(net.first.weight.grad)
""",
    "freezing": NET
    + """
net.requires_grad_(False); print([p.requires_grad for p in net.parameters()], net(torch.ones(2, 3)).requires_grad)
net.requires_grad_(); print(all(p.requires_grad for p in net.parameters()))
""",
    "deepcopy": NET
    + """
twin = copy.deepcopy(net)
print(type(twin.scale).__name__, twin.scale is net.scale, twin.scale.requires_grad)
with torch.no_grad():
    twin.scale[0] = 9.0
print(net.scale, twin.scale, twin)
""",
    "attributes": NET
    + """
net.extra = 5; print(net.extra, hasattr(net, 'scale'), hasattr(net, 'nothing'))
net.scale = nn.Parameter(torch.zeros(2)); print(net.scale)
net.scale = None; print(net.scale, [n for n, _ in net.named_parameters()])
net.offset = torch.ones(2); print(net.state_dict()['offset'])
net.offset = None; print('offset' in net.state_dict())
net.first = nn.Identity(); print(net)
net.first = None; print(net)
del net.scale; print(hasattr(net, 'scale'))
del net.norm; print(net)
net.x = torch.ones(1); print('x' in net.state_dict())
net.x = nn.Parameter(torch.ones(1)); print('x' in net.state_dict(), 'x' in net.__dict__)
""",
    "no such attribute": NET + "net.nothing",
    "no such attribute to delete": NET + "del net.nothing",
    "tensor for parameter": NET + "net.scale = torch.ones(2)",
    "number for parameter": NET + "net.scale = 5",
    "string for module": NET + "net.first = 'linear'",
    "number for buffer": NET + "net.offset = 5",
    "parameter before init": "class M(nn.Module):\n    def __init__(self):\n        self.w = nn.Parameter(torch.ones(1))\nM()",
    "module before init": "class M(nn.Module):\n    def __init__(self):\n        self.l = nn.Linear(1, 1)\nM()",
    "buffer before init": "class M(nn.Module):\n    def __init__(self):\n        self.register_buffer('b', None)\nM()",
    "number before init": "class M(nn.Module):\n    def __init__(self):\n        self.n = 5\n        super().__init__()\nprint(M().n)",
    "no forward": "nn.Module()(1)",
    "no forward in a subclass": "class M(nn.Module): pass\nM()(1)",
    "register_parameter, not a parameter": "nn.Module().register_parameter('w', torch.ones(1))",
    "register_parameter, no name": "nn.Module().register_parameter('', None)",
    "register_parameter, dotted": "nn.Module().register_parameter('a.b', None)",
    "register_parameter, number": "nn.Module().register_parameter(5, None)",
    "register_parameter, taken": "nn.Module().register_parameter('forward', None)",
    "register_buffer, not a tensor": "nn.Module().register_buffer('w', 5)",
    "register_buffer, dotted": "nn.Module().register_buffer('a.b', None)",
    "register_buffer, taken": "m = nn.Linear(1, 1); m.register_buffer('weight', None)",
    "add_module, not a module": "nn.Module().add_module('a', 5)",
    "add_module, a class": "nn.Sequential(nn.ReLU)",
    "add_module, dotted": "nn.Module().add_module('a.b', nn.ReLU())",
    "add_module, no name": "nn.Module().add_module('', nn.ReLU())",
    "add_module, number": "nn.Module().add_module(5, nn.ReLU())",
    "add_module, taken": "nn.Module().add_module('forward', nn.ReLU())",
    "train with a number": "nn.ReLU().train(1)",
    "get_submodule, none": NET + "net.get_submodule('first.nothing')",
    "get_submodule, a tensor": NET + "net.get_submodule('scale')",
    "get_parameter, a buffer": NET + "net.get_parameter('offset')",
    "get_buffer, a parameter": NET + "net.get_buffer('scale')",
    "integer parameter": "nn.Parameter(torch.tensor([1, 2]))",
    "integer parameter without grad": "print(nn.Parameter(torch.tensor([1, 2]), requires_grad=False))",
    "parameter of a list": "nn.Parameter([1.0])",
    "parameter shares memory": """
t = torch.ones(2); p = nn.Parameter(t); t[0] = 5; print(p, isinstance(p, torch.Tensor), isinstance(t, nn.Parameter), p.is_leaf)
print((p * 2), type(p * 2).__name__, type(p.data).__name__, type(p.detach()).__name__)
""",
    "shared parameters": """
a = nn.Linear(2, 2); b = nn.Linear(2, 2); b.weight = a.weight; net = nn.Sequential(a, b, a)
print(len(list(net.parameters())), len(list(net.named_parameters(remove_duplicate=False))), [n for n, _ in net.named_modules()])
print(list(net.state_dict()), [n for n, _ in net.named_children()])
""",
    "hooks": NET
    + """
log = []
h1 = net.first.register_forward_hook(lambda m, args, out: log.append(('after', type(m).__name__, tuple(out.shape))))
h2 = net.first.register_forward_pre_hook(lambda m, args: log.append(('before', tuple(args[0].shape))))
h3 = net.first.register_forward_pre_hook(lambda m, args: log.append('first'), prepend=True)
h4 = net.rest.register_forward_hook(lambda m, args, out: out * 0)
h5 = net.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
x = torch.ones(4, 3); print(net(x)); print(log)
for h in (h1, h2, h3, h4, h5): h.remove()
log.clear(); net.eval(); print(net(x)); print(log)
with net.register_forward_hook(lambda m, args, out: 'replaced'): print(net(x))
print(net(x))
m = nn.Linear(1, 1)
m.register_forward_hook(lambda m, args, kwargs, out: print('kw', list(kwargs), len(args)), with_kwargs=True)
m.register_forward_pre_hook(lambda m, args, kwargs: ((), {'input': torch.ones(1, 1)}), with_kwargs=True)
m(torch.zeros(3, 1))
m(input=torch.zeros(3, 1))
""",
    "hooks that always run": """
class M(nn.Module):
    def forward(self, x): raise ValueError('no')
m = M()
m.register_forward_hook(lambda m, a, o: print('not always'))
m.register_forward_hook(lambda m, a, o: print('always', o), always_call=True)
m(1)
""",
    "pre-hook that returns nonsense": "m = nn.ReLU(); m.register_forward_pre_hook(lambda m, a, k: 5, with_kwargs=True); m(torch.ones(1))",
    "sequential": """
s = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
print(len(s), s[0], s[-1], s[1:], [type(m).__name__ for m in s])
s[1] = nn.Tanh(); print(s)
del s[0]; print(s)
s.append(nn.ReLU()).extend([nn.Sigmoid()]); print(s)
s.insert(1, nn.Identity()); print(s)
s.insert(-1, nn.Flatten()); print(s)
print(s.pop(0), s); del s[1:3]; print(s)
print(s + nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU()) * 2, 2 * nn.Sequential(nn.ReLU()))
s += nn.Sequential(nn.ELU()); print(s)
""",
    "named sequential": """
from collections import OrderedDict
s = nn.Sequential(OrderedDict([('hidden', nn.Linear(1, 2)), ('act', nn.ReLU())])); print(s, s.hidden, s[0], s[:1], list(s.state_dict()))
s.add_module('out', nn.Linear(2, 1)); print(s, s(torch.ones(1, 1)))
s[1] = nn.Tanh(); print(s)
for name, module in s.named_children(): print(name, module)
class My(nn.Module):
    def __init__(self, *args):
        super().__init__()
        for i, m in enumerate(args): self._modules[str(i)] = m
    def forward(self, x):
        for block in self._modules.values(): x = block(x)
        return x
m = My(nn.Linear(1, 2), nn.ReLU()); print(m, m(torch.ones(1)))
""",
    "sequential, out of range": "nn.Sequential(nn.ReLU())[3]",
    "sequential, negative out of range": "nn.Sequential(nn.ReLU())[-2]",
    "sequential, indexed by name": "nn.Sequential(nn.ReLU())['0']",
    "sequential plus a list": "nn.Sequential(nn.ReLU()) + [1]",
    "sequential times zero": "nn.Sequential(nn.ReLU()) * 0",
    "sequential times a string": "nn.Sequential(nn.ReLU()) * 'a'",
    "module list": """
l = nn.ModuleList([nn.Linear(1, 2), nn.ReLU()])
l.append(nn.Linear(2, 1)); l.extend([nn.Tanh()]); l.insert(0, nn.Identity()); l += [nn.ELU()]
print(l, len(l), l[-1], l[1:3], [n for n, _ in l.named_parameters()])
l[0] = nn.ReLU(); del l[1]; print(l, l.pop(0), l); print(l + [nn.ReLU()])
class M(nn.Module):
    def __init__(self):
        super().__init__(); self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    def forward(self, x):
        for layer in self.layers: x = layer(x)
        return x
print(M()(torch.ones(1, 2)), len(list(M().parameters())))
""",
    "module list is not called": "nn.ModuleList([nn.ReLU()])(torch.ones(1))",
    "module list of a number": "nn.ModuleList().extend(5)",
    "module dict": """
d = nn.ModuleDict({'a': nn.Linear(1, 1), 'b': nn.ReLU()}); d['c'] = nn.Tanh(); d.update({'a': nn.Identity()})
print(d, list(d), list(d.keys()), 'a' in d, 'z' in d, len(d), [type(m).__name__ for m in d.values()], d.pop('b'), list(d.items()))
del d['c']; print(d); d.clear(); print(d, len(d)); print(nn.ModuleDict([('x', nn.ReLU())]))
print(len({d, nn.ModuleDict()}), nn.ModuleDict() == nn.ModuleDict())
""",
    "module dict, missing": "nn.ModuleDict()['a']",
    "module dict, not a module": "nn.ModuleDict({'a': 5})",
    "parameter list": """
l = nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(1))]); l.append(torch.ones(3)); l += [torch.ones(1, 1)]
print(l, len(l), l[0], l[-1], [n for n, _ in l.named_parameters()], l[1:3]); l[0] = torch.zeros(2); print(l[0], list(l)[1])
print([type(p).__name__ for p in l], list(l.state_dict()))
""",
    "parameter list, out of range": "nn.ParameterList([torch.ones(1)])[1]",
    "parameter list of a tensor": "nn.ParameterList(torch.ones(2))",
    "parameter dict": """
d = nn.ParameterDict({'a': torch.ones(2)}); d['b'] = nn.Parameter(torch.zeros(1)); d.update({'c': torch.ones(1)}); d['n'] = 5
print(d, list(d), 'a' in d, len(d), d['a'], [n for n, _ in d.named_parameters()], d.pop('b'), d.get('z'), d.get('z', 3), d.popitem())
del d['a']; print(d, list(d.items())); print(d.setdefault('q', torch.ones(1)), d.copy(), list(d.state_dict())); d.clear(); print(len(d))
""",
    "lazy linear": """
net = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(1, bias=False))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
print(net, net[0].weight, net[0].bias, net.state_dict(), [p.requires_grad for p in net.parameters()])
w = net[0].weight; net(torch.ones(2, 5)).sum().backward(); print(net, net[0].weight is w, type(w).__name__)
optimizer.step(); print(w)
l = nn.LazyLinear(2); l.load_state_dict(nn.Linear(3, 2).state_dict()); print(l(torch.ones(1, 3)), l)
print(nn.LazyLinear(2).double()(torch.ones(1, 3, dtype=torch.float64)))
""",
    "lazy linear's shape": "nn.LazyLinear(2).weight.shape",
    "lazy state into a linear layer": "nn.Linear(1, 1).load_state_dict(nn.LazyLinear(1).state_dict())",
    "flatten": "print(nn.Flatten()(torch.ones(2, 3, 4)).shape, nn.Flatten(0)(torch.tensor(1.0)), nn.Flatten(0, 1)(torch.ones(2, 3, 4)).shape)",
    "flatten a vector": "nn.Flatten()(torch.ones(3))",
    "dropout": """
x = torch.ones(3, 4, requires_grad=True); d = nn.Dropout(0.4); print(d(x)); d.eval(); print(d(x) is x)
y = torch.ones(2, 2); z = nn.Dropout(0.5, inplace=True)(y); print(z is y, y)
""",
    "dropout, wrong p": "nn.Dropout(1.5)",
    "dropout, negative p": "nn.Dropout(-0.5)",
    "embedding": """
e = nn.Embedding(4, 2, padding_idx=0); out = e(torch.tensor([[0, 1], [3, 1]])); print(out)
out.backward(torch.arange(8.0).reshape(2, 2, 2)); print(e.weight.grad)
e = nn.Embedding.from_pretrained(torch.ones(2, 3)); print(e, e.weight.requires_grad, e(torch.tensor(1)))
print(nn.Embedding(2, 1, _weight=torch.ones(2, 1)).weight)
""",
    "embedding, out of range": "nn.Embedding(3, 2)(torch.tensor([3]))",
    "embedding, negative": "nn.Embedding(3, 2)(torch.tensor([-1]))",
    "embedding of floats": "nn.Embedding(3, 2)(torch.tensor([1.0]))",
    "embedding, wrong padding": "nn.Embedding(3, 2, padding_idx=3)",
    "embedding, wrong weight": "nn.Embedding(3, 2, _weight=torch.ones(2, 3))",
    "batch norm": """
for options in ({}, {'momentum': None}, {'affine': False}, {'track_running_stats': False}, {'eps': 0.1, 'momentum': 0.5}):
    b = nn.BatchNorm1d(2, **options)
    for _ in range(3): out = b(torch.randn(5, 2)); b(torch.randn(4, 2, 3))
    print(out); print(b.state_dict()); b.eval(); print(b(torch.tensor([[1.0, 2.0]]).requires_grad_()).detach())
    b.reset_parameters(); print(b.state_dict())
""",
    "batch norm, one row": "nn.BatchNorm1d(2)(torch.ones(1, 2))",
    "batch norm of a vector": "nn.BatchNorm1d(2)(torch.ones(2))",
    "batch norm, wrong features": "nn.BatchNorm1d(2)(torch.ones(4, 3))",
    "batch norm, mixed dtypes": "nn.BatchNorm1d(2)(torch.ones(4, 2, dtype=torch.float64))",
    "layer norm": "print(nn.LayerNorm(3)(torch.tensor([[1.0, 2.0, 4.0]])), nn.LayerNorm((2, 2), elementwise_affine=False)(torch.arange(4.0).reshape(1, 2, 2)))",
    "layer norm, wrong shape": "nn.LayerNorm(3)(torch.ones(2, 4))",
    "losses as modules": """
x, y = torch.tensor([[0.2, -1.0], [2.0, 0.5]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
for r in ('mean', 'sum', 'none'):
    print(nn.MSELoss(reduction=r)(x, y), nn.L1Loss(reduction=r)(x, y), nn.SmoothL1Loss(reduction=r, beta=0.5)(x, y))
    print(nn.HuberLoss(reduction=r, delta=0.5)(x, y), nn.BCELoss(reduction=r)(torch.sigmoid(x), y))
    print(nn.BCEWithLogitsLoss(reduction=r, pos_weight=torch.tensor([1.0, 2.0]))(x, y))
    t = torch.tensor([1, 0])
    print(nn.CrossEntropyLoss(reduction=r, label_smoothing=0.1, weight=torch.tensor([1.0, 3.0]))(x, t))
    print(nn.NLLLoss(reduction=r, ignore_index=0)(nn.LogSoftmax(1)(x), t))
print(nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0])).state_dict(), nn.CrossEntropyLoss().double().weight)
print(nn.MSELoss(size_average=False).reduction)
""",
    "old loss arguments": "print(nn.CrossEntropyLoss(size_average=False, reduce=None).reduction)",
    "wrong reduction": "nn.MSELoss(reduction='foo')(torch.ones(1), torch.ones(1))",
    "clipping": """
for p in (2.0, 1.0, float('inf'), 3.0):
    a, b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2, 2)); c = nn.Parameter(torch.ones(1))
    a.grad, b.grad = torch.tensor([1.0, -2.0, 3.0]), torch.tensor([[0.5, 4.0], [-1.0, 0.0]])
    for limit in (100.0, 1.0): print(nn.utils.clip_grad_norm_([a, b, c], limit, norm_type=p), a.grad, b.grad, c.grad)
print(nn.utils.clip_grad_norm_(a, 0.1), a.grad, nn.utils.clip_grad_norm_([], 1.0), nn.utils.clip_grad_norm_(iter([c]), 1.0))
nn.utils.clip_grad_value_([a, b], 0.05); print(a.grad, b.grad)
""",
    "clipping what is not finite": """
a = nn.Parameter(torch.ones(1)); a.grad = torch.tensor([float('nan')])
print(nn.utils.clip_grad_norm_(a, 1.0)); nn.utils.clip_grad_norm_(a, 1.0, error_if_nonfinite=True)
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_prints_and_raises_what_it_does_under_torch(name):
    same(PROGRAMS[name])


WRONG = [
    "nn.Linear(2, 3)(torch.ones(4))",
    "nn.Linear(2, 3)(torch.ones(5, 4))",
    "nn.Linear(2, 3)(torch.ones(2, 5, 4))",
    "nn.Linear(2, 3)(torch.ones(2, 2, dtype=torch.float64))",
    "nn.Linear(2, 3)(torch.ones(2, 2, dtype=torch.int64))",
    "nn.Linear(2, 3, bias=False)(torch.ones(2, 2, dtype=torch.float64))",
    "nn.Linear(2, 3)([1, 2])",
    "nn.Linear(2, 3)(np.ones((1, 2)))",
    "nn.Linear(2, 3)(torch.tensor(1.0))",
    "F.linear(torch.ones(2, 2), torch.ones(3, 2), torch.ones(4))",
    "F.linear(torch.ones(2, 2), torch.ones(3, 2), torch.ones(3, dtype=torch.float64))",
    "F.linear(torch.ones(2, 2), torch.ones(2), torch.tensor(1.0))",
    "F.mse_loss(torch.ones(2), torch.ones(3))",
    "F.mse_loss(torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64))",
    "F.l1_loss(torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64))",
    "F.mse_loss(torch.ones(2), torch.ones(2), weight=torch.ones(3))",
    "F.mse_loss(torch.ones(2), torch.ones(2), reduction='foo')",
    "F.smooth_l1_loss(torch.ones(2), torch.ones(2), beta=-1)",
    "F.huber_loss(torch.ones(2), torch.ones(2), delta=0)",
    "F.binary_cross_entropy(torch.ones(2) / 2, torch.ones(3))",
    "F.binary_cross_entropy(torch.tensor([1.5]), torch.ones(1))",
    "F.binary_cross_entropy(torch.ones(1), torch.tensor([2.0]))",
    "F.binary_cross_entropy(torch.ones(2, dtype=torch.float64), torch.ones(2))",
    "F.binary_cross_entropy(torch.ones(2), torch.ones(2, dtype=torch.int64))",
    "F.binary_cross_entropy_with_logits(torch.ones(2), torch.ones(3))",
    "F.binary_cross_entropy_with_logits(torch.ones(2), torch.ones(2, dtype=torch.int64))",
    "F.nll_loss(torch.ones(2, 3), torch.tensor([0, 5]))",
    "F.nll_loss(torch.ones(2, 3), torch.tensor([0, -1]))",
    "F.nll_loss(torch.ones(2, 3), torch.ones(2))",
    "F.nll_loss(torch.ones(2, 3), torch.ones(2, 2, dtype=torch.int64))",
    "F.nll_loss(torch.ones(2, 3), torch.ones(3, dtype=torch.int64))",
    "F.nll_loss(torch.ones(2, 3, 4), torch.ones(2, 5, dtype=torch.int64))",
    "F.nll_loss(torch.tensor(1.0), torch.tensor(1))",
    "F.nll_loss(torch.ones(2, 3), torch.tensor([1, 0]), weight=torch.ones(2))",
    "F.nll_loss(torch.ones(2, 3), torch.tensor([1, 0]), weight=torch.ones(3, dtype=torch.float64))",
    "F.nll_loss(torch.ones(2, 3), torch.tensor([1, 0]), weight=torch.ones(3, requires_grad=True))",
    "F.cross_entropy(torch.ones(2, 3), torch.tensor([1, 3]))",
    "F.cross_entropy(torch.ones(1, 3), torch.tensor([1, 0]))",
    "F.cross_entropy(torch.ones(2, 3), torch.ones(2))",
    "F.cross_entropy(torch.ones(2, 3), torch.ones(2, dtype=torch.int32))",
    "F.cross_entropy(torch.ones(2, 3), torch.ones(2, 2))",
    "F.cross_entropy(torch.ones(2, 3), torch.ones(2, 1, dtype=torch.int64))",
    "F.cross_entropy(torch.ones(2, 3), torch.ones(2, 3, dtype=torch.int64))",
    "F.cross_entropy(torch.ones(2, 3), torch.tensor([1, 0]), label_smoothing=1.5)",
    "F.cross_entropy(torch.ones(2, 3), torch.ones(2, 3) / 3, ignore_index=1)",
    "F.cross_entropy(torch.ones(2, 3, dtype=torch.int64), torch.tensor([0, 1]))",
    "F.cross_entropy(torch.tensor(1.0), torch.tensor(0))",
    "F.cross_entropy([1.0], [0])",
    "F.softmax(torch.tensor([1, 2]), 0)",
    "F.softmax(torch.tensor([1.0, 2.0]), 1)",
    "F.log_softmax(torch.tensor([1, 2]), 0)",
    "F.relu([1.0])",
    "F.elu(torch.tensor([1]))",
    "F.leaky_relu(torch.tensor([1]))",
    "F.gelu(torch.tensor([1]))",
    "F.gelu(torch.tensor([1.0]), approximate='x')",
    "F.softplus(torch.tensor([1]))",
    "F.logsigmoid(torch.tensor([1]))",
    "F.silu(torch.tensor([1]))",
    "F.dropout(torch.ones(2), 1.5)",
    "F.embedding(torch.tensor([1]), torch.ones(3))",
    "F.embedding(torch.tensor([1]), torch.ones(3, 2), padding_idx=5)",
    "F.relu(torch.ones(2, requires_grad=True), inplace=True)",
    "F.dropout(torch.ones(2, requires_grad=True), inplace=True)",
]


@pytest.mark.parametrize("call", WRONG)
def test_wrong_calls_raise_what_torch_raises(call):
    ours, theirs = (outcome(call, module)[2] for module in MODULES)
    assert theirs is not None, "torch does not raise here"
    assert ours == theirs


GRAD_FN = [
    "F.linear(m, m, m[0, :2])", "F.linear(m, m)", "F.linear(m[None], m, m[0, :2])", "F.mse_loss(m, m * 2)",
    "F.mse_loss(m, m * 2, reduction='none')", "F.l1_loss(m, m * 2)", "F.l1_loss(m, m * 2, reduction='sum')",
    "F.huber_loss(m, m * 2)", "F.smooth_l1_loss(m, m * 2)", "F.binary_cross_entropy(m.sigmoid(), m.detach() * 0)",
    "F.binary_cross_entropy_with_logits(m, m.detach())", "F.cross_entropy(m, t)", "F.cross_entropy(m, t, reduction='none')",
    "F.cross_entropy(m, t, label_smoothing=0.1)", "F.nll_loss(m, t)", "F.softmax(m, 1)",
    "F.log_softmax(m, 1)", "F.relu(m)", "F.leaky_relu(m)", "F.elu(m)", "F.gelu(m)", "F.gelu(m, approximate='tanh')", "F.silu(m)",
    "F.sigmoid(m)", "F.tanh(m)", "F.softplus(m)", "F.logsigmoid(m)", "F.dropout(m, 0.5)", "F.embedding(t, m)",
    "F.batch_norm(m, None, None, training=True)", "F.layer_norm(m, (3,))",
]  # fmt: skip


@pytest.mark.parametrize("expression", GRAD_FN)
def test_grad_fn_has_torch_s_name(expression):
    names = []
    for module in MODULES:
        m = module.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
        out = eval(expression, {"F": module.nn.functional, "m": m, "t": module.tensor([0, 1])})
        names.append(out.grad_fn.name())
    assert names[0] == names[1]


PLACES = {
    "nn": ["activations", "containers", "layers", "losses"],
    "nn.functional": [],
    "nn.utils": [],
    "optim": [],
    "optim.lr_scheduler": [],
    "utils.data": [],
}


@pytest.mark.parametrize("where", PLACES)
def test_signatures_have_torch_s_order_and_defaults(where):
    ours, theirs = minigrad, torch
    for part in where.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    names = [n for place in PLACES[where] for n in getattr(ours, place).__all__] or ours.__all__

    def described(function):
        return [
            (p.name, p.kind.name, p.default if isinstance(p.default, int | float | str | bool | tuple | None) else "other")
            for p in inspect.signature(function).parameters.values()
        ]

    for name in names:
        try:
            wanted = described(getattr(theirs, name))
        except (ValueError, TypeError):
            continue  # builtins have no signature, modules aren't called
        if [kind for _, kind, _ in wanted] == ["VAR_POSITIONAL", "VAR_KEYWORD"] and name != "Identity":
            wanted = []  # torch.nn.Module's, which refuses all arguments
        assert described(getattr(ours, name)) == wanted, name
