"""Build what is made of the API's schema and of web/src, or check that it is up to date: `build.py update|check`.

Made are the schema's copy (clients/openapi.json), the clients in TypeScript (web/client/src/schema.d.ts) and in Python
(clients/python), and the storefront's bundle (movierec/static/storefront). TypeScript needs Node. What a check has
found up to date it remembers, by a hash of all files that it reads.
"""

import filecmp
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent
SCHEMA = ROOT / "clients" / "openapi.json"
TYPES = WEB / "client" / "src" / "schema.d.ts"
BUNDLE = ROOT / "movierec" / "static" / "storefront"
PYTHON_CLIENT = ROOT / "clients" / "python"
GENERATOR = ROOT / "clients" / "requirements.txt"  # in an environment of its own: it needs other versions than we do
GENERATOR_VENV = ROOT / ".venv" / "clients"
FILE_TYPES = {"text/csv", "application/x-ndjson"}  # of bodies that are files
CHECKED = ROOT / ".venv" / "web-checked"  # hashes, one a line
UPDATE = "run: ./run web build"
MAX_REMEMBERED = 50


class StepError(Exception):
    """A step failed; the message says what to do."""


def main(action: str) -> int:
    """Check or update. Returns the exit status."""
    try:
        if action == "update":
            _update()
        else:
            _check()
    except StepError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _check() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_schema(folder / "openapi.json")
        if not filecmp.cmp(folder / "openapi.json", SCHEMA, shallow=False):
            raise StepError(f"clients/openapi.json is not the API's schema: {UPDATE}")
        if _fingerprint() in _known():
            return
        _check_python_client(folder)
        if not shutil.which("npm"):
            print("there is no Node: the client and the bundle were not built again", file=sys.stderr)
            return
        if not _install():
            print("npm's packages cannot be had: the client and the bundle were not built again", file=sys.stderr)
            return
        _write_types(folder / "schema.d.ts")
        if not filecmp.cmp(folder / "schema.d.ts", TYPES, shallow=False):
            raise StepError(f"{TYPES.relative_to(ROOT)} is out of step with the schema: {UPDATE}")
        _write_bundle(folder / "storefront")
        if differing := _differences(folder / "storefront", BUNDLE):
            raise StepError(f"{BUNDLE.relative_to(ROOT)} is out of step with web/: {UPDATE} ({', '.join(differing)})")
    _remember()


def _update() -> None:
    if not shutil.which("npm"):
        raise StepError("Building takes Node 20 or newer, with npm: https://nodejs.org")
    _write_schema(SCHEMA)
    if not _install():
        raise StepError("npm ci failed: see above.")
    _write_types(TYPES)
    _write_bundle(BUNDLE)
    if not _install_generator():
        raise StepError("the generator of the Python client cannot be installed: see above.")
    _write_python_client(PYTHON_CLIENT)
    _remember()


def _check_python_client(folder: Path) -> None:
    if not _install_generator():
        print("the package index did not answer: the Python client was not made again", file=sys.stderr)
        return
    _write_python_client(folder / "python")
    if differing := _differences(folder / "python", PYTHON_CLIENT):
        raise StepError(f"clients/python is out of step with the schema: {UPDATE} ({', '.join(differing[:3])})")


def _known() -> list[str]:
    return CHECKED.read_text().split() if CHECKED.exists() else []


def _remember() -> None:
    CHECKED.write_text("\n".join([*_known(), _fingerprint()][-MAX_REMEMBERED:]) + "\n")


def _write_schema(path: Path) -> None:
    _run([sys.executable, "manage.py", "spectacular", "--format", "openapi-json", "--file", str(path)], ROOT)


def _write_types(path: Path) -> None:
    _run(["npx", "--no-install", "openapi-typescript", str(SCHEMA), "-o", str(path)], WEB)


def _write_bundle(folder: Path) -> None:
    _run(["npx", "--no-install", "tsc", "--noEmit"], WEB)
    _run(["npx", "--no-install", "vite", "build", "--logLevel", "warn"], WEB, STOREFRONT_OUT=str(folder))
    script = ["src/admin-posters.ts", "--bundle", "--format=iife", "--minify", "--charset=utf8"]
    _run(["npx", "--no-install", "esbuild", *script, f"--outfile={folder / 'admin-posters.js'}"], WEB)


def _write_python_client(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        plain, config = Path(name) / "openapi.json", Path(name) / "config.yml"
        plain.write_text(json.dumps(_plain(json.loads(SCHEMA.read_text()))))
        config.write_text("project_name_override: movierec-client\npackage_name_override: movierec_client\n")
        command = [str(GENERATOR_VENV / "bin" / "openapi-python-client"), "generate", "--meta", "setup", "--overwrite"]
        command += ["--path", str(plain), "--config", str(config), "--output-path", str(folder)]
        _run(command, ROOT, PATH=f"{GENERATOR_VENV / 'bin'}{os.pathsep}{os.environ['PATH']}")  # for its ruff
    shutil.rmtree(folder / ".ruff_cache", ignore_errors=True)


def _plain(value: Any) -> Any:
    """Return the schema without what the generator cannot read: conditions on an object, forms of a body, files' types.

    Of the forms of a body the last is kept: the list under a name.
    """
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _plain(item) for name, item in value.items()}
    if "properties" in plain or "$ref" in plain:
        plain = {name: item for name, item in plain.items() if name not in ("anyOf", "allOf", "dependentSchemas")}
    forms = [form for form in plain.get("anyOf", ()) if "properties" in form or "$ref" in form]
    if forms:
        return forms[-1]
    if isinstance(plain.get("content"), dict) and FILE_TYPES & plain["content"].keys():
        plain["content"] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return plain


def _install_generator() -> bool:
    """Install the generator of the Python client, unless it is there. Returns whether it is."""
    stamp = GENERATOR_VENV / "installed"
    if stamp.exists() and stamp.read_bytes() == GENERATOR.read_bytes():
        return True
    pip = [str(GENERATOR_VENV / "bin" / "python"), "-m", "pip", "install", "-q", "--retries", "1", "-r", str(GENERATOR)]
    for command in ([sys.executable, "-m", "venv", str(GENERATOR_VENV)], pip):
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return False
    stamp.write_bytes(GENERATOR.read_bytes())
    return True


def _install() -> bool:
    """Install what package-lock.json names, unless it is there. Returns whether it is."""
    lock, stamp = WEB / "package-lock.json", WEB / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return True
    npm = shutil.which("npm") or "npm"
    if subprocess.run([npm, "ci", "--loglevel", "error"], cwd=WEB, check=False).returncode:
        return False
    stamp.write_bytes(lock.read_bytes())
    return True


def _run(command: list[str], folder: Path, **variables: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise StepError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _differences(made: Path, kept: Path) -> list[str]:
    """Return the files that are not the same in both folders. Compressed copies differ with the version of Node."""
    names = {path.relative_to(folder) for folder in (made, kept) for path in folder.rglob("*") if path.is_file()}
    return sorted(
        str(name)
        for name in names
        if not ((made / name).exists() and (kept / name).exists())
        or (name.suffix not in (".gz", ".br") and not filecmp.cmp(made / name, kept / name, shallow=False))
    )


def _sources() -> Iterator[Path]:
    for folder in (WEB, BUNDLE, SCHEMA.parent):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not {"node_modules", "__pycache__"} & set(path.parts):
                yield path


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "check"))
