"""Carries adapters made by PEFT through this project's formats and back, and compares what they compute.

Run: python adapters_check.py GRIMOIRE_BINARY LIBLLAMA.so [--record]

For a small model of the llama, qwen3 and gpt2 architectures (golden/models/gguf, written as folder and as GGUF file in
f32) and four adapters made here by PEFT with random values (plain; rsLoRA; ranks and alphas by pattern; some layers
only): PEFT's folder to GGUF-LoRA, over the folder and over the file, which must give the same tensors; that back to a
folder, which PEFT loads over the same base; and the GGUF-LoRA applied by llama.cpp (build 11549, in the wheel xllamacpp
2026.10.11549). Logits are held against those of the adapter as PEFT made it. `--record` writes `adapters_check.json`.
"""

import argparse
import ctypes
import datetime
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import transformers
from gguf import GGUFReader
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "models"
sys.path.insert(0, str(MODELS))
import exports_check  # noqa: E402

BOUND = 1e-4
IDS = list(range(3, 35))
# First of the last components of module names, one that occurs in attention and one in the rest.
NAMES = {"llama3": ("q_proj", "down_proj"), "qwen3": ("q_proj", "down_proj"), "gpt2": ("c_attn", "mlp.c_proj")}


def adapters(family):
    first, second = NAMES[family]
    layer = "h.1" if family == "gpt2" else "layers.1"
    common = {"task_type": "CAUSAL_LM", "fan_in_fan_out": family == "gpt2"}
    return {
        "plain": LoraConfig(r=4, lora_alpha=9, target_modules="all-linear", **common),
        "rslora": LoraConfig(r=6, lora_alpha=7, use_rslora=True, target_modules=[first, second], **common),
        "patterns": LoraConfig(
            r=4, lora_alpha=17, target_modules=[first, second], rank_pattern={second: 3},
            alpha_pattern={rf".*{layer}\..*{first}": 5}, **common),
        "layers": LoraConfig(r=2, lora_alpha=3, target_modules=[first], layers_to_transform=[1], **common),
    }  # fmt: skip


@torch.no_grad()
def logits(model):
    return model(torch.tensor([IDS])).logits[0].double()


def base(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def tensors(path):
    return {tensor.name: np.array(tensor.data) for tensor in GGUFReader(path).tensors}


class Llama(exports_check.Llama):
    """llama.cpp with an adapter."""

    def difference(self, model, adapter, expected):
        lib = self.lib
        lib.llama_adapter_lora_init.restype = ctypes.c_void_p
        lib.llama_adapter_lora_init.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        start, lora = lib.llama_init_from_model, []

        def with_adapter(loaded, params):
            context = start(loaded, params)
            lora.append(lib.llama_adapter_lora_init(loaded, str(adapter).encode()))
            assert lora[0], f"llama.cpp does not load {adapter}"
            ones, one = (ctypes.c_void_p * 1)(lora[0]), (ctypes.c_float * 1)(1.0)
            assert lib.llama_set_adapters_lora(ctypes.c_void_p(context), ones, ctypes.c_size_t(1), one) == 0
            return context

        lib.llama_init_from_model = with_adapter
        try:
            case = {"ids": IDS, "logits": expected.flatten().tolist(), "texts": []}
            return float(self.check(model, case)[0])
        finally:
            lib.llama_init_from_model = start


def check(family, folder, run, llama):
    whole, file = folder / "base", folder / "base.gguf"
    for out in (whole, file):
        run("model", "merge", MODELS / f"gguf/{family}.gguf", "--out", out, "--type", "f32", "--outer-type", "f32")
    plain = logits(base(whole))
    for name, config in adapters(family).items():
        torch.manual_seed(len(name))
        model = get_peft_model(base(whole), config)
        for module in model.modules():
            if isinstance(module, LoraLayer):
                torch.nn.init.normal_(module.lora_B["default"].weight, std=0.3)
        theirs, there, back = folder / name, folder / f"{name}.gguf", folder / f"{name}-back"
        model.save_pretrained(theirs)
        expected = logits(model.eval())
        run("model", "adapter", whole, theirs, "--out", there)
        run("model", "adapter", file, theirs, "--out", folder / "other.gguf")
        one, other = tensors(there), tensors(folder / "other.gguf")
        assert one.keys() == other.keys() and all((one[key] == other[key]).all() for key in one)
        (folder / "other.gguf").unlink()
        run("model", "adapter", file, there, "--out", back)
        again = logits(PeftModel.from_pretrained(base(whole), back).eval())
        off, effect = (again - expected).abs().max().item(), (expected - plain).abs().max().item()
        off_llama = llama.difference(file, there, expected)
        assert effect > 100 * BOUND and off <= BOUND and off_llama <= exports_check.LOOSE, (name, effect, off, off_llama)
        written = json.loads((back / "adapter_config.json").read_text())
        kept = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "target_modules")
        yield name, {
            "effect": effect, "peft_after_there_and_back": off, "llama_cpp_relative": off_llama,
            "written": {key: written[key] for key in kept},
        }  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("library")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    def run(*words):
        subprocess.run([options.binary.resolve(), *map(str, words)], check=True, capture_output=True)

    llama, results = Llama(options.library), {}
    for family in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            for name, result in check(family, Path(folder), run, llama):
                results[f"{family} {name}"] = result
                print(family, name, result, flush=True)
    out = {
        "made_by": "golden/tune/adapters_check.py",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "versions": {p: version(p) for p in ("torch", "transformers", "peft", "gguf", "xllamacpp", "numpy")},
        "bound": BOUND,
        "bound_of_llama_cpp_relative": exports_check.LOOSE,
        "results": results,
    }
    if options.record:
        (HERE / "adapters_check.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
