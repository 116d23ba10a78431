"""Loads an adapter folder with PEFT over the dequantised base and compares its logits with another program's.

Run: python peft_check.py ADAPTER_DIR LOGITS.json [--record]; both are written by
`cargo run --release -p grimoire-tune --example write_for_peft -- GGUF OUT_DIR`.
LOGITS.json, written by the other program: {"base_model": GGUF path (optional, SmolLM2 otherwise),
"prompts": [{"ids": [..], "positions": [..], "logits": [[vocabulary numbers] per position]}]}.
Prints the largest absolute difference, and the same against the base without the adapter, so that an adapter
which does nothing cannot pass; `--record` writes the result with versions to `peft_check.json`.
"""

import argparse
import datetime
import gzip
import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from peft import PeftModel

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "models"))
import dequantised  # noqa: E402

BOUND = 1e-4


def read_json(path):
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def summary(config):
    """What matters of an adapter's configuration."""
    kept = ("peft_type", "base_model_name_or_path", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern")
    return {key: config[key] for key in kept} | {"target_modules": len(config["target_modules"])}


@torch.no_grad()
def logits(model, prompt):
    return model(torch.tensor([prompt["ids"]])).logits[0][prompt["positions"]].double()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adapter", type=Path)
    parser.add_argument("logits", type=Path)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    theirs = read_json(options.logits)
    base = dequantised.load_model(Path(theirs.get("base_model", dequantised.SMOLLM2)))
    without = [logits(base, prompt) for prompt in theirs["prompts"]]
    model = PeftModel.from_pretrained(base, options.adapter).eval()
    worst, effect, compared = 0.0, 0.0, 0
    for prompt, plain in zip(theirs["prompts"], without):
        ours = logits(model, prompt)
        given = torch.tensor(prompt["logits"], dtype=torch.float64)
        assert given.shape == ours.shape, (given.shape, ours.shape)
        worst = max(worst, (given - ours).abs().max().item())
        effect = max(effect, (ours - plain).abs().max().item())
        compared += given.numel()
    weights = options.adapter / "adapter_model.safetensors"
    result = {
        "made_by": "golden/tune/peft_check.py",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "versions": dequantised.versions() | {"peft": version("peft"), "safetensors": version("safetensors")},
        "adapter_config": summary(json.loads((options.adapter / "adapter_config.json").read_text())),
        "adapter_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "logits_compared": compared,
        "largest_difference": worst,
        "bound": BOUND,
        "largest_effect_of_the_adapter": effect,
    }
    print(json.dumps({k: v for k, v in result.items() if k not in ("versions", "adapter_config")}, indent=1))
    if options.record:
        (HERE / "peft_check.json").write_text(json.dumps(result, indent=1) + "\n")
    assert effect > 100 * BOUND, "the adapter hardly changes the logits: this shows nothing"
    assert worst <= BOUND, f"logits differ by {worst}"


if __name__ == "__main__":
    main()
