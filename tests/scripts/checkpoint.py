"""A training that is broken off, saved to a file and resumed, and one that runs through: they end the same."""

import os
import tempfile

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(50, 3)
y = torch.sin(x.sum(1, keepdim=True))


def build():
    torch.manual_seed(8)
    model = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
    return model, optimizer, scheduler


def train(model, optimizer, scheduler, epochs):
    for epoch in epochs:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(f"  epoch {epoch}  loss {loss.item():.4f}  lr {scheduler.get_last_lr()[0]:.4f}")


def main():
    print("straight through")
    whole = build()
    train(*whole, range(12))

    print("broken off after 7")
    parts = build()
    train(*parts, range(7))
    states = {name: part.state_dict() for name, part in zip(("model", "optimizer", "scheduler"), parts)}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "checkpoint.pt")
        torch.save({"epoch": 7, **states}, path)
        checkpoint = torch.load(path)
    print("keys", list(checkpoint), list(checkpoint["model"]))

    print("resumed")
    model, optimizer, scheduler = build()
    print(model.load_state_dict(checkpoint["model"]))
    optimizer.load_state_dict(checkpoint["optimizer"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    train(model, optimizer, scheduler, range(checkpoint["epoch"], 12))
    same = [torch.equal(p, q) for p, q in zip(model.parameters(), whole[0].parameters())]
    print("the same parameters:", same)


main()
