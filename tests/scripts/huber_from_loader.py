"""The same with torch's own parts: a data set, a loader that shuffles, a layer, a loss and an optimizer."""

import torch
from torch import nn
from torch.utils import data

true_w = torch.tensor([2, -3.4])
features = torch.normal(0, 1, (300, 2))
labels = (torch.matmul(features, true_w) + 4.2 + torch.normal(0, 0.01, (300,))).reshape((-1, 1))


def load_array(data_arrays, batch_size, is_train=True):
    return data.DataLoader(data.TensorDataset(*data_arrays), batch_size, shuffle=is_train)


loader = load_array((features, labels), 10)
net = nn.Sequential(nn.Linear(2, 1))
net[0].weight.data.normal_(0, 0.01)
net[0].bias.data.fill_(0)
loss = nn.HuberLoss(reduction="mean", delta=1.0)
trainer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(3):
    for X, y in loader:
        batch_loss = loss(net(X), y)
        trainer.zero_grad()
        batch_loss.backward()
        trainer.step()
    epoch_loss = loss(net(features), labels)
    print(f"epoch {epoch + 1}, loss:{epoch_loss:f}")
print(net[0].weight.data, net[0].weight.grad, net[0].bias.data, net[0].bias.grad, sep="\n")
print(net, loss, len(loader), next(iter(loader))[0].shape)
