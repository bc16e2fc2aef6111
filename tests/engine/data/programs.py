"""Short programs that use nn and utils.data, and what they print, warn and raise under torch.

The tests in tests/parity run each under minigrad and torch and compare. `python tests/engine/data/programs.py` records
torch's outcomes in programs.json, for the tests that run without torch: {table: {name: [printed, warnings, error]}}.
"""


import collections
import contextlib
import copy
import io
import json
import re
import warnings
from pathlib import Path

import numpy as np

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

MODULES = {
    "tree": NET
    + """
print(net)
print([n for n, _ in net.named_modules()], [n for n, _ in net.named_children()], len(list(net.modules())))
print([(n, tuple(p.shape)) for n, p in net.named_parameters()])
print([(n, tuple(p.shape)) for n, p in net.named_parameters(recurse=False)])
print([n for n, p in net.named_parameters(prefix='x')], [n for n, _ in net.named_modules(prefix='x')])
print([n for n, _ in net.named_buffers()], len(list(net.buffers())))
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
print(type(state).__name__, list(state.items()))
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
    "state dict into another dtype": "m = nn.Linear(1, 1).double(); m.load_state_dict(nn.Linear(1, 1).state_dict()); print(m.weight)",
    "conversion": NET
    + """
w = net.first.weight
net(torch.randn(4, 3)).sum().backward()
print(net.double() is net, net.first.weight is w, w.dtype, w.grad.dtype, net.offset.dtype, net.norm.num_batches_tracked.dtype)
net.to(torch.float32); print(w.dtype, w.grad.dtype)
net.to('cpu'); net.to(device='cpu', dtype=torch.float64); print(w.dtype); net.float(); print(w.dtype)
net.to(torch.ones(1, dtype=torch.float64)); print(w.dtype)
net.half(); print(w.dtype, net.norm.num_batches_tracked.dtype)
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
h3 = net.first.register_forward_pre_hook(lambda m, args: log.append('first'))
h4 = net.rest.register_forward_hook(lambda m, args, out: out * 0)
h5 = net.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
x = torch.ones(4, 3); print(net(x)); print(log)
for h in (h1, h2, h3, h4, h5): h.remove()
log.clear(); net.eval(); print(net(x)); print(log)
with net.register_forward_hook(lambda m, args, out: 'replaced'): print(net(x))
print(net(x))
""",
    "sequential": """
s = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
print(len(s), s[0], s[-1], s[1:], [type(m).__name__ for m in s])
s[1] = nn.Tanh(); print(s)
del s[0]; print(s)
s.append(nn.ReLU()).extend([nn.Sigmoid()]); print(s)
s.insert(1, nn.Identity()); print(s)
s.insert(-1, nn.Flatten()); print(s)
print(s.pop(0), s); del s[1:3]; print(s)
print(s + nn.Sequential(nn.ReLU()))
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
del d['a']; print(d, list(d.items())); d['q'] = torch.ones(1); print(list(d.state_dict())); d.clear(); print(len(d))
""",
    "lazy linear": """
net = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(1, bias=False))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
print(net, net[0].weight, net[0].bias, list(net.state_dict().items()), [p.requires_grad for p in net.parameters()])
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
    print(out); print(list(b.state_dict().items())); b.eval(); print(b(torch.tensor([[1.0, 2.0]]).requires_grad_()).detach())
    b.reset_parameters(); print(list(b.state_dict().items()))
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
print(list(nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0])).state_dict().items()), nn.CrossEntropyLoss().double().weight)
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
""",
    "clipping what is not finite": """
a = nn.Parameter(torch.ones(1)); a.grad = torch.tensor([float('nan')])
print(nn.utils.clip_grad_norm_(a, 1.0)); nn.utils.clip_grad_norm_(a, 1.0, error_if_nonfinite=True)
""",
}


WRONG_CALLS = [
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


PREPARED = """
from collections import OrderedDict, namedtuple
D = torch.utils.data
X = torch.arange(20.0).reshape(10, 2)
Y = torch.arange(10)
pairs = D.TensorDataset(X, Y)
class Squares(D.Dataset):
    def __init__(self, n): self.n = n
    def __len__(self): return self.n
    def __getitem__(self, i): return i, float(i * i)
class Stream(D.IterableDataset):
    def __iter__(self): return iter(range(7))
class Sized(Stream):
    def __len__(self): return 7
def after(): return torch.rand(2).tolist()
"""


LOADING = {
    "in order": "print([b for b in D.DataLoader(pairs, 4)], after())",
    "shuffled, three epochs": "l = D.DataLoader(pairs, 3, shuffle=True)\nfor _ in range(3): print([b for b in l], after())",
    "shuffled with a generator": """
g = torch.Generator().manual_seed(5); l = D.DataLoader(pairs, 3, shuffle=True, generator=g)
for _ in range(3): print([b for b in l], after(), torch.rand(1, generator=g))
""",
    "in order with a generator": """
g = torch.Generator().manual_seed(5); print(len(list(D.DataLoader(pairs, 3, generator=g))), after(), torch.rand(1, generator=g))
""",
    "two iterators at once": """
