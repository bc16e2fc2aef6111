"""What users' programs do with modules besides calling them, as under torch: the outcomes are recorded from it.

`python tests/engine/test_nn_findings.py` records them in data/nn_findings.json. Under torch too, the programs are run by
tests/parity/test_nn_findings.py.
"""

import json
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).with_name("data")
sys.path.insert(0, str(DATA))
from programs import outcome

FROZEN = """
class Frozen(nn.BatchNorm1d):
    def train(self, mode=True): return super().train(False)
net = nn.Sequential(nn.Linear(2, 2), Frozen(2), nn.Sequential(Frozen(2)))
"""

PROGRAMS = {
    # ---- the tree: a child is asked by its own method
    "train of a child": FROZEN + "net.train(); print([m.training for m in net.modules()], net.eval() is net, net.training)",
    "state_dict of a child": """
class Own(nn.Linear):
    def state_dict(self, *args, **kwargs):
        state = super().state_dict(*args, **kwargs); state[kwargs.get('prefix', '') + 'extra'] = torch.ones(1); return state
print(list(nn.Sequential(nn.Linear(1, 1), Own(1, 1)).state_dict(prefix='net.')))
""",
    "state_dict into a dict": """
d = {}; print(nn.Linear(1, 1).state_dict(destination=d, prefix='a.') is d, list(d))
s = nn.Sequential(nn.BatchNorm1d(1)).state_dict(); print(s._metadata, copy.deepcopy(s)._metadata)
""",
    "_apply of a child": """
class Kept(nn.Linear):
    def _apply(self, fn, recurse=True): return self
net = nn.Sequential(nn.Linear(1, 1), Kept(1, 1)); net.double(); print([p.dtype for p in net.parameters()])
net.to(torch.float16); print([p.dtype for p in net.parameters()])
net[0]._apply(lambda t: t * 0 + 2); print(net[0].weight, net[0].bias)
""",
    "to is not asked by double": """
class M(nn.Linear):
    def to(self, *args): print('to'); return super().to(*args)
m = M(1, 1); print(m.double().weight.dtype, m.float().bias.dtype, m.half().bias.dtype, m.cpu() is m)
""",
    "conversion leaves integers": """
m = nn.Module(); m.p = nn.Parameter(torch.tensor([1]), requires_grad=False); m.register_buffer('b', torch.tensor([1]))
m.double(); print(m.p.dtype, m.b.dtype); m.to(torch.float16); print(m.p.dtype, m.b.dtype)
""",
    "conversion of the gradient": """
m = nn.Linear(1, 1); m(torch.ones(1, 1)).sum().backward(); g, w = m.weight.grad, m.weight
m.double(); print(m.weight.grad is g, g.dtype, g, m.weight is w); m(torch.ones(1, 1).double()).sum().backward(); print(g)
m.float(); print(m.weight.grad is g, g.dtype)
""",
    "_save_to and _load_from_state_dict": """
class M(nn.Linear):
    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars); destination[prefix + 'old'] = destination.pop(prefix + 'bias')
    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        print(prefix, local_metadata, strict, missing_keys)
        state_dict[prefix + 'bias'] = state_dict.pop(prefix + 'old') + 1
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
net = nn.Sequential(nn.ReLU(), M(1, 1)); s = net.state_dict(); print(list(s)); b = net[1].bias.item()
print(net.load_state_dict(s), net[1].bias.item() == b + 1, list(s))
""",
    "extra state": """
class M(nn.Linear):
    seen = 0
    def get_extra_state(self): return {'seen': self.seen}
    def set_extra_state(self, state): self.seen = state['seen']
net = nn.Sequential(M(1, 1)); net[0].seen = 3; s = net.state_dict(); print(list(s), s['0._extra_state'])
net[0].seen = 0; print(net.load_state_dict(s), net[0].seen)
print(nn.Sequential(nn.Linear(1, 1)).load_state_dict(s, strict=False)); del s['0._extra_state']; net.load_state_dict(s)
""",
    "get_submodule and get_parameter": """
net = nn.Sequential(nn.Linear(1, 2), nn.Sequential(nn.ReLU()))
print(net.get_submodule('1.0'), net.get_submodule('') is net, net.get_parameter('0.weight') is net[0].weight)
for f in (lambda: net.get_submodule('1.4'), lambda: net.get_submodule('0.weight'), lambda: net.get_parameter('0.x'),
          lambda: net.get_parameter('0'), lambda: net.get_parameter('2.x'), lambda: net[0].get_parameter('in_features')):
    try: f()
    except AttributeError as e: print(e)
""",
    "hooks with keyword arguments": """
class M(nn.Module):
    def forward(self, x, scale=1.0): return x * scale
m = M()
m.register_forward_hook(lambda m, args, kwargs, out: print('after', args, kwargs, out), with_kwargs=True)
m.register_forward_hook(lambda m, args, out: out + 1)
m.register_forward_pre_hook(lambda m, args, kwargs: (args, {'scale': kwargs['scale'] * 2}), with_kwargs=True)
m.register_forward_pre_hook(lambda m, args: args[0] + 1)
m.register_forward_pre_hook(lambda m, args, kwargs: None, with_kwargs=True)
print(m(torch.ones(1), scale=3.0)); copy.deepcopy(m)(torch.ones(1), scale=1.0)
m.register_forward_pre_hook(lambda m, args, kwargs: 5, with_kwargs=True); m(torch.ones(1), scale=3.0)
""",
    # ---- state dicts
    "state without num_batches_tracked": """
net = nn.Sequential(nn.BatchNorm1d(2)); s = net.state_dict(); del s['0.num_batches_tracked']
net[0](torch.ones(3, 2)); print(net.load_state_dict(dict(s)), net[0].num_batches_tracked); net.load_state_dict(s)
""",
    "state without num_batches_tracked, none here": """
b = nn.BatchNorm1d(2); b.num_batches_tracked = None; s = dict(b.state_dict()); print(list(s)); b.load_state_dict(s)
""",
    "assign": """
net, s = nn.BatchNorm1d(2), nn.BatchNorm1d(2).double().state_dict(); w = net.weight
net.weight.requires_grad_(False)
print(net.load_state_dict(s, assign=True), net.weight is w, net.weight.dtype, net.weight.requires_grad, type(net.weight).__name__)
s['weight'][0] = 5.0; print(net.weight, net.running_mean is s['running_mean'], net.bias.requires_grad)
p = nn.Parameter(torch.zeros(2)); s['bias'] = p; net.load_state_dict(s, assign=True); print(net.bias is p)
l = nn.LazyLinear(2); l.load_state_dict(nn.Linear(3, 2).state_dict(), assign=True); print(l.weight.shape)
s['bias'] = torch.ones(3); net.load_state_dict(s, assign=True)
""",
    "one element for none": """
m = nn.Module(); m.w = nn.Parameter(torch.tensor(0.0)); print(m.load_state_dict({'w': torch.tensor([2.0])}), m.w)
m.load_state_dict({'w': torch.ones(1, 1)})
""",
    # ---- copies
    "deepcopy of a lazy layer": """
net = nn.Sequential(nn.LazyLinear(2, dtype=torch.float64)); twin = copy.deepcopy(net); x = torch.ones(1, 3).double()
print(twin, twin[0].weight is net[0].weight); print(net(x), net, twin); print(twin(x), twin)
""",
    # ---- batch norm
    "track_running_stats changed": """
b = nn.BatchNorm1d(2); x = torch.tensor([[1.0, 2.0], [3.0, 6.0], [4.0, 0.0]]); b(x); b.track_running_stats = False
print(b(x * 2), b.running_mean, b.num_batches_tracked); b.eval(); print(b(x)); b.reset_running_stats(); print(b.running_mean)
b.track_running_stats = True; b.reset_running_stats(); print(b.running_mean, b.running_var, b.num_batches_tracked)
b.train(); b(x); b.reset_parameters(); print(b.running_mean, b.num_batches_tracked)
""",
    "no running stats": """
b = nn.BatchNorm1d(2); x = torch.tensor([[1.0, 2.0], [3.0, 6.0], [4.0, 0.0]]); b.running_mean = b.running_var = None
print(b.eval()(x)); print(b.train()(x), b.num_batches_tracked); b = nn.BatchNorm1d(2, momentum=None); b.num_batches_tracked = None
print(b(x), b.running_mean); b = nn.BatchNorm1d(2); b.num_batches_tracked = None; print(b(x), b.running_mean); b.reset_running_stats()
""",
    "one running statistic": "b = nn.BatchNorm1d(2); b.running_mean = None; print(b.state_dict().keys()); b.eval()(torch.ones(2, 2))",
    "one running statistic in training": "b = nn.BatchNorm1d(2); b.running_var = None; b(torch.ones(2, 2))",
    "momentum of a tensor": """
b = nn.BatchNorm1d(2, momentum=torch.tensor(0.5, dtype=torch.float64)); x = torch.tensor([[1.0, 2.0], [3.0, 6.0], [4.0, 0.0]])
print(b(x), b.running_mean, b.running_var)
""",
    # ---- containers
    "parameter dict from a dict": """
w, b = torch.ones(2), torch.ones(1)
print([n for n, _ in nn.ParameterDict({'w': w, 'b': b}).named_parameters()], list(nn.ParameterDict([('w', w), ('b', b)])))
print(list(nn.ParameterDict(collections.OrderedDict(w=w, b=b))), list(nn.ParameterDict(nn.ParameterDict([('w', w), ('b', b)]))))
d = nn.ParameterDict({'c': w}); d.update({'z': w, 'a': b, 'c': b}); print(d, list(nn.ModuleDict({'w': nn.ReLU(), 'b': nn.Tanh()})))
""",
    "append a function": "def f(x): return x\nnn.Sequential().append(f)",
    # ---- options that are numbers of NumPy, or tensors
    "options": """
x = torch.tensor([[-1.0, 2.0], [0.5, -3.0]]); t = torch.tensor([0, 1])
for n in (np.float64(0.3), np.float32(0.25), torch.tensor(0.3, dtype=torch.float64), np.int64(1)):
    for y in (nn.LeakyReLU(n)(x), nn.ELU(n)(x), nn.Softplus(n)(x), nn.Softplus(1, n)(x), nn.SmoothL1Loss(beta=n)(x, -x),
              F.huber_loss(x, -x, delta=n), nn.LayerNorm(2, eps=n)(x), nn.BatchNorm1d(2, eps=n)(x),
              nn.CrossEntropyLoss(label_smoothing=n)(x, t), F.normalize(x, eps=float(n)), F.dropout(x, n)):
        print(y.dtype, y)
    print(nn.LeakyReLU(n).negative_slope is n, nn.LeakyReLU(n), nn.LayerNorm(2, eps=n))
print(nn.HuberLoss(delta=np.float64(0.5))(x, -x), nn.LayerNorm(np.int64(2))(x))
""",
    # ---- losses
    "weighted losses": """
x = torch.tensor([[-1.0, 2.0], [0.5, -3.0]], requires_grad=True); y = torch.tensor([[1.0, 2.5], [0.0, 1.0]])
w = torch.tensor([[1.0, 0.5], [2.0, 0.0]], requires_grad=True)
for f in (F.mse_loss, F.l1_loss, F.huber_loss):
    for r in ('none', 'sum', 'mean'):
        out = f(x, y, reduction=r, weight=w); print(out, *torch.autograd.grad(out.sum(), (x, w)))
print(F.mse_loss(torch.tensor([1, 2]), torch.tensor([2, 5]), weight=torch.tensor([1, 2]), reduction='none'))
""",
    "huber of two dtypes": """
x = torch.tensor([0.1, 3.0]); d = torch.tensor([1.0, 5.0], dtype=torch.float64)
for r in ('none', 'sum', 'mean'):
    for a, b in ((x, d), (d, x), (x.half(), x * 2), (x, x.half() * 2), (x, torch.tensor([1, 2]))): print(F.huber_loss(a, b, reduction=r))
F.huber_loss(torch.tensor([1, 2]), x)
""",
    "one_hot": """
t = torch.tensor([[0, 2], [1, 1]]); print(F.one_hot(t), F.one_hot(t, 4).dtype, F.one_hot(torch.tensor(1), num_classes=3))
print(F.one_hot(torch.tensor([], dtype=torch.int64), 3).shape)
""",
    "normalize": """
x = torch.tensor([[3.0, 4.0], [0.0, 1e-14], [1e-13, 0.0]], requires_grad=True)
for out in (F.normalize(x), F.normalize(x, p=1, dim=0), F.normalize(x, dim=-1, eps=0.1)):
    print(out, *torch.autograd.grad(out, x, torch.tensor([[1.0, -2.0], [0.5, 3.0], [1.0, 2.0]])))
y = torch.zeros(3, 2); print(F.normalize(x.detach(), out=y) is y, y)
""",
}  # fmt: skip

