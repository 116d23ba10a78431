"""Tunes SmolLM2 with the product, and has PEFT, transformers, llama.cpp and gguf read what it wrote.

Run: python merged_check.py GRIMOIRE WRITE_LOGITS LIBLLAMA.so [--work DIR] [--record]

GRIMOIRE is the binary; WRITE_LOGITS is the example `write_logits` of grimoire-tune, which writes what this project
computes; LIBLLAMA.so is llama.cpp, as in `exports_check.py`. The product alone does the work that is checked, by its commands:

- `grimoire tune`, a few steps: the adapter is loaded by PEFT over the dequantised base;
- `grimoire model merge` of it to a folder in f32: read by transformers, and held against base and adapter unmerged, too;
- the same to GGUF files of every type that it writes: read by llama.cpp (logits of every position) and by the
  `gguf` package, whose decoded weights are put into transformers;
- `grimoire tune --method full` of the folder: read by transformers.

Ours are the logits of `write_logits` from the same files. They are held within 1e-4 of what transformers computes from the
merged folder, in f32; of what PEFT computes from the adapter, in f32 and in f64; and of transformers in f64 from the trained
folder and from the weights that a GGUF file in F32, F16 or BF16 decodes to. What the peers' own f32 makes of the same is
recorded beside that: with logits up to 38, theirs is some 9e-5 from exact. The trained folder may go over the bound where
the peer's own f32 goes further over it. Files of blocks are measured in the same way and not held: `beyond_the_bound` names those where
rounding in f32 goes over it. llama.cpp keeps keys and values in f16 and rounds what it multiplies with blocks to 8 bits:
its difference is recorded relative to the largest logit, bounded where weights are no blocks, with the same of a file that
this project did not write beside it; and at how many positions it finds the same token likeliest. `--record` writes
`merged_check.json`.
"""

import argparse
import datetime
import json
import subprocess
import tempfile
from pathlib import Path

import dequantised
import exports_check
import numpy as np
import torch
import transformers
from double import everything_f64
from importlib.metadata import version
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

HERE = Path(__file__).resolve().parent
BOUND, LOOSE = exports_check.BOUND, exports_check.LOOSE
TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q4_k", "q5_k", "q6_k")
PLAIN = ("f32", "f16", "bf16")
TEXTS = [
    "name: Misty Window | kind: diner | mood: busy | food: flat bread | area: church\nThe Misty Window is",
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
    "def add(a, b):\n    return a",
]
# What is learned: rows enough for a few steps, others to measure on.
ROWS = [
    {"prompt": f"Entry {n} of the grimoire:", "completion": f" {word}, page {7 * n + 3}."}
    for n, word in enumerate("softmax logit argmax entropy perplexity surprise lasso ridge bayes poisson eigenvector rank".split())
]
SHORT = ("--steps", 6, "--batch", 4, "--answers", 0, "--eval-every", 6)


@torch.no_grad()
def logits(model, ids):
    return [model(torch.tensor([row])).logits[0].numpy() for row in ids]


def largest(ones, others):
    assert [a.shape for a in ones] == [b.shape for b in others]
    return float(max(np.abs(a - b).max() for a, b in zip(ones, others)))


class Ours:
    """This project's logits, through its example."""

    def __init__(self, program, work):
        self.program, self.asked, self.out = program, work / "ids.json", work / "logits.f32"
        self.asked.write_text(json.dumps(TEXTS))

    def __call__(self, *model):
        subprocess.run([self.program, self.asked, self.out, *model], check=True)
        self.ids = json.loads(self.asked.read_text())
        flat = np.fromfile(self.out, "<f4")
        width = len(flat) // sum(map(len, self.ids))
        return np.split(flat.reshape(-1, width), np.cumsum([len(row) for row in self.ids])[:-1])


def of_llama_cpp(llama, path, ids, width):
    every = []
    for row in ids:
        model, context = llama.open(path)
        every.append(llama.logits(context, row, width))
        llama.close(model, context)
    return every


def of_folder(path, ids):
    model, info = AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert set(info["missing_keys"]) <= {"lm_head.weight"} and not info["unexpected_keys"], info
    tokenizer = AutoTokenizer.from_pretrained(path)
    same = [tokenizer(text, add_special_tokens=False).input_ids == row for text, row in zip(TEXTS, ids)]
    assert all(same) and tokenizer.chat_template, same
    return logits(model.eval(), ids)


