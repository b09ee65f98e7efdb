"""A real S3 server on loopback (rclone's) with a bucket `films`, which a test may stop and start."""

import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import rclone_api

RCLONE = Path(rclone_api.__file__).parent / "bin" / "rclone"


class S3Server:
    """Serve a folder as S3 on a free port, with keys of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key, self.secret = folder, "KEY" + secrets.token_hex(8), secrets.token_hex(20)
        (folder / "films").mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings that an operator gives to the processes."""
        return {
            "MOVIEREC_MODELS_URL": "s3://films/models",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [
            str(RCLONE),
            "serve",
            "s3",
            "--addr",
            f"127.0.0.1:{self.port}",
            "--config",
            os.devnull,
            "-q",
            str(self.folder),
        ]
        own = {"RCLONE_AUTH_KEY": f'"{self.key},{self.secret}"'}
        self._process = subprocess.Popen(command, env=os.environ | own, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("The S3 server did not start.")

    def stop(self) -> None:
        """Kill the server."""
        self._process.kill()
        self._process.wait()
