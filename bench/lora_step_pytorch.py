"""A training step of SmolLM2 in PyTorch, as people write it: LoRA with PEFT, or all weights.

One line of JSON for each measurement: workload, peer, setting, tokens_per_second (the median of the steps after one
to warm up), the same by processor seconds of all threads, each step's seconds, loss, peak_mb and versions. The same
tokens, rank, layers and optimiser as `crates/grimoire-tune/examples/train_step.rs`, so that losses can be compared.
Run: python bench/lora_step_pytorch.py [--what lora|full] [--type f32|bf16] [--rows 4] [--length 256]
"""

import argparse
import json
import resource
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden/models"))
import dequantised  # noqa: E402

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--what", choices=["lora", "full"], default="lora")
    parser.add_argument("--type", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)

    model = dequantised.load_model(attention="sdpa")
    if options.type == "bf16":
        model = model.to(torch.bfloat16)
    if options.what == "lora":
        config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=5e-4 if options.what == "lora" else 2e-5, weight_decay=0.0)
    ids = [100 + i * 7919 % 40_000 for i in range(options.length)]
    tokens = torch.tensor([ids] * options.rows)

    seconds, processor, losses = [], [], []
    for _ in range(1 + options.steps):
        began, used = time.perf_counter(), time.process_time()
        loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(round(loss.item(), 5))
        seconds.append(round(time.perf_counter() - began, 3))
        processor.append(round(time.process_time() - used, 3))
    print(
        json.dumps(
            {
                "workload": f"{options.what} step, {options.rows} x {options.length}",
                "peer": "PyTorch + PEFT" if options.what == "lora" else "PyTorch",
                "setting": options.type,
                "threads": options.threads,
                "tokens_per_second": round(tokens.numel() / statistics.median(seconds[1:]), 1),
                "tokens_per_processor_second": round(tokens.numel() / statistics.median(processor[1:]), 1),
                "seconds": seconds,
                "processor_seconds": processor,
                "loss": losses,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
                "versions": {name: version(name) for name in ("torch", "transformers", "peft")},
            }
        )
    )


if __name__ == "__main__":
    main()
