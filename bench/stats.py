"""Statistics against scipy in one run: `python bench/stats.py [FOLDER]`, FOLDER being target/release.

Needs `cargo build --release -p grimoire` and `cargo build --release -p grimoire-stats --examples` before it.

Exact two-sided binomial test at n = 1e9, inside the process (54 outcomes, p from 1e-8 to 0.9999) and as a whole
command. Bootstrap of the mean of 1e6 values with 10,000 resamples: the percentile interval alone, which is what scipy
makes, and all three intervals; one thread and two, whose results must be equal. scipy's bootstrap runs fewer
resamples in batches that fit in memory and its time is scaled up in proportion, which favours it (set-up counted once).
"""
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy
from scipy import stats

folder = sys.argv[1] if len(sys.argv) > 1 else "target/release"
speed = os.path.join(folder, "examples/speed")
SCIPY_RESAMPLES, RESAMPLES, N = 100, 10_000, 1_000_000
model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
print(f"machine: {model}, {os.cpu_count()} cores; scipy {scipy.__version__}, numpy {np.__version__}; load {os.getloadavg()[0]:.1f}")


def run(words, threads=None):
    """The JSON a program prints, wall seconds, processor seconds, peak MB."""
    environment = {**os.environ, **({"RAYON_NUM_THREADS": str(threads)} if threads else {})}
    start = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment)
    text = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, words
    return json.loads(text), time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


inside = run([speed, "binomial"])[0]
words = [os.path.join(folder, "grimoire"), "stats", "test", "binomial", "480020000", "1000000000", "--p", "0.48", "--json"]
whole = [run(words) for _ in range(9)]
start = time.perf_counter()
for _ in range(20):
    p = stats.binomtest(480020000, 10 ** 9, 0.48).pvalue
theirs = (time.perf_counter() - start) / 20
print(f"binomial test, n = 1e9, two-sided, with its intervals: median call {inside['median_seconds'] * 1e3:.3f} ms, slowest of {inside['calls']} {inside['slowest_seconds'] * 1e3:.3f} ms ({inside['slowest']})")
print(f"  whole command {min(o[1] for o in whole) * 1e3:.2f} ms; scipy call (p-value alone) {theirs * 1e3:.2f} ms; p {whole[0][0]['p_value']!r} and {float(p)!r}")

x = np.random.default_rng(1).exponential(size=N)
with tempfile.NamedTemporaryFile(suffix=".f64") as file:
    x.astype("<f8").tofile(file.name)
    start, cpu = time.perf_counter(), time.process_time()
    out = stats.bootstrap((x,), np.mean, n_resamples=SCIPY_RESAMPLES, batch=10, method="percentile", vectorized=True, rng=np.random.default_rng(2))
    scale = RESAMPLES / SCIPY_RESAMPLES
    their_wall, their_cpu = (time.perf_counter() - start) * scale, (time.process_time() - cpu) * scale
    print(f"bootstrap, {N:.0e} values x {RESAMPLES} resamples: scipy percentile, {SCIPY_RESAMPLES} resamples scaled: {their_wall:.0f} s wall, {their_cpu:.0f} s cpu")
    seen = set()
    for threads in (1, 2):
        record, _, cpu, peak = run([speed, "bootstrap", file.name, str(RESAMPLES)], threads)
        alone, all_three = record.pop("percentile_seconds"), record.pop("all_seconds")
        seen.add(json.dumps(record))
        print(f"  {threads} thread: percentile {alone:.2f} s ({their_wall / alone:.1f} times as fast as scipy), all three intervals {all_three:.2f} s ({their_wall / all_three:.1f} times); both together {cpu:.1f} s cpu, peak {peak:.0f} MB")
assert len(seen) == 1, "results depend on the number of threads"
print(f"  same results on both; percentile {record['percentile']}, studentised {record['studentised']}; scipy's {SCIPY_RESAMPLES} resamples gave {[float(v) for v in out.confidence_interval]}; normal theory {[float(x.mean() + s * 1.959964 * x.std() / N ** 0.5) for s in (-1, 1)]}")
