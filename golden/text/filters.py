"""Makes filters.json.gz: what Jinja2's own filters make of texts, lists and dictionaries.

    python filters.py

Needs jinja2 3.1.6. Every expression is rendered in the sandboxed environment that chat templates run in; `text` is
what it prints, and null where it raises.
"""

import gzip
import json

from jinja2.sandbox import ImmutableSandboxedEnvironment

VALUES = {
    "word": "word",
    "odd": "words",
    "line": "Une phrase assez longue, écrite pour être coupée en son milieu.",
    "cjk": "これは日本語の文です。 もう一つ。",
    "marks": "a_b c-d  e'f\tg\nh 3.14 ½ x² ①",
    "hindi": "हिन्दी में एक वाक्य Ⓐ Ⅷ",
    "empty": "",
    "blank": "   ",
    "address": "/a path/with?query=ü&more=~x_y.z-w%",
    "number": 12345.678,
    "integer": -42,
    "none": None,
    "flag": True,
    "list": ["one", "two", 3],
    "pairs": [["a b", "c/d"], ["é", 1.5], ["n", None]],
    "map": {"q": "rust & python", "page": 2, "ok": True, "sp ace": "/"},
    "bad": [["one"]],
}
CALLS = [
    *(f"center({w})" for w in (0, 1, 4, 5, 6, 7, 8, 9, -3)),
    "center",
    "center(width=11)",
    "center(3, width=4)",
    "center('x')",
    *(f"truncate({n})" for n in (3, 4, 8, 9, 10, 11, 15, 20, 30, 58, 59, 60, 255)),
    "truncate",
    "truncate(2)",
    "truncate(-1)",
    "truncate(9, true)",
    "truncate(9, false, '')",
    "truncate(9, true, '…')",
    "truncate(9, true, '…', 0)",
    "truncate(length=12, killwords=true, end='>>', leeway=1)",
    "truncate(12, leeway=0)",
    "truncate(12, leeway=-1)",
    "truncate(12, leeway=none)",
    "truncate(12, nonsense=1)",
    "wordcount",
    "urlencode",
]


def main():
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    cases = []
    for name in VALUES:
        for call in CALLS:
            source = "[{{ " + name + "|" + call + " }}]"
            try:
                text = environment.from_string(source).render(VALUES)
            except Exception:
                text = None
            cases.append({"source": source, "text": text})
    with gzip.GzipFile("filters.json.gz", "wb", mtime=0) as file:
        file.write(json.dumps({"values": VALUES, "cases": cases}, ensure_ascii=False).encode())
    print(len(cases), "cases,", sum(case["text"] is None for case in cases), "raise")


main()