WRONG = [
    "F.one_hot(torch.tensor([0, 2]), 2)",
    "F.one_hot(torch.tensor([0, -1]))",
    "F.one_hot(torch.tensor([0.0]))",
    "F.one_hot(torch.tensor([], dtype=torch.int64))",
    "F.one_hot(torch.tensor([0]), num_classes=-2)",
    "F.one_hot([1])",
    "F.mse_loss(torch.ones(2), torch.ones(2), weight=torch.ones(1))",
    "F.huber_loss(torch.ones(2), torch.ones(2), weight=torch.ones(3))",
    "F.leaky_relu(torch.ones(2), torch.tensor([0.5]))",
    "F.elu(torch.ones(2), torch.tensor(0.5, requires_grad=True))",
    "F.softplus(torch.ones(2), '1')",
    "F.smooth_l1_loss(torch.ones(2), torch.ones(2), beta=torch.tensor([0.5]))",
    "F.layer_norm(torch.ones(2), (2,), eps=torch.tensor([0.5]))",
    "F.cross_entropy(torch.ones(2, 2), torch.tensor([0, 1]), label_smoothing=torch.tensor([0.5]))",
    "nn.HuberLoss(delta=np.float32(1.0))",
    "F.batch_norm(torch.ones(4, 2), torch.zeros(2), None, training=True)",
    "F.batch_norm(torch.ones(4, 2), torch.zeros(2), None)",
    "F.batch_norm(torch.ones(4, 2), None, None)",
    "F.batch_norm(torch.ones(3), None, None, training=True)",
    "F.batch_norm(torch.ones(4, 2), None, None, training=True, eps=0.0)",
    "F.batch_norm(torch.ones(4, 2), torch.ones(2), torch.ones(2), eps=-1.0)",
    "F.layer_norm(torch.ones(2, 3), 3)",
    "F.layer_norm(torch.ones(2, 3), None)",
    "F.layer_norm(torch.ones(2, 3), [3.0])",
    "F.layer_norm(torch.ones(2, 3), ())",
    "nn.Embedding(5, 3)([1, 2])",
    "F.embedding(torch.tensor(1), [1, 2])",
    "F.binary_cross_entropy_with_logits(torch.ones(2, 3), torch.ones(2, 3), weight=torch.ones(5))",
    "F.binary_cross_entropy_with_logits(torch.ones(2, 3), torch.ones(2, 3), weight=torch.ones(2, 1, 3))",
    "F.binary_cross_entropy_with_logits(torch.ones(2, 3), torch.ones(2, 3), pos_weight=torch.ones(5))",
    "F.binary_cross_entropy_with_logits(torch.ones(2, 3), torch.ones(2, 3), pos_weight=torch.ones(2, 1, 3))",
    "F.binary_cross_entropy(torch.ones(2, 3), torch.ones(2, 3), weight=torch.ones(2, 1, 3))",
    "nn.BCEWithLogitsLoss()(torch.ones(2), torch.ones(2) > 0)",
]
PROGRAMS |= {text: text for text in WRONG}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_does_what_it_did_under_torch(name):
    import minigrad

    recorded = json.loads((DATA / "nn_findings.json").read_text())
    assert outcome(PROGRAMS[name], minigrad) == recorded[name]


def main():
    import torch

    recorded = {name: outcome(program, torch) for name, program in PROGRAMS.items()}
    (DATA / "nn_findings.json").write_text(json.dumps(recorded, indent=0) + "\n")


if __name__ == "__main__":
    main()
