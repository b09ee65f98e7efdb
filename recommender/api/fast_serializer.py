"""The serializer of requests: strict about names, and fast where most fields are absent."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from catalog.api.strict import StrictSerializer
from catalog.keys import parse_key
from recommender.api.fields import JsonBoolean, JsonFloat, JsonInteger, MovieIds, Names, Timestamp, UserId

JSON_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,4})?\Z", re.IGNORECASE)


class FastSerializer(StrictSerializer):
    """Validate only the fields that were sent: an absent one costs its default, where the base class asks every field.

    One instance serves all requests: it keeps no state.
    """

    @cached_property
    def fields(self) -> dict[str, Any]:  # type: ignore[override]
        """The fields by name. The base class's mapping, made for forms, answers in Python for each name."""
        return dict(super().fields)

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        """The defaults of the fields that have one; what is called for each request is a callable."""
        return {name: field.default for name, field in self.fields.items() if field.default is not empty}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the validated values. Raises ValidationError with the errors of all fields."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        errors = self.unknown_field_errors(data)
        values = {name: make() if callable(make) else make for name, make in self._defaults.items()}
        for name, field in self.fields.items():
            if name in data or field.required:
                try:
                    values[name] = field.run_validation(data.get(name, empty))
                except serializers.ValidationError as error:
                    errors[name] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def run_validators(self, value: Any) -> None:
        """Run the validators of the whole, of which there are mostly none."""
        if self.validators:
            super().run_validators(value)

    def is_multi_valued(self, field: serializers.Field) -> bool:
        """Return whether a query may name the parameter several times."""
        return isinstance(field, MovieIds | Names)

    def parse_texts(self, field: serializers.Field, texts: Sequence[str]) -> Any:
        """Return the values of one query parameter as the JSON of its field's type; what is none stays a text."""
        text = texts[-1]
        if isinstance(field, MovieIds):  # several parameters, or one with commas
            return [movie_id for text in texts for movie_id in text.split(",")]
        if isinstance(field, Names):  # several parameters only: a name may have a comma in it
            return list(texts)
        if isinstance(field, UserId):  # a number where it is one, which the answer repeats as such
            return text if (key := parse_key(text)) is None else key
        if isinstance(field, JsonBoolean):
            return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
        if isinstance(field, JsonInteger | Timestamp | JsonFloat) and JSON_NUMBER.match(text):
            return int(text) if text.removeprefix("-").isdigit() else float(text)
        return text
