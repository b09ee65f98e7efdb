"""An environment of its own for each peer, made by the benchmark and kept: the peers need other versions than we do."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = {
    "gbstats": ("-r", "requirements-gbstats.txt"),
    "rectools": ("-r", "requirements-rectools.txt"),
    "implicit": ("implicit==0.7.3", "faiss-cpu==1.15.1", "scipy"),
    "service": ("fastapi==0.165.0", "uvicorn==0.54.0", "redis==8.1.0", "torch==2.13.0", "numpy"),
}


def make_environment(name: str) -> Path:
    """Return the Python of the peer's environment; install it where it is not there yet. Raises SystemExit."""
    folder = ROOT / f".venv-{name}"
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = " ".join(REQUIREMENTS[name])
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"installing {wanted} into {folder.name}, once", flush=True)
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS[name]], check=True, cwd=ROOT)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"The environment for {name} could not be made: {error}") from error
    stamp.write_text(wanted)
    return python
