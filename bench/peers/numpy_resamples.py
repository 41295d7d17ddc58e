"""Forms of a bootstrap resample in numpy that bench/estimation-bootstrap.mjs times: beside those of numpy_bootstrap.py,
`poisson_refined`, an exact Poisson(1) by a table of 2^16 words whose few undecided words draw again. One JSON a line."""
import json
import sys
import time

import numpy as np

state = {}


def open_(request):
    n = request["rows"]
    data = np.fromfile(request["data"], dtype=np.float64)
    state.update(n=n, x=data[:n].copy(), y=data[n:].copy(), both=np.stack([data[:n], data[n:]], axis=1).copy())
    cumulative = np.cumsum([np.exp(-1) / np.prod(np.arange(1, k + 1, dtype=float)) for k in range(13)])
    words = np.arange(65536) / 65536
    low, high = np.searchsorted(cumulative, words, "right"), np.searchsorted(cumulative, words + 2.0**-16, "left")
    state.update(cumulative=cumulative, table=low.astype(np.float64), marked=np.where(low == high, low, -1).astype(np.float64))
    return {"version": np.__version__, "forms": list(forms)}


def ratio(weights):
    return (weights @ state["x"]) / (weights @ state["y"])


def poisson(rng):
    return ratio(rng.poisson(1.0, state["n"]).astype(np.float64))


def poisson_refined(rng):
    words = rng.integers(0, 65536, state["n"], dtype=np.uint16)
    weights = state["marked"][words]
    undecided = np.flatnonzero(weights < 0)
    exact = (words[undecided] + rng.random(len(undecided))) / 65536
    weights[undecided] = np.searchsorted(state["cumulative"], exact, "right")
    return ratio(weights)


def poisson_table(rng):
    return ratio(state["table"][rng.integers(0, 65536, state["n"], dtype=np.uint16)])


def multinomial_take(rng):
    drawn = rng.integers(0, state["n"], state["n"], dtype=np.int32)
    return state["x"].take(drawn).sum() / state["y"].take(drawn).sum()


def multinomial_rows(rng):
    a, b = state["both"].take(rng.integers(0, state["n"], state["n"]), axis=0).sum(axis=0)
    return a / b


def multinomial_bincount(rng):
    drawn = rng.integers(0, state["n"], state["n"], dtype=np.int64)
    return ratio(np.bincount(drawn, minlength=state["n"]).astype(np.float64))


forms = {f.__name__: f for f in (poisson, poisson_refined, poisson_table, multinomial_take, multinomial_rows, multinomial_bincount)}
rng = np.random.Generator(np.random.SFC64(1))

for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "open":
        answer = open_(request)
    else:
        times = []
        for _ in range(request["times"]):
            before = time.process_time()
            value = forms[request["form"]](rng)
            times.append((time.process_time() - before) * 1e3)
        answer = {"ms": sum(times) / len(times), "value": value}
    print(json.dumps(answer), flush=True)
