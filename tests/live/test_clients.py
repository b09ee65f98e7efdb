"""The generated clients against a running system: what they are typed for is what is answered."""

import json
import os
import shutil
import subprocess

import pytest

from tests.support.cast import ADA, NEMO
from tests.support.launcher import ROOT

pytestmark = pytest.mark.slow
GENERATOR = ROOT / ".venv" / "clients" / "bin" / "python"
ESBUILD = ROOT / "web" / "node_modules" / ".bin" / "esbuild"
TYPESCRIPT = """
import { createClient } from "movierec-client";
const site = createClient({ baseUrl: process.env.SITE_URL!, apiKey: process.env.SITE_KEY! });
const app = createClient({
  baseUrl: process.env.SITE_URL!,
  viewerToken: async (renew) => {
    if (!renew) return "out of date";
    const made = await site.POST("/viewer-tokens", { body: { user_id: Number(process.env.VIEWER), seconds: 60 } });
    return made.data?.token;
  },
});
const home = await app.GET("/home", { params: { query: { rows: 3 } } });
const list = await site.POST("/recommend", { body: { user_id: Number(process.env.VIEWER), top_k: 3, titles: true } });
const refused = await site.GET("/movies/{movie_id}", { params: { path: { movie_id: "no-such-film" } } });
console.log(JSON.stringify({
  rows: home.data?.rows.length, user: home.data?.user_id, titles: list.data?.recommendations.map((film) => film.title),
  status: refused.response.status,
}));
"""
HOME_IN_PYTHON = """
import json, os
from movierec_client import AuthenticatedClient
from movierec_client.api.home import home
from movierec_client.api.movies import movie
client = AuthenticatedClient(base_url=os.environ["SITE_URL"], token=os.environ["SITE_KEY"], prefix="Api-Key")
page = home.sync(client=client, user_id=int(os.environ["VIEWER"]), rows=3)
film = movie.sync(movie_id=os.environ["FILM"], client=client)
print(json.dumps({"rows": len(page.rows), "user": page.user_id, "title": film.title}))
"""


def environment(live, **more):
    return os.environ | {"SITE_URL": live.url, "SITE_KEY": live.key, "VIEWER": str(ADA), "FILM": str(NEMO)} | more


@pytest.mark.skipif(not GENERATOR.exists(), reason="./run lint installs what the Python client needs")
def test_the_python_client(live):
    done = subprocess.run(
        [GENERATOR, "-c", HOME_IN_PYTHON],
        env=environment(live, PYTHONPATH=str(ROOT / "clients" / "python")),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["user"], told["title"]) == (ADA, "Finding Nemo")
    assert told["rows"] > 0


@pytest.mark.skipif(not (ESBUILD.exists() and shutil.which("node")), reason="there is no Node, or ./run lint had none")
def test_the_typescript_client(live, tmp_path):
    script = tmp_path / "client.mjs"
    bundle = [ESBUILD, "--bundle", "--platform=node", "--format=esm", "--loader=ts", f"--outfile={script}"]
    subprocess.run(bundle, input=TYPESCRIPT, cwd=ROOT / "web", check=True, capture_output=True, text=True)
    done = subprocess.run(["node", script], env=environment(live), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["user"], told["status"], len(told["titles"])) == (ADA, 404, 3)
    assert told["rows"] > 0
