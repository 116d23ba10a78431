"""Statistics against scipy in one run: `python bench/stats.py target/release/grimoire`.

Exact two-sided binomial test at n = 1e9, and the bootstrap of a mean of 1e6 values with 10,000 resamples. The
command's times are of the whole process, reading and parsing its input included. scipy's bootstrap runs fewer
resamples in batches that fit in memory and its time is scaled up in proportion, which favours it (set-up once).
Prints what is measured, the figures, the ratio and the machine.
"""
import json, os, platform, resource, subprocess, sys, tempfile, time
import numpy as np, scipy
from scipy import stats

binary = sys.argv[1]
scipy_resamples = int(sys.argv[2]) if len(sys.argv) > 2 else 100
model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
print(f"machine: {model}, {os.cpu_count()} cores; scipy {scipy.__version__}, numpy {np.__version__}; load {os.getloadavg()[0]:.1f}")


def run(*words):
    start = time.perf_counter()
    child = subprocess.Popen([binary, "stats", *words, "--json"], stdout=subprocess.PIPE)
    text = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0
    return json.loads(text), time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


ours = [run("test", "binomial", "480020000", "1000000000", "--p", "0.48") for _ in range(7)]
best = min(o[1] for o in ours)
start = time.perf_counter()
for _ in range(20):
    p = stats.binomtest(480020000, 10 ** 9, 0.48).pvalue
theirs = (time.perf_counter() - start) / 20
print(f"binomial test, n = 1e9: whole command {best * 1e3:.2f} ms (cpu {min(o[2] for o in ours) * 1e3:.2f} ms), scipy call {theirs * 1e3:.2f} ms; p {ours[0][0]['p_value']!r} and {float(p)!r}")

x = np.random.default_rng(1).exponential(size=1_000_000)
with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
    np.savetxt(file.name, x, fmt="%.17g")
    record, wall, cpu, peak = run("bootstrap", file.name, "--resamples", "10000")
start, cpu0 = time.perf_counter(), time.process_time()
out = stats.bootstrap((x,), np.mean, n_resamples=scipy_resamples, batch=10, method="percentile", vectorized=True, rng=np.random.default_rng(2))
scale = 10_000 / scipy_resamples
their_wall, their_cpu = (time.perf_counter() - start) * scale, (time.process_time() - cpu0) * scale
print(f"bootstrap, 1e6 values x 10,000 resamples: {wall:.1f} s wall, {cpu:.1f} s cpu, peak {peak:.0f} MB (BCa, percentile and studentised)")
print(f"  scipy percentile, {scipy_resamples} resamples scaled to 10,000: {their_wall:.0f} s wall, {their_cpu:.0f} s cpu; ratio {their_wall / wall:.1f} wall, {their_cpu / cpu:.1f} cpu")
made = {i["method"]: (i["lower"], i["upper"]) for i in [record["interval"], *record["intervals"]]}
print(f"  intervals {made}; scipy {tuple(float(v) for v in out.confidence_interval)}")
