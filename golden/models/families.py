"""Makes the small randomly initialised models of `golden/models/<family>/` and their recorded values.

Each folder is a Hugging Face checkpoint (config.json, safetensors) with `reference.json.gz` beside it:
logits, losses, hidden states and gradients that `transformers` (eager attention) computes in f64 from
the stored weights. Not a trained model, and no tokenizer: the inputs are token ids.
Run: `python golden/models/families.py` (see README.md for the fields); versions are in each file.
"""

import gzip
import json
import platform
import shutil
import sys
from pathlib import Path

import numpy as np
import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

from double import everything_f64

HERE = Path(__file__).resolve().parent
VOCAB = 96
LENGTHS = (33, 18)
GRADIENT_SAMPLES = 96

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "torch_dtype": "float32",
}


def llama(**changes):
    """The Llama configuration with some fields changed; a value of None removes the field."""
    return {k: v for k, v in (LLAMA | changes).items() if v is not None}


# The spelling of each config is that of the checkpoints of its time on the hub, on purpose:
# old ones name `rope_theta` and `rope_scaling` (with `type` or `rope_type`), new ones `rope_parameters`.
FAMILIES = {
    "llama": llama(),
    "llama-bias": llama(
        attention_bias=True, mlp_bias=True, num_key_value_heads=None, rms_norm_eps=1e-6, torch_dtype="bfloat16"
    ),
    "llama3": llama(
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
        torch_dtype="bfloat16",
        rope_scaling={
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
        max_position_embeddings=512,
    ),
    "smollm": llama(
        hidden_size=36,
        num_attention_heads=3,
        num_key_value_heads=1,
        num_hidden_layers=2,
        intermediate_size=40,
        tie_word_embeddings=True,
        rope_theta=None,
        torch_dtype=None,
        dtype="float32",
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
    ),
    "rope-linear": llama(
        num_key_value_heads=2, torch_dtype="float16", rope_scaling={"type": "linear", "factor": 2.5}
    ),
    "rope-yarn": llama(
        num_attention_heads=2,
        num_key_value_heads=1,
        torch_dtype="float16",
        max_position_embeddings=256,
        rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    ),
    "mistral": llama(
        architectures=["MistralForCausalLM"],
        model_type="mistral",
        torch_dtype="bfloat16",
        num_key_value_heads=2,
        sliding_window=8,
        head_dim=8,
        attention_bias=None,
        mlp_bias=None,
    ),
    "qwen2": llama(
        architectures=["Qwen2ForCausalLM"],
        model_type="qwen2",
        num_key_value_heads=2,
        tie_word_embeddings=True,
        rms_norm_eps=1e-6,
        rope_theta=1000000.0,
        use_sliding_window=False,
        sliding_window=64,
        max_window_layers=2,
        attention_bias=None,
        mlp_bias=None,
    ),
    "qwen3": llama(
        architectures=["Qwen3ForCausalLM"],
        model_type="qwen3",
        torch_dtype="bfloat16",
        num_key_value_heads=2,
        head_dim=12,
        rms_norm_eps=1e-6,
        rope_theta=1000000.0,
        use_sliding_window=False,
        sliding_window=None,
        max_window_layers=2,
        mlp_bias=None,
    ),
    "gpt2": {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": VOCAB,
        "n_ctx": 48,
        "n_positions": 48,
        "n_embd": 24,
        "n_layer": 2,
        "n_head": 3,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": True,
    },
}
STORED_AS = dict.fromkeys(("llama3", "llama-bias", "mistral", "qwen3"), torch.bfloat16) | dict.fromkeys(
    ("rope-linear", "rope-yarn"), torch.float16
)
SHARDED = {"mistral"}
# What, when taken out of the configuration, must change the logits: proof that the values test it.
TELLING = {
    "llama3": {"rope_scaling": None},
    "rope-linear": {"rope_scaling": None},
    "rope-yarn": {"rope_scaling": None},
    "mistral": {"sliding_window": None},
    "smollm": {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
}


def initial_weights(name, model):
    """Random weights large enough that logits and attention vary; norms around 1, biases around 0."""
    generator = torch.Generator().manual_seed(sum(map(ord, name)) + 20)
    stored = STORED_AS.get(name, torch.float32)
    state = {}
    for key, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        is_norm = "norm" in key or ".ln_" in key
        if key.endswith("bias"):
            value = 0.2 * noise
        elif is_norm:
            value = 1.0 + 0.2 * noise
        elif "embed" in key or "wte" in key or "wpe" in key:
            value = 0.5 * noise
        else:
            value = 0.3 * noise
        state[key] = value.to(torch.float32).to(stored)
    return state


def save(state, path, metadata):
    save_file(state, path, metadata=metadata)
    path.chmod(0o644)


def write_checkpoint(folder, name, config, state):
    """Writes the folder as the hub's checkpoints of that family are: names, shards, leftovers."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    metadata = {"format": "pt"}
    if name == "gpt2":
        state = {key.removeprefix("transformer."): value for key, value in state.items()}
        n = config["n_positions"]
        for layer in range(config["n_layer"]):
            # GPT-2's checkpoint carries its causal mask; a loader must pass over it.
            state[f"h.{layer}.attn.bias"] = torch.tril(torch.ones(n, n)).view(1, 1, n, n)
    if name not in SHARDED:
        save(state, folder / "model.safetensors", metadata)
        return
    keys = sorted(state)
    shards = [keys[: len(keys) // 2], keys[len(keys) // 2 :]]
    weight_map = {}
    for index, shard in enumerate(shards, start=1):
        file = f"model-{index:05}-of-{len(shards):05}.safetensors"
        save({key: state[key] for key in shard}, folder / file, metadata)
        weight_map |= {key: file for key in shard}
    total = sum(value.numel() * value.element_size() for value in state.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def digits(array, n=7):
    """Nested lists of numbers of n significant digits."""
    flat = [float(f"{x:.{n}g}") for x in np.asarray(array, dtype=np.float64).ravel()]
    return np.array(flat).reshape(np.shape(array)).tolist()


def sampled(gradient):
    """Norm, and every stride-th entry of the row-major flattening from entry 0."""
    flat = gradient.ravel()
    stride = max(1, -(-flat.size // GRADIENT_SAMPLES))
    if stride > 1 and stride % 2 == 0:
        stride += 1
    return {
        "shape": list(gradient.shape),
        "norm": float(np.linalg.norm(flat)),
        "stride": stride,
        "values": digits(flat[::stride], 7),
    }


def cross_entropy_sum(logits, ids):
    return torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:], reduction="sum")


def reference(folder):
    """What transformers computes from the checkpoint as it lies on disk."""
    narrow = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    with everything_f64():
        config = AutoConfig.from_pretrained(folder, attn_implementation="eager")
        wide = AutoModelForCausalLM.from_config(config, dtype=torch.float64)
        wide.load_state_dict(narrow.state_dict())
        wide.tie_weights()
    wide.eval(), narrow.eval()
    assert {value.dtype for value in wide.state_dict().values()} == {torch.float64}
    generator = torch.Generator().manual_seed(7)
    sequences, total, count, worst = [], 0.0, 0, 0.0
    for length in LENGTHS:
        ids = torch.randint(0, VOCAB, (1, length), generator=generator)
        with everything_f64():
            out = wide(ids, output_hidden_states=True, use_cache=False)
        with torch.no_grad():
            f32 = narrow(ids, use_cache=False).logits
        worst = max(worst, (f32.double() - out.logits).abs().max().item())
        loss = cross_entropy_sum(out.logits, ids)
        total, count = total + loss, count + length - 1
        sequences.append(
            {
                "ids": ids[0].tolist(),
                "logits": digits(out.logits[0].detach().numpy()),
                "hidden_last_position": [digits(h[0, -1].detach().numpy()) for h in out.hidden_states],
                "cross_entropy": loss.item() / (length - 1),
                "cross_entropy_f32": cross_entropy_sum(f32, ids).item() / (length - 1),
            }
        )
    mean = total / count
    with everything_f64():
        mean.backward()
    return {
        "made_by": "golden/models/families.py",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "safetensors": safetensors.__version__,
        },
        "attention": "eager",
        "computed_in": "f64 throughout (double.py)",
        "largest_difference_of_transformers_f32_logits": worst,
        "sequences": sequences,
        "mean_cross_entropy": mean.item(),
        "gradients": {key: sampled(p.grad.numpy()) for key, p in wide.named_parameters()},
    }


def check_telling(name, folder, values):
    """Asserts that the family's own feature shows in the recorded logits."""
    config = json.loads((folder / "config.json").read_text()) | TELLING[name]
    settings = {k: v for k, v in config.items() if k not in ("model_type", "architectures")}
    other = AutoModelForCausalLM.from_pretrained(
        folder, config=AutoConfig.for_model(config["model_type"], **settings), attn_implementation="eager"
    )
    with torch.no_grad():
        logits = other(torch.tensor([values["sequences"][0]["ids"]])).logits[0].double().numpy()
    difference = np.abs(logits - np.array(values["sequences"][0]["logits"])).max()
    assert difference > 0.05, (name, difference)


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for name in sys.argv[1:] or FAMILIES:
        config = FAMILIES[name]
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
        state = initial_weights(name, model)
        write_checkpoint(folder, name, config, state)
        values = reference(folder)
        loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict()
        for key, value in state.items():
            assert torch.equal(loaded[key], value.float()), key
        if name in TELLING:
            check_telling(name, folder, values)
        text = json.dumps(values, separators=(",", ":"))
        with gzip.GzipFile(folder / "reference.json.gz", "wb", mtime=0) as file:
            file.write(text.encode())
        size = sum(f.stat().st_size for f in folder.iterdir())
        spread = np.std(values["sequences"][0]["logits"])
        print(
            f"{name:12} {size / 1024:6.1f} KiB  loss {values['mean_cross_entropy']:.4f}"
            f"  spread of logits {spread:.2f}"
            f"  f32 off by {values['largest_difference_of_transformers_f32_logits']:.1e}"
        )


if __name__ == "__main__":
    main()
