"""Scores the answers of `crates/grimoire-tune/examples/e2e_nlg.rs` as `e2e_pytorch.py` scores its own: corpus BLEU by
sacreBLEU against all references of each meaning representation. Prints one JSON object; trains and generates nothing.

usage: python bench/e2e_score.py REPORT.json DATA_FOLDER
"""

import csv
import gzip
import json
import sys
from pathlib import Path

import sacrebleu


def main():
    report = json.loads(Path(sys.argv[1]).read_text())
    references = {}
    with gzip.open(Path(sys.argv[2]) / "testset-first315mr.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            references.setdefault(row["mr"], []).append(row["ref"])
    result = {"what": "E2E NLG, LoRA with Grimoire in default precision", "made_by": report["made_by"]}
    result["held_out_loss"] = {when: report[when]["loss"] for when in ("before", "after")}
    result["training_seconds"] = report["training_seconds"]
    result["loss_of_step"] = [round(step["loss"], 5) for step in report["training"]]
    for when in ("before", "after"):
        answers = report[when]["answers"]
        of_answer = list(references.values())[: len(answers)]
        columns = [[refs[i] if i < len(refs) else None for refs in of_answer] for i in range(max(map(len, of_answer)))]
        metric = sacrebleu.metrics.BLEU()
        score = metric.corpus_score(answers, columns)
        result[f"bleu_{when}"] = {
            "score": score.score,
            "text": str(score),
            "n": len(answers),
            "signature": str(metric.get_signature()),
        }
        first = metric.corpus_score(answers[:50], [column[:50] for column in columns])
        result[f"bleu_{when}"]["first_50"] = first.score
    print(json.dumps(result, indent=1))


main()
