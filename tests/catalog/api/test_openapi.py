"""What the schema tells clients of a call."""

import re

from drf_spectacular.generators import SchemaGenerator


def test_descriptions_are_written_for_clients_and_are_no_docstrings_of_views() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert {"movies", "movie", "people", "genres"} <= {operation["operationId"] for operation in operations}
    for operation in operations:
        assert operation["description"]
        assert not re.search(r"self\.|\bhandler\b|`operation`", operation["description"]), operation["operationId"]
