"""Bootstrap resamples of a ratio of sums over n rows in numpy, in several forms. Answers requests, one JSON a line:
{"do": "open", "data": FILE, "rows": N} / {"do": "time", "form": NAME, "ms": N}; see bench/peers/python.mjs."""
import json
import sys
import time

import numpy as np

state = {}


def open_(request):
    data = np.fromfile(request["data"], dtype=np.float64)
    n = request["rows"]
    state.update(n=n, x=data[:n].copy(), y=data[n:].copy(), both=np.stack([data[:n], data[n:]], axis=1).copy())
    # P(N <= k) of Poisson(1) in 2^-16ths: an approximation, only good for seeing what a table would cost
    cumulative = np.cumsum([np.exp(-1) / np.prod(np.arange(1, k + 1, dtype=float)) for k in range(9)])
    state["table"] = np.searchsorted(cumulative, (np.arange(65536) + 0.5) / 65536).astype(np.float64)
    return {"version": np.__version__, "forms": [f"{f}/{g}" for f in forms for g in generators]}


def ratio(weights):
    return (weights @ state["x"]) / (weights @ state["y"])


def poisson(rng):
    return ratio(rng.poisson(1.0, state["n"]).astype(np.float64))


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


def multinomial_exact(rng):
    n = state["n"]
    return ratio(rng.multinomial(n, np.full(n, 1 / n)).astype(np.float64))


forms = {
    "poisson": poisson,
    "poisson_table": poisson_table,
    "multinomial_take": multinomial_take,
    "multinomial_rows": multinomial_rows,
    "multinomial_bincount": multinomial_bincount,
    "multinomial_exact": multinomial_exact,
}
generators = {"pcg64": np.random.Generator(np.random.PCG64(1)), "sfc64": np.random.Generator(np.random.SFC64(1))}


def timed(request):
    form, generator = request["form"].split("/")
    times, start = [], time.perf_counter()
    while not times or (time.perf_counter() - start) * 1e3 < request["ms"]:
        before = time.perf_counter()
        forms[form](generators[generator])
        times.append((time.perf_counter() - before) * 1e3)
    return {"ms": sorted(times)[len(times) // 2]}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"open": open_, "time": timed}[request["do"]](request)
    except Exception as error:  # the bench reports it
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
