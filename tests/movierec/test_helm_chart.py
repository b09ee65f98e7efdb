"""The Helm chart: what it makes is valid, as it was, and runs what `./run` runs, with no rights and no secrets.

After a change of the chart write the renders anew: `HELM_RENDERS=write ./run test tests/movierec/test_helm_chart.py`.
"""

import importlib.util
import os
import re
import shlex

import pytest
import yaml

from movierec.local.services import application_services
from tests.support.launcher import ROOT

pytest.importorskip("helm_python")
pytest.importorskip("kubernetes_validate")

specification = importlib.util.spec_from_file_location("check", ROOT / "deploy" / "helm" / "check.py")
assert specification
assert specification.loader
chart = importlib.util.module_from_spec(specification)
specification.loader.exec_module(chart)

FULL = chart.example_values()
PLAIN = {"modelsUrl": FULL["modelsUrl"]}
GUIDE = (ROOT / "docs" / "operations.md").read_text()
WORKLOADS = ("Deployment", "StatefulSet", "Job")


@pytest.fixture(scope="module")
def manifests():
    return {(one["kind"], one["metadata"]["name"]): one for one in chart.render(FULL)}


def pods(manifests):
    return {name: one["spec"]["template"] for (kind, name), one in manifests.items() if kind in WORKLOADS}


def test_the_chart_and_its_examples_are_valid():
    assert chart.problems() == []


@pytest.mark.parametrize(("name", "values"), [("plain", PLAIN), ("full", FULL)])
def test_the_chart_makes_what_it_made(name, values):
    file = ROOT / "tests" / "movierec" / "helm_renders" / f"{name}.yaml"
    rendered = yaml.safe_dump_all(chart.render(values), sort_keys=True)
    if os.environ.get("HELM_RENDERS") == "write":
        file.write_text(rendered)
    assert rendered == file.read_text()


def test_the_pods_run_what_run_starts(manifests):
    commands = {
        name.removeprefix("films-"): pod["spec"]["containers"][0]["command"] for name, pod in pods(manifests).items()
    }
    assert set(commands) == {"web", "worker", "trainer", "beat", "prepare", "exporter"}
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for service in application_services():
        assert commands[service.name] == [str(word) for word in compose[service.name]["command"]]
    assert commands["prepare"] == shlex.split("python manage.py prepare --tables")


def test_no_pod_has_a_right_that_it_does_not_need(manifests):
    for name, pod in pods(manifests).items():
        spec, [container] = pod["spec"], pod["spec"]["containers"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert "runAsUser" not in spec["securityContext"], "a cluster may give any user"
        security = container["securityContext"]
        assert (security["readOnlyRootFilesystem"], security["allowPrivilegeEscalation"]) == (True, False)
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/var/lib/movierec", "/tmp"}
        assert container["resources"]["limits"]["memory"]


def test_secrets_are_named_and_variables_are_those_that_are_read(manifests):
    for name, pod in pods(manifests).items():
        for variable in pod["spec"]["containers"][0]["env"]:
            if re.search("KEY|PASSWORD|_URL", variable["name"]) and variable["name"] not in (
                "MOVIEREC_MODELS_URL",
                "MOVIEREC_KEY_PREFIX",
                "AWS_ENDPOINT_URL",
            ):
                assert set(variable) == {"name", "valueFrom"}, (name, variable)
            known = f"| `{variable['name']}` |" in GUIDE
            assert known or variable["name"].startswith("AWS_"), variable["name"]


def test_scaling_reaches_web_and_workers_alone(manifests):
    scaled = [
        one["spec"]["scaleTargetRef"]["name"]
        for (kind, _), one in manifests.items()
        if kind in ("HorizontalPodAutoscaler", "ScaledObject")
    ]
    assert sorted(scaled) == ["films-web", "films-worker"]
    for name in ("films-trainer", "films-beat"):
        assert manifests["StatefulSet", name]["spec"]["replicas"] == 1
    assert manifests["PodDisruptionBudget", "films-trainer"]["spec"]["maxUnavailable"] == 0
    assert "replicas" not in manifests["Deployment", "films-web"]["spec"], "an upgrade would undo the scaling"


def test_a_web_pod_that_stops_has_time_to_drain(manifests):
    pod = manifests["Deployment", "films-web"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    drain = next(float(one["value"]) for one in container["env"] if one["name"] == "MOVIEREC_DRAIN_SECONDS")
    probe = container["readinessProbe"]
    assert drain >= probe["periodSeconds"] * probe["failureThreshold"]
    assert pod["terminationGracePeriodSeconds"] > drain + 10  # gunicorn's own time for requests that had begun


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "modelsUrl"),
        ({"modelsUrl": "s3://key:secret@films"}, "modelsUrl"),
        ({**PLAIN, "env": {"DATABASE_URL": "postgres://a:b@c/d"}}, "DATABASE_URL"),
        ({**PLAIN, "web": {"replica": 2}}, "replica"),
        ({**PLAIN, "worker": {"keda": {"minReplicas": -1}}}, "minReplicas"),
    ],
)
def test_wrong_values_are_refused_by_name(values, message):
    with pytest.raises(Exception, match=message):
        chart.render(values)
