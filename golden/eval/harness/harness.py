"""Records what lm-evaluation-harness finds on a few items of four tasks, item by item, for
`crates/grimoire/tests/harness.rs`.

The model is SmolLM2-135M-Instruct, Q4_1, decoded to f32 as `golden/models/dequantised.py` does, on the CPU,
one item at a time, greedy. The tasks are the harness's own files (`include`), with these changes: the data
are local files; answers end after 128 tokens; the examples are the first two of the training file (the
harness would draw five at random); of XQuAD the prompt is restated; AQuA-RAT is put into the form of AGIEval by this script, since the
harness expects it so; rolling log-likelihoods (its task wikitext) are taken of the first XQuAD paragraphs
that the task's detokenizer leaves as they are. SVAMP and E2E are not among the harness's tasks. `sentiment`
is a task of this project in the form of the harness's sst2, whose prompt and options it has.

Run: python harness.py DATA [TASK ...], where DATA holds gsm8k, aqua-rat, xquad-en and vader-sentiment; writes harness.json.gz
beside itself (tasks that are not named keep what was recorded). Versions are recorded in it.
"""

import gzip
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import lm_eval
import torch
import yaml
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.tasks.wikitext.preprocess_wikitext import wikitext_detokenizer

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "models"))
from dequantised import load_model, load_tokenizer, versions  # noqa: E402

SHIPPED = Path(lm_eval.__file__).parent / "tasks"
TOKENS = 128
# Prompt, target and end of the harness's xquad_en. The file itself cannot be loaded: its scores come from a
# module that transformers 5 no longer has. So only what is written is recorded.
XQUAD = {
    "output_type": "generate_until",
    "validation_split": "validation",
    "doc_to_text": "Context: {{context}}\n\nQuestion: {{question}}\n\nAnswer:",
    "doc_to_target": '{{answers["text"][0]}}',
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
ITEMS = {"aqua_rat": 40, "sentiment": 100, "rolling": 48, "xquad": 24, "gsm8k": 12}


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def agieval(row):
    """A question of AQuA-RAT in the form of AGIEval: letters in brackets, one line of options."""
    choices = [f"({option}" for option in row["options"]]
    query = f"Q: {row['question']} Answer Choices: {' '.join(choices)}\nA: Among A through E, the answer is"
    return {"query": query, "choices": choices, "gold": ["ABCDE".index(row["correct"])]}


def squad_rows(document):
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                answers = {"text": [answer["text"] for answer in qa["answers"]]}
                yield {"context": paragraph["context"], "question": qa["question"], "answers": answers}


def rows_of(data):
    xquad = json.load(gzip.open(data / "xquad-en/xquad-en-first36-articles.json.gz", "rt", encoding="utf-8"))
    contexts = [p["context"] for article in xquad["data"] for p in article["paragraphs"]]
    plain = [i for i, text in enumerate(contexts) if wikitext_detokenizer({"page": text}) == text]
    sentiment = lines(data / "vader-sentiment/movie-snippets.jsonl.gz")
    rows = {
        "gsm8k": lines(data / "gsm8k/test-first660.jsonl.gz"),
        "aqua_rat": [agieval(row) for row in lines(data / "aqua-rat/dev.json")],
        "xquad": list(squad_rows(xquad)),
        "rolling": [{"page": contexts[i]} for i in plain],
        "sentiment": [{"sentence": r["text"], "label": int(r["score"] > 0)} for r in sentiment],
    }
    return {name: rows[name][: ITEMS[name]] for name in rows}, plain[: ITEMS["rolling"]]


def task_files(folder, rows, data):
    """The harness's own tasks over local files."""
    base = {
        "gsm8k": (SHIPPED / "gsm8k/gsm8k.yaml", "test"),
        "aqua_rat": (SHIPPED / "agieval/aqua-rat.yaml", "test"),
        "xquad": (None, "validation"),
        "rolling": (SHIPPED / "wikitext/wikitext.yaml", "test"),
        "sentiment": (SHIPPED / "glue/sst2/default.yaml", "validation"),
    }
    for name, (file, split) in base.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows[name]), encoding="utf-8")
        files = {split: str(path)}
        config = {"task": f"local_{name}", "dataset_path": "json", "dataset_name": None}
        config |= {"include": str(file)} if file else XQUAD
        if name == "gsm8k":
            shots = folder / "shots.jsonl"
            first = lines(data / "gsm8k/train.jsonl.gz")[:2]
            shots.write_text("".join(json.dumps(row) + "\n" for row in first), encoding="utf-8")
            files["train"] = str(shots)
            config |= {"num_fewshot": 2, "fewshot_config": {"sampler": "first_n"}}
        if name in ("rolling", "sentiment"):
            config |= {"training_split": None} | ({"validation_split": None} if name == "rolling" else {})
        config["dataset_kwargs"] = {"data_files": files}
        if name in ("gsm8k", "xquad"):
            shipped = {"gsm8k": ["Question:", "</s>", "<|im_end|>"], "xquad": ["\n"]}[name]
            config["generation_kwargs"] = {
                "until": shipped, "do_sample": False, "temperature": 0.0, "max_gen_toks": TOKENS,
            }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def item(sample):
    """What is kept of a sample: nothing of its text but what the model wrote."""
    kept = {"id": sample["doc_id"], "filter": sample["filter"]}
    kept["responses"] = [response for response in sample["resps"]]
    kept["filtered"] = sample["filtered_resps"]
    for metric in sample["metrics"]:
        kept[metric] = sample[metric]
    return kept


def main():
    data = Path(sys.argv[1])
    asked = sys.argv[2:] or list(ITEMS)
    torch.set_num_threads(1)
    rows, plain = rows_of(data)
    target = HERE / "harness.json.gz"
    out = json.load(gzip.open(target, "rt")) if target.exists() else {"tasks": {}}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        task_files(folder, rows, data)
        model = HFLM(pretrained=load_model(), tokenizer=load_tokenizer(), batch_size=1, max_length=2048)
        manager = TaskManager(include_path=str(folder), include_defaults=False)
        for name in asked:
            found = lm_eval.simple_evaluate(
                model=model, tasks=[f"local_{name}"], task_manager=manager, bootstrap_iters=0, log_samples=True,
            )
            task = f"local_{name}"
            out["tasks"][name] = {
                "items": [item(sample) for sample in found["samples"][task]],
                "results": {key: value for key, value in found["results"][task].items() if not key.startswith("alias")},
                "doc_to_text": str(found["configs"][task].get("doc_to_text")),
            }
            print(name, found["results"][task], flush=True)
            out["versions"] = versions() | {"lm_eval": version("lm_eval")}
            out["rolling_paragraphs"] = plain
            out["tokens"] = TOKENS
            with gzip.GzipFile(target, "wb", mtime=0) as file:
                file.write(json.dumps(out, default=str).encode())


if __name__ == "__main__":
    main()
