"""The training step of the GPT of src/nn/gpt.ts in PyTorch, on one thread. Answers requests, one JSON a line:
{"do": "open", "spec": FILE} / {"do": "gradients", "to": FILE} / {"do": "time", "ms": N}; see bench/peers/python.mjs."""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
try:
    torch.set_num_interop_threads(1)
except RuntimeError:
    pass
state = {}


def load(path):
    """Parameters lie one after the other as float32 in the file that the description names."""
    with open(path) as file:
        spec = json.load(file)
    with open(spec["data"], "rb") as file:
        numbers = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
    params, at = {}, 0
    for leaf in spec["leaves"]:
        size = math.prod(leaf["shape"])
        params[leaf["name"]] = numbers[at : at + size].reshape(leaf["shape"]).clone().requires_grad_(True)
        at += size
    return spec, params


def loss_of(p, config, tokens, targets):
    batch, time_, width, heads = config["batch"], config["blockSize"], config["nEmbd"], config["nHead"]

    def linear(x, name):
        return torch.addmm(p[name + ".bias"], x, p[name + ".weight"])

    def norm(x, name):
        return F.layer_norm(x, (width,), p[name + ".weight"], p[name + ".bias"], 1e-5)

    x = F.embedding(tokens, p["wte.weight"]) + p["wpe.weight"][:time_]
    x = x.reshape(batch * time_, width)
    for layer in range(config["nLayer"]):
        at = f"h.{layer}"
        qkv = linear(norm(x, at + ".ln_1"), at + ".attn.c_attn").reshape(batch, time_, 3, heads, width // heads)
        q, k, v = (qkv[:, :, i].transpose(1, 2) for i in range(3))
        if hasattr(F, "scaled_dot_product_attention"):
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(width // heads))
            mask = torch.ones(time_, time_, dtype=torch.bool).triu(1)
            mixed = F.softmax(scores.masked_fill(mask, -math.inf), dim=-1) @ v
        x = x + linear(mixed.transpose(1, 2).reshape(batch * time_, width), at + ".attn.c_proj")
        x = x + linear(F.gelu(linear(norm(x, at + ".ln_2"), at + ".mlp.c_fc"), approximate="tanh"), at + ".mlp.c_proj")
    logits = norm(x, "ln_f") @ p["wte.weight"].T
    return F.cross_entropy(logits, targets.reshape(-1))


def open_(request):
    spec, params = load(request["spec"])
    config, o = spec["config"], spec["optimizer"]
    shape = (config["batch"], config["blockSize"])
    decayed = [p for p in params.values() if p.ndim >= 2]
    others = [p for p in params.values() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": o["weightDecay"]}, {"params": others, "weight_decay": 0.0}],
        lr=o["learningRate"], betas=(0.9, 0.999), eps=1e-8,
    )
    state.update(
        spec=spec, params=params, optimizer=optimizer, losses=[],
        tokens=torch.tensor(spec["tokens"]).reshape(shape), targets=torch.tensor(spec["targets"]).reshape(shape),
    )
    return {"version": torch.__version__, "gflops": product_speed()}


def product_speed():
    x, times = torch.rand(512, 512), []
    for _ in range(9):
        before = time.perf_counter()
        x @ x
        times.append(time.perf_counter() - before)
    return 2 * 512**3 / sorted(times)[4] / 1e9


def step():
    state["optimizer"].zero_grad(set_to_none=True)
    loss = loss_of(state["params"], state["spec"]["config"], state["tokens"], state["targets"])
    loss.backward()
    state["optimizer"].step()
    value = loss.item()
    if len(state["losses"]) < 8:
        state["losses"].append(value)


def gradients(request):
    spec, params = load(request["spec"])
    loss_of(params, spec["config"], state["tokens"], state["targets"]).backward()
    with open(request["to"], "wb") as file:
        for leaf in spec["leaves"]:
            file.write(params[leaf["name"]].grad.contiguous().numpy().tobytes())
    return {}


def timed(request):
    times, start = [], time.perf_counter()
    while not times or (time.perf_counter() - start) * 1e3 < request["ms"]:
        before = time.perf_counter()
        step()
        times.append((time.perf_counter() - before) * 1e3)
    return {"ms": sorted(times)[len(times) // 2], "losses": state["losses"]}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"open": open_, "gradients": gradients, "time": timed}[request["do"]](request)
    except Exception as error:  # the bench reports it
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
