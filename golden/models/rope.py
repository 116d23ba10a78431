"""Makes rope.json: angles per position and attention factor of the rotary embedding by transformers, for settings of
`config.json` that the models here do not have: YaRN with a ramp between whole pairs and between parts of pairs
(`truncate`), with its own limits, with an attention factor that is given; Llama 3 with the published numbers.

transformers takes them in f32, so they agree with exact ones to about 1e-7 relative.
Run: python rope.py   (writes rope.json beside itself)
"""

import json
from importlib.metadata import version
from pathlib import Path

import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

HERE = Path(__file__).resolve().parent
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 128}
CASES = {
    "yarn": YARN,
    "yarn-parts": YARN | {"truncate": False},
    "yarn-limits": YARN | {"truncate": False, "beta_fast": 16.0, "beta_slow": 2.0, "factor": 8.0},
    "yarn-attention": YARN | {"truncate": True, "attention_factor": 0.75},
    "llama3": {
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
    },
}  # fmt: skip


def main():
    out = {"made_by": "golden/models/rope.py", "cases": {}}
    out["versions"] = {name: version(name) for name in ("torch", "transformers")}
    for name, rope in CASES.items():
        config = LlamaConfig(
            hidden_size=128, num_attention_heads=2, head_dim=64, max_position_embeddings=131072, rope_parameters=rope
        )
        frequencies, attention = ROPE_INIT_FUNCTIONS[rope["rope_type"]](config, torch.device("cpu"))
        out["cases"][name] = {
            "rope_parameters": rope, "frequencies": [float(f"{f:.9g}") for f in frequencies], "attention": attention,
        }  # fmt: skip
    (HERE / "rope.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
