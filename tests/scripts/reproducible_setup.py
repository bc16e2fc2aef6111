"""What stands at the head of many scripts: imports from torch's inner modules, a function that seeds everything, types."""

import random

import numpy as np
import torch
from torch import nn
from torch.nn.modules.loss import MSELoss
from torch.nn.parameter import Parameter
from torch.optim.optimizer import Optimizer
from torch.optim.sgd import SGD
from torch.utils.data.dataloader import DataLoader
from torch.utils.data.dataset import Dataset, TensorDataset


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)


if torch.cuda.is_available():
    device = torch.device("cuda")
elif torch.backends.mps.is_available():
    device = torch.device("mps")
else:
    device = torch.device("cpu")
print("device:", device, type(device))

set_seed(42)


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = Parameter(torch.rand(1))

    def forward(self, x):
        return self.factor * x


x = torch.linspace(-3, 3, 100).unsqueeze(1)
y = torch.vstack([torch.sin(x[:50]), torch.cos(x[50:])])
data: Dataset = TensorDataset(x, y)
model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), Scale(), nn.Linear(4, 1))
optimizer: Optimizer = SGD(model.parameters(), lr=0.05)
criterion = MSELoss()
for inputs, targets in DataLoader(data, batch_size=20, shuffle=True):
    loss = criterion(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{loss.item():.4f}", inputs.is_cuda)

for thing in (x, x.dtype, x.shape, model, model[0], model[1], model[2], model[2].factor, optimizer, criterion, data, loss.grad_fn):
    print(type(thing))
print(torch.tensor([np.float32(1), 2]).dtype, torch.zeros(2, dtype=float), torch.arange(-1, 1, 0.3), torch.finfo(torch.float32))
