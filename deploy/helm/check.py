"""Lint the Helm chart, render it, and validate what it makes against Kubernetes' schemas: a step of `./run lint`."""

import sys
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "movierec"
KUBERNETES = ("1.29", "1.34")  # the oldest and the newest version whose schemas are asked
ERROR = 3  # severity of Helm's lint
CUSTOM_GROUPS = ("keda.sh", "postgresql.cnpg.io")  # of operators: Kubernetes has no schema of theirs


def render(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the manifests that the chart makes, by their file and place in it."""
    import helm_python

    with helm_python.Chart.load(str(CHART)) as chart:
        files = chart.render(values, name="films", namespace="films")
    texts = (text for name, text in sorted(files.items()) if name.endswith(".yaml"))
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


def example_values() -> dict[str, Any]:
    """Return the values of the example, which turn everything on."""
    return dict(yaml.safe_load((CHART / "examples" / "values.yaml").read_text()))


def problems() -> list[str]:
    """Return what is wrong with the chart, its examples or what it makes."""
    import helm_python
    import kubernetes_validate

    values = example_values()
    found = [
        f"{message['path']}: {message['error']}"
        for message in helm_python.lint(str(CHART), values)["messages"]
        if message["severity"] >= ERROR
    ]
    examples = (CHART / "examples").glob("*.yaml")
    manifests = [
        *render(values),
        *render({"modelsUrl": values["modelsUrl"]}),
        *(one for file in examples if file.name != "values.yaml" for one in yaml.safe_load_all(file.read_text())),
    ]
    for manifest in manifests:
        if manifest["apiVersion"].partition("/")[0] in CUSTOM_GROUPS:
            continue
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                found.append(
                    f"{manifest['kind']} {manifest['metadata']['name']}, Kubernetes {version}: {error.message}"
                )
    return found


if __name__ == "__main__":
    try:
        wrong = problems()
    except ImportError as error:
        sys.exit(print(f"movierec: skipped, as {error.name} is not installed"))
    print("\n".join(wrong) or "movierec: the chart is valid")
    sys.exit(bool(wrong))
