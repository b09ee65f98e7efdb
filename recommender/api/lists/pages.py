"""Pages of lists: the parameter `cursor`, with which a call goes on where another answer ended."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import JsonString
from recommender.serving.paging.page import Page, open_page
from recommender.serving.paging.tokens import CursorInvalid

NEXT_HELP = "The cursor of the next page: send it as `cursor`. Null where the list ends."
CURSOR_HELP = "The `next` of a page: goes on behind it. With it only user_id and what may change on the way is sent."
OTHER_VIEWER = "the cursor goes on with a list that was not begun for this viewer: begin a list of their own."
CONTRADICTION = "is not what the list was begun with: leave it out beside a cursor, or begin a new list."
NO_CURSOR = "is no cursor that this call gave as `next`: send that one unchanged, or begin a new list without it."


class PagedFields(FastSerializer):
    """A call that lists page by page. Its values hold the `page`; beside a cursor they are those of the first page."""

    list_name = ""  # of the call: a cursor is of one
    may_change: tuple[str, ...] = ("top_k", "final_k", "titles", "details", "language")  # from page to page

    cursor = JsonString(r"^[A-Za-z0-9_-]+\Z", required=False, help_text=CURSOR_HELP)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the validated values, those of the first page under those that were sent.

        Raises ValidationError, CursorExpired and PagesUnavailable.
        """
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        sent = {name: value for name, value in data.items() if name != "cursor"}
        if "cursor" not in data:
            page = Page(list_name=self.list_name, parameters=sent)
        else:
            page = self._open(data["cursor"])
            self._check_agreement(page.parameters, sent)
        values = super().to_internal_value({**page.parameters, **sent})
        values["page"] = page
        return values

    def _open(self, cursor: Any) -> Page:
        try:
            return open_page(self.fields["cursor"].run_validation(cursor), self.list_name)
        except (CursorInvalid, serializers.ValidationError):
            raise serializers.ValidationError({"cursor": [NO_CURSOR]}) from None

    def _check_agreement(self, first: Mapping[str, Any], sent: Mapping[str, Any]) -> None:
        """Raise ValidationError for what the list was not begun with."""
        errors = {}
        for name, value in sent.items():
            field = self.fields.get(name)
            if field is None or name in self.may_change:
                continue
            default = None if field.default is empty else field.get_default()
            if name == "user_id" and str(first.get(name, "")) != str(value):
                errors[name] = [OTHER_VIEWER]
            elif name != "user_id" and value != first.get(name, default):
                errors[name] = [CONTRADICTION]
        if errors:
            raise serializers.ValidationError(errors)
