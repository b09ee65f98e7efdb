"""PgBouncer in transaction mode before Postgres: web processes share few connections, and lose nothing by it."""

import os
import shutil
import subprocess

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from movierec.local.server_paths import NOBODY_UID
from recommender.models import Job
from tests.support.cast import ADA, MATRIX
from tests.support.launcher import free_port
from tests.support.live_calls import calls, is_full_answer, warm_up
from tests.support.live_server import LiveServer, Load
from tests.support.workers import wait_until, worker_environment

pytestmark = pytest.mark.slow

POOL_SIZE = 4  # connections to Postgres, for all web processes together


@pytest.fixture
def pgbouncer(live, tmp_path):
    """Run PgBouncer; return its URL of the tests' database."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
    server, port = settings.DATABASES["default"], free_port()
    name = connection.settings_dict["NAME"]
    (tmp_path / "pgbouncer.ini").write_text(
        f"""[databases]
{name} = host={server["HOST"]} user={server["USER"]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {POOL_SIZE}
max_client_conn = 200
admin_users = {server["USER"]}
ignore_startup_parameters = extra_float_digits
"""
    )
    user = {"user": NOBODY_UID} if os.geteuid() == 0 else {}  # it refuses to be root
    with (tmp_path / "pgbouncer.log").open("wb") as log:
        (tmp_path / "pgbouncer.ini").chmod(0o644)
        text = (tmp_path / "pgbouncer.ini").open("rb")
        process = subprocess.Popen([program, "/dev/stdin"], stdin=text, stdout=log, stderr=log, cwd="/", **user)
    url = f"postgres://{server['USER']}@127.0.0.1:{port}/{name}"

    def answers():
        assert process.poll() is None, (tmp_path / "pgbouncer.log").read_text()
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        wait_until(answers, 20)
        yield url
    finally:
        process.kill()
        process.wait()


def test_web_processes_share_few_connections_and_answer_as_without(live, pgbouncer):
    machine = LiveServer(live.key, DATABASE_POOLED_URL=pgbouncer, DATABASE_URL=worker_environment()["DATABASE_URL"])
    try:
        with Load(calls(machine), clients=8) as load:
            warm_up(machine, load)
            load.wait_until_each_was_sent(60)
            # A lock that a session holds lies under this call: it is taken from Postgres itself.
            ordered = machine.send("/batch/recommend/cache", {"user_histories": {str(ADA): [str(MATRIX)]}}, key=True)
            load.wait_until_all(is_full_answer, 60)
        failed = [one for one in load.outcomes if one.status != 200]
        assert not failed, failed[0]
        assert ordered.status == 202
        assert Job.objects.filter(pk=ordered.body["job_id"]).exists()
        pools = _show(pgbouncer, "SHOW POOLS")
        [pool] = [pool for pool in pools if pool["database"] == connection.settings_dict["NAME"]]
        assert (pool["pool_mode"], pool["maxwait"]) == ("transaction", 0)
        assert pool["cl_active"] > POOL_SIZE >= pool["sv_active"] + pool["sv_idle"] + pool["sv_used"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            assert cursor.fetchone() == (0,)
    finally:
        machine.stop()
        Job.objects.all().delete()


def _show(url, command):
    with psycopg.connect(f"{url.rpartition('/')[0]}/pgbouncer", autocommit=True) as admin:
        # Its console knows the simple protocol alone.
        result = admin.pgconn.exec_(command.encode())
        names = [result.fname(column).decode() for column in range(result.nfields)]
        rows = [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
    texts = [{name: (value or b"").decode() for name, value in zip(names, row, strict=True)} for row in rows]
    return [{name: int(text) if text.isdigit() else text for name, text in row.items()} for row in texts]