l = D.DataLoader(pairs, 4, shuffle=True); a, b = iter(l), iter(l)
print(next(a), next(b), next(a), next(b), after())
""",
    "what a break leaves": "l = D.DataLoader(pairs, 4, shuffle=True)\nfor b in l: break\nprint(b, after(), next(iter(l)), after())",
    "drawing between batches": "for b in D.DataLoader(pairs, 4, shuffle=True): print(b, torch.randn(2), torch.randperm(3))",
    "drop_last": "l = D.DataLoader(pairs, 4, drop_last=True); print(len(l), [b for b in l], len(D.DataLoader(pairs, 4)))",
    "batch as large as the data": "print(next(iter(D.DataLoader(pairs, 10))), len(D.DataLoader(pairs, 100, drop_last=True)))",
    "samples of a dataset": "print(pairs[3], pairs[-1], pairs[2:4], len(pairs))",
    "a dataset of one's own": "l = D.DataLoader(Squares(5), 2, shuffle=True); print([b for b in l], len(l), after())",
    "a list": "print(list(D.DataLoader([1.5, 2.5, 3.5], 2)), list(D.DataLoader(range(6), 2, True)), after())",
    "list of pairs": "print(list(D.DataLoader([(torch.ones(2) * i, i) for i in range(4)], 2)))",
    "arrays and numbers": """
print(list(D.DataLoader([{'a': np.ones(2, np.float32), 'b': np.float64(2), 'c': 'x', 'd': True, 'e': (1, 2.0)}] * 3, 2)))
P = namedtuple('P', 'x y'); print(list(D.DataLoader([P(1, 'a'), P(2, 'b')], 2)))
print([(type(d).__name__, list(d.items())) for d in D.DataLoader([OrderedDict(a=1), OrderedDict(a=2)], 2)], list(D.DataLoader([[1, 2], [3, 4]], 2)))
print(D.default_collate([b'x', b'y']), D.default_collate([np.int32(1), np.int32(2)]), D.default_collate([None or 1, 2]))
""",
    "no batching": "print(list(D.DataLoader(Squares(3), batch_size=None)), list(D.DataLoader([np.ones(2), {'a': np.float32(1)}], batch_size=None)))",
    "collate_fn": "print(list(D.DataLoader(pairs, 4, collate_fn=lambda samples: [len(samples), samples[0][1]])))",
    "collate_fn without batching": "print(list(D.DataLoader(Squares(3), batch_size=None, collate_fn=lambda s: s[0] + 1)))",
    "sampler": "print(list(D.DataLoader(pairs, 3, sampler=[5, 1, 1, 7])), list(D.DataLoader(pairs, 3, sampler=D.SubsetRandomSampler([2, 4, 6, 8]))), after())",
    "sampler of tensors": "print(list(D.DataLoader(pairs, 2, sampler=torch.tensor([5, 1, 7]))), list(D.DataLoader(Squares(9), 2, sampler=torch.tensor([5, 1, 7]))))",
    "batch sampler of a tensor": "print(list(D.DataLoader(pairs, batch_sampler=[torch.tensor([5, 1, 7])])))",
    "negative indices": "print(list(D.DataLoader(pairs, 2, sampler=[-1, -10])))",
    "index out of range": "list(D.DataLoader(pairs, 2, sampler=[10]))",
    "index no integer": "list(D.DataLoader(pairs, 2, sampler=[1.5]))",
    "batch_sampler": """
l = D.DataLoader(pairs, batch_sampler=[[0, 1], [5], []][:2]); print(list(l), len(l), l.batch_size)
print(list(D.DataLoader(pairs, batch_sampler=D.BatchSampler(D.RandomSampler(pairs), 4, True))), after())
""",
    "streams": """
print(list(D.DataLoader(Stream(), 3)), list(D.DataLoader(Stream(), 3, drop_last=True)), list(D.DataLoader(Stream(), None)), after())
print(len(D.DataLoader(Sized(), 3)), len(D.DataLoader(Sized(), 3, drop_last=True)), len(D.DataLoader(Sized(), None)))
""",
    "a stream without length": "len(D.DataLoader(Stream(), 3))",
    "samplers": """
print(list(D.SequentialSampler(range(4))), list(D.RandomSampler(range(6))), after())
print(list(D.RandomSampler(range(6), num_samples=15)), after(), list(D.RandomSampler(range(6), num_samples=3)), after())
print(list(D.RandomSampler(range(6), replacement=True)), after(), list(D.RandomSampler(range(6), True, 70)), after())
g = torch.Generator().manual_seed(1)
print(list(D.RandomSampler(range(6), generator=g)), list(D.RandomSampler(range(6), generator=g, num_samples=6)), torch.rand(1, generator=g), after())
print(list(D.SubsetRandomSampler([3, 1, 4])), list(D.SubsetRandomSampler('abc', generator=g)), torch.rand(1, generator=g), after())
print(list(D.WeightedRandomSampler([0.1, 0.9, 0.4], 5)), list(D.WeightedRandomSampler([0.1, 0.9, 0.4], 2, replacement=False)), after())
print(list(D.BatchSampler(range(7), 3, False)), list(D.BatchSampler(range(7), 3, True)), len(D.BatchSampler(range(7), 3, False)), len(D.BatchSampler(range(7), 3, True)))
print(len(D.RandomSampler(range(6))), len(D.SubsetRandomSampler([1])), len(D.SequentialSampler(range(3))))
""",
    "random_split": """
