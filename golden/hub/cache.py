"""Makes cache.json: the cache as `huggingface_hub` itself leaves it, fetched from a small server on this machine.

Every file, link (with its target) and content of the cache folder after a whole snapshot of `org/name` at `main`,
one file of `org/weights` at a tag, and `org/name` again at a later commit that changes one file: blobs shared by two
snapshots, refs of two revisions. Contents are small texts and stand in for weights; layout, names and links are the
library's own.

Run: python cache.py   (writes cache.json beside itself)
"""

import hashlib
import http.server
import json
import os
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLD, NEW = "a" * 40, "b" * 40
CONFIG, TOKENIZER, WEIGHTS = '{"model_type":"llama"}', "{}", "stands for weights"
REPOS = {
    ("org/name", OLD): {"config.json": CONFIG, "tokenizer.json": TOKENIZER, "model.safetensors": WEIGHTS},
    ("org/name", NEW): {"config.json": CONFIG + "\n", "tokenizer.json": TOKENIZER, "model.safetensors": WEIGHTS},
    ("org/weights", OLD): {"sub/m-q4.gguf": "stands for a GGUF", "README.md": "not fetched"},
}
HEAD = {"main": OLD, "v1.0": OLD}


class Hub(http.server.BaseHTTPRequestHandler):
    """The routes that the library asks for."""

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, body):
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            repo, revision = "/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main"
            commit = HEAD.get(revision, revision)
            files = [{"rfilename": name} for name in REPOS[repo, commit]]
            if "tree" in parts:
                files = [
                    {"type": "file", "path": name, "size": len(text), "oid": self.etag(name, text)}
                    for name, text in REPOS[repo, commit].items()
                ]
                return self.send(json.dumps(files), {}, body)
            return self.send(json.dumps({"id": repo, "sha": commit, "siblings": files}), {}, body)
        repo, revision, file = "/".join(parts[:2]), parts[3], "/".join(parts[4:])
        commit = HEAD.get(revision, revision)
        text = REPOS[repo, commit][file]
        return self.send(text, {"ETag": f'"{self.etag(file, text)}"', "X-Repo-Commit": commit}, body)

    @staticmethod
    def etag(name, text):
        """As git has it for small files, as LFS has it for weights."""
        if name.endswith((".safetensors", ".gguf")):
            return hashlib.sha256(text.encode()).hexdigest()
        return hashlib.sha1(f"blob {len(text)}\0{text}".encode()).hexdigest()

    def send(self, text, headers, body):
        self.send_response(200)
        for name, value in (headers | {"Content-Length": len(text.encode())}).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def entries(root):
    """Every file and link below a folder, by its path."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = {"link": os.readlink(path)}
        elif path.is_file():
            found[name] = {"text": path.read_text()}
    return found


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
    os.environ["HF_HUB_DISABLE_XET"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from huggingface_hub import hf_hub_download, snapshot_download

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        snapshot_download("org/name", cache_dir=root)
        hf_hub_download("org/weights", "sub/m-q4.gguf", revision="v1.0", cache_dir=root)
        HEAD["main"] = NEW
        snapshot_download("org/name", cache_dir=root)
        out = {
            "made_by": "golden/hub/cache.py",
            "versions": {"huggingface_hub": version("huggingface_hub")},
            "commits": {"old": OLD, "new": NEW},
            "entries": entries(root),
        }
    (HERE / "cache.json").write_text(json.dumps(out, indent=1) + "\n")
    server.shutdown()


if __name__ == "__main__":
    main()