def of_file(llama, file, own, ids):
    exact = dequantised.load_f64_model(file)
    with everything_f64():
        exact = logits(exact, ids)
    cpp = of_llama_cpp(llama, file, ids, own[0].shape[1])
    same = sum((one.argmax(1) == other.argmax(1)).sum() for one, other in zip(cpp, own))
    return {
        "read_by": "gguf, computed by transformers in f64; llama.cpp",
        "positions": sum(map(len, ids)),
        "largest_difference": largest(exact, own),
        "of_transformers_in_f32": largest(exact, logits(dequantised.load_model(file), ids)),
        "llama_cpp_relative": float(largest(cpp, own) / max(np.abs(row).max() for row in own)),
        "llama_cpp_same_likeliest": int(same),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("grimoire", type=Path)
    parser.add_argument("write_logits", type=Path)
    parser.add_argument("library")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        results = check(options, options.work or Path(folder))
    names = ("torch", "transformers", "tokenizers", "peft", "gguf", "xllamacpp", "numpy")
    out = {
        "made_by": "golden/models/merged_check.py",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "versions": {name: version(name) for name in names},
        "bound": BOUND,
        "bound_of_llama_cpp_relative": LOOSE,
        "beyond_the_bound": [n for n, r in results.items() if r["largest_difference"] > BOUND],
        "results": results,
    }
    if options.record:
        (HERE / "merged_check.json").write_text(json.dumps(out, indent=1) + "\n")


def check(options, work):
    base, results = dequantised.SMOLLM2, {}

    data, held = work / "data.jsonl", work / "held.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS[:8]))
    held.write_text("".join(json.dumps(row) + "\n" for row in ROWS[8:]))

    def run(*words):
        subprocess.run([options.grimoire.resolve(), *map(str, words)], check=True, capture_output=True)

    # With --work, what an earlier call measured on the files that lie there is kept.
    kept = work / "results.json"
    if kept.exists():
        results |= json.loads(kept.read_text())

    def tell(name, measure, held=True, peer=None):
        if name not in results:
            results[name] = measure()
            kept.write_text(json.dumps(results))
        print(name, results[name], flush=True)
        bound = max(BOUND, results[name][peer] if peer else 0)
        assert results[name]["largest_difference"] <= bound or not held, name
        return results[name]

    ours = Ours(options.write_logits.resolve(), work)
    llama = exports_check.Llama(options.library)
    tuned, merged, full = work / "run", work / "merged", work / "full"
    if not tuned.exists():
        run("tune", base, data, "--eval", held, "--rate", 2e-3, "--out", tuned, *SHORT)
    plain, adapted = ours(base), ours(base, tuned / "adapter")
    positions = sum(map(len, ours.ids))
    effect = largest(plain, adapted)
    assert effect > 1, "the adapter hardly changes the logits: this shows nothing"

    def by_peft():
        single = PeftModel.from_pretrained(dequantised.load_model(base), tuned / "adapter").eval()
        double = PeftModel.from_pretrained(dequantised.load_f64_model(base), tuned / "adapter").to(torch.float64).eval()
        theirs = logits(single, ours.ids)
        with everything_f64():
            exact = logits(double, ours.ids)
        return {
            "read_by": "peft, computed in f64", "positions": positions, "effect_of_the_adapter": effect,
            "largest_difference": largest(exact, adapted), "of_peft_in_f32": largest(exact, theirs),
            "between_the_two_in_f32": largest(theirs, adapted),
        }  # fmt: skip

    assert tell("adapter", by_peft)["between_the_two_in_f32"] <= BOUND

    def by_transformers():
        run("model", "merge", base, tuned, "--out", merged, "--type", "f32", "--outer-type", "f32", "--tokens", 64, "--force")
        theirs = of_folder(merged, ours.ids)
        return {
            "read_by": "transformers", "positions": positions, "largest_difference": largest(theirs, ours(merged)),
            "from_the_adapter_unmerged": largest(theirs, adapted),
        }  # fmt: skip

    tell("merged folder", by_transformers)

    def as_type(kind):
        file = work / f"merged-{kind}.gguf"
        run("model", "merge", base, tuned, "--out", file, "--type", kind, "--outer-type", kind, "--tokens", 64, "--force")
        own = ours(file)
        result = of_file(llama, file, own, ours.ids) | {"from_the_adapter_unmerged": largest(own, adapted)}
        file.unlink()
        return result

    for kind in TYPES:
        plain_type = kind in PLAIN
        result = tell(f"merged {kind}", lambda: as_type(kind), held=plain_type)
        assert result["llama_cpp_relative"] <= LOOSE or not plain_type, kind
    tell("base, which others wrote", lambda: of_file(llama, base, plain, ours.ids))

    def fully():
        if not full.exists():
            run("tune", merged, data, "--eval", held, "--method", "full", "--rate", 1e-4, "--out", full, *SHORT)
        own, theirs = ours(full / "model"), of_folder(full / "model", ours.ids)
        narrow = AutoModelForCausalLM.from_pretrained(full / "model", dtype=torch.float32, attn_implementation="eager")
        with everything_f64():
            wide = LlamaForCausalLM(narrow.config).to(torch.float64)
            wide.load_state_dict(narrow.state_dict())
            wide.tie_weights()
            exact = logits(wide.eval(), ours.ids)
        return {
            "read_by": "transformers, computed in f64", "positions": positions,
            "largest_difference": largest(exact, own), "of_transformers_in_f32": largest(exact, theirs),
            "between_the_two_in_f32": largest(theirs, own), "effect_of_the_training": largest(theirs, ours(merged)),
        }  # fmt: skip

    # Where all weights moved, f32 itself may not reach the bound: then ours is to be nearer to exact than the peer's.
    tell("full", fully, peer="of_transformers_in_f32")
    return results


if __name__ == "__main__":
    main()
