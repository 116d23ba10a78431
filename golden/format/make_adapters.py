"""Makes the adapters that the tests of grimoire-format read, with PEFT: `peft-patterns` (rank and
alpha patterns) and `peft-rslora` (rsLoRA, a pattern of targets), and adapters.json, the scale that
PEFT gives each module and the product B·A·scale of each as f64.

Made with Python 3.11 and the versions recorded in adapters.json.
Run: python make_adapters.py   (writes beside itself)
"""

import json
import pathlib
import shutil
from importlib.metadata import version

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import LlamaConfig, LlamaForCausalLM

here = pathlib.Path(__file__).parent
torch.manual_seed(3)
base = LlamaConfig(vocab_size=32, hidden_size=8, intermediate_size=12, num_hidden_layers=3,
                   num_attention_heads=2, num_key_value_heads=1)
cases = {
    "peft-patterns": LoraConfig(
        r=4, lora_alpha=17, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM",
        rank_pattern={"layers.1.self_attn.q_proj": 2, "down_proj": 3},
        alpha_pattern={r".*\.2\.mlp\.down_proj": 11, "q_proj": 5},
        layers_to_transform=[1, 2]),
    "peft-rslora": LoraConfig(
        r=6, lora_alpha=17, use_rslora=True, task_type="CAUSAL_LM",
        target_modules=r".*layers\.[02]\..*(v_proj|up_proj)"),
}
out = {"versions": {p: version(p) for p in ("peft", "torch", "transformers")}}
for name, config in cases.items():
    model = get_peft_model(LlamaForCausalLM(base), config)
    modules = {}
    for path, module in model.named_modules():
        if isinstance(module, LoraLayer):
            a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
            torch.nn.init.normal_(b)
            delta = b.double() @ a.double() * module.scaling["default"]
            modules[path.removeprefix("base_model.model.")] = {
                "scale": module.scaling["default"], "rank": module.r["default"],
                "shape": list(delta.shape), "delta": delta.flatten().tolist()}
    shutil.rmtree(here / name, ignore_errors=True)
    model.save_pretrained(here / name)
    (here / name / "README.md").unlink()
    out[name] = modules
(here / "adapters.json").write_text(json.dumps(out) + "\n")
