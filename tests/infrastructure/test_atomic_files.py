"""Files and folders are replaced whole, or stay as they were."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.atomic_files import atomic_file, atomic_folder, write_text

ROOT = Path(__file__).parents[2]


def test_a_file_is_replaced_when_the_block_ends(tmp_path):
    file = tmp_path / "note.json"
    file.write_text("before")
    with atomic_file(file) as out:
        out.write(b"after")
        assert file.read_text() == "before"
        assert Path(out.name).parent == tmp_path
    assert file.read_text() == "after"
    assert list(tmp_path.iterdir()) == [file]


def test_an_error_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "note.json"
    file.write_text("before")

    def write_half():
        with atomic_file(file) as out:
            out.write(b"half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_process_killed_while_it_writes_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "note.json"
    file.write_text("before")
    writes = (
        "import os, signal, sys; from pathlib import Path; from infrastructure.atomic_files import atomic_file\n"
        "with atomic_file(Path(sys.argv[1])) as out:\n"
        "    out.write(b'half'); out.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", writes, file], cwd=ROOT).returncode == -9
    assert file.read_text() == "before"


def test_permissions_are_those_asked_for(tmp_path):
    umask = os.umask(0o022)
    try:
        write_text(tmp_path / "public", "text")
        write_text(tmp_path / "secret", "text", mode=0o600)
    finally:
        os.umask(umask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"public": 0o644, "secret": 0o600}


def test_a_file_that_cannot_take_its_name_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "note.json").mkdir()
    with pytest.raises(OSError):
        write_text(tmp_path / "note.json", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["note.json"]


def test_a_folder_is_replaced_whole(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "former").touch()
    (tmp_path / ".model.part").mkdir()
    (tmp_path / ".model.part" / "left by a kill").touch()
    with atomic_folder(folder) as aside:
        (aside / "weights").write_text("new")
        assert (folder / "former").exists()
    assert [path.name for path in folder.iterdir()] == ["weights"]
    assert list(tmp_path.iterdir()) == [folder]


def test_an_error_leaves_the_folder_as_it_was(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "former").touch()

    def write_half():
        with atomic_folder(folder) as aside:
            (aside / "weights").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert [path.name for path in folder.iterdir()] == ["former"]
    assert list(tmp_path.iterdir()) == [folder]