for lengths in ([6, 4], [3, 3, 4], [0.5, 0.5], [0.3, 0.3, 0.4], [0.15, 0.85], [10, 0]):
    parts = D.random_split(pairs, lengths); print([p.indices for p in parts], [len(p) for p in parts], after())
g = torch.Generator().manual_seed(2); a, b = D.random_split(range(10), [7, 3], generator=g); print(list(a), list(b), torch.rand(1, generator=g), after())
print([b for b in D.DataLoader(D.random_split(pairs, [6, 4])[0], 4, shuffle=True)])
""",
    "random_split, wrong sum": "D.random_split(range(10), [5, 4])",
    "random_split, wrong fraction": "D.random_split(range(10), [1.5, -0.5])",
    "subsets": "s = D.Subset(pairs, [4, 2]); print(s[0], s[1], s[[0, 1]], len(s), list(D.DataLoader(D.Subset(D.Subset(Squares(9), [8, 6, 4, 2]), [1, 3]), 2)))",
    "concatenated": """
c = D.ConcatDataset([Squares(3), Squares(2)]); print(list(c[i] for i in range(5)), c[-1], len(c), c.cumulative_sizes)
print([b for b in D.DataLoader(pairs + pairs, 7, shuffle=True)], after(), len(Squares(2) + Squares(3) + Squares(4)))
""",
    "concatenated, out of range": "D.ConcatDataset([Squares(3)])[-4]",
    "nothing concatenated": "D.ConcatDataset([])",
    "streams concatenated": "D.ConcatDataset([Stream()])",
    "sizes that differ": "D.TensorDataset(X, Y[:3])",
    "shuffled stream": "D.DataLoader(Stream(), shuffle=True)",
    "stream with sampler": "D.DataLoader(Stream(), sampler=[1])",
    "sampler and shuffle": "D.DataLoader(pairs, sampler=[1], shuffle=True)",
    "batch_sampler and batch_size": "D.DataLoader(pairs, 3, batch_sampler=[[1]])",
    "no batches to drop": "D.DataLoader(pairs, None, drop_last=True)",
    "batch of zero": "D.DataLoader(pairs, 0)",
    "batch of a fraction": "D.DataLoader(pairs, 2.5)",
    "negative workers": "D.DataLoader(pairs, num_workers=-1)",
    "empty and shuffled": "D.DataLoader([], shuffle=True)",
    "empty": "print(list(D.DataLoader([])), len(D.DataLoader([])))",
    "no samples": "D.RandomSampler(range(3), num_samples=0)",
    "weights of two dimensions": "D.WeightedRandomSampler([[0.1]], 2)",
    "weights, no samples": "D.WeightedRandomSampler([0.1], 0)",
    "dataset without getitem": "D.Dataset()[0]",
    "collate unequal lists": "D.default_collate([[1, 2], [3]])",
    "collate unequal tensors": "D.default_collate([torch.ones(2), torch.ones(3)])",
    "worker info": "print(D.get_worker_info())",
    "changed after the fact": "l = D.DataLoader(pairs, 2); l.batch_size = 3",
    "typed": "class T(D.Dataset[int]): pass\nprint(issubclass(T, D.Dataset))",
    "gradients flow to the data": """
x = torch.ones(4, 2, requires_grad=True)
for (b,) in D.DataLoader(D.TensorDataset(x), 3, shuffle=True): (b * b).sum().backward()
print(x.grad)
""",
    "batches are copies": """
for order in ({}, {'shuffle': True}):
    x = torch.zeros(4, 1)
    for (b,) in D.DataLoader(D.TensorDataset(x), 2, **order): b += 1
    print(x)
""",
}


TABLES = {
    "text forms": {expression: f"print({expression})" for expression in SHOWN},
    "modules": MODULES,
    "wrong calls": {call: call for call in WRONG_CALLS},
    "loading": {name: PREPARED + program for name, program in LOADING.items()},
}


def outcome(program, torch, seed=0):
    """[what it prints, its warnings, its error or None], with paths of modules left out of error texts."""
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np, "copy": copy, "collections": collections}
    printed, error = io.StringIO(), None
    torch.manual_seed(seed)
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(program, names)
        except Exception as e:
            error = [type(e).__name__, re.sub(r"\b(minigrad|torch)\.nn\.[\w.]*\b", "nn", str(e))]
    return [printed.getvalue(), [str(w.message) for w in caught], error]


def main():
    import torch
    import torch.utils.data

    recorded = {table: {name: outcome(text, torch) for name, text in programs.items()} for table, programs in TABLES.items()}
    Path(__file__).with_suffix(".json").write_text(json.dumps(recorded, indent=0) + "\n")


if __name__ == "__main__":
    main()
