"""Forms of a page as a browser sends them: the values of their controls, with changes, and the pressed button.

A change to a control that the page does not have, or to a choice that it does not offer, raises: no test posts what no
browser could.
"""

from collections.abc import Mapping
from typing import Any

import lxml.html
from django.test import Client
from django.urls import reverse
from lxml.html import HtmlElement, InputElement, SelectElement

LOGOUT_FORM = "logout-form"


def find_form(answer: Any, form_id: str | None = None) -> HtmlElement:
    """Return the form with that id, or the only one of the page besides the one to log out with."""
    page = lxml.html.fromstring(answer.content.decode())
    for template in page.xpath("//template"):
        template.drop_tree()  # no part of the page until a script copies it
    forms = [form for form in page.forms if form.get("id") != LOGOUT_FORM and form_id in (None, form.get("id"))]
    assert len(forms) == 1, f"{len(forms)} forms: {[form.get('id') for form in page.forms]}"
    return forms[0]


def form_data(
    form: HtmlElement, changes: Mapping[str, Any] | None = None, button: str | None = "_save"
) -> dict[str, str | list[str]]:
    """Return what a browser sends once `button` (its name) is pressed: name to value, or to several. A change is a
    text, a list of texts for a control that holds several, or a bool for a checkbox."""
    for name, value in (changes or {}).items():
        _enter(form.inputs[name], value)
    data: dict[str, list[str]] = {}
    for name, value in form.form_values():
        data.setdefault(name, []).append(value or "")
    if button is not None:
        data[button] = [_button(form, button).get("value") or ""]
    return {name: values if len(values) > 1 else values[0] for name, values in data.items()}


def submit(
    client: Client,
    path: str,
    changes: Mapping[str, Any] | None = None,
    *,
    button: str | None = "_save",
    form_id: str | None = None,
    **how: Any,
) -> Any:
    """Open a page, change its form and press the button; return the answer."""
    page = client.get(path)
    assert page.status_code == 200, f"{path}: {page.status_code}"
    form = find_form(page, form_id)
    return client.post(form.get("hx-post") or form.get("action") or path, form_data(form, changes, button), **how)


def run_action(client: Client, path: str, action: str, records: list[int], **how: Any) -> Any:
    """Tick records of a list and run an action on them; return the answer."""
    changes = {"action": action, "_selected_action": [str(record) for record in records]}
    return submit(client, path, changes, button="index", form_id="changelist-form", **how)


def _enter(control: Any, value: Any) -> None:
    if isinstance(control, SelectElement) and control.get("data-ajax--url"):
        _look_up(control, value if control.multiple else [value])
    if isinstance(control, InputElement) and control.checkable and isinstance(value, bool):
        control.checked = value
    elif isinstance(control, InputElement) and control.type == "checkbox":
        control.checked = control.get("value") in [str(choice) for choice in value]  # the only one of its name
    else:
        control.value = [str(choice) for choice in value] if isinstance(value, list) else str(value)


def _look_up(control: SelectElement, values: list[Any]) -> None:
    """Add choices that are in the page only once they were looked up."""
    for value in {str(choice) for choice in values} - {"", *control.value_options}:
        control.append(lxml.html.fragment_fromstring(f'<option value="{value}"></option>'))


def _button(form: HtmlElement, name: str) -> HtmlElement:
    """Return the button in the form, or elsewhere on the page for it."""
    kinds = f"//*[self::button or self::input[@type='submit']][@name='{name}']"
    buttons = [button for button in form.getroottree().xpath(kinds) if button.get("form") in (None, form.get("id"))]
    assert buttons, f"There is no button {name}."
    return buttons[0]


def admin_url(model: str, page: str = "changelist", *ids: object) -> str:
    return reverse(f"admin:catalog_{model}_{page}", args=ids)


def edit(editor, model, pk, **values):
    path = admin_url(model, "change", pk)
    answer = submit(editor, path, values)
    assert answer.status_code == 302, answer.context["errors"]


def run_admin_action(editor, action, ids):
    answer = run_action(editor, f"{admin_url('movie')}?all=", action, ids)
    if answer.status_code == 200:  # asks first
        answer = editor.post(admin_url("movie"), form_data(find_form(answer), button=None))
    assert answer.status_code == 302
