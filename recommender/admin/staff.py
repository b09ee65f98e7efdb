"""Who may use the admin: Django's own pages of users and groups, dressed as all others."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from catalog.admin import TrueToTheRecord

admin.site.unregister([User, Group])


class Chosen(TrueToTheRecord):
    """A page whose groups and permissions are one searchable field in place of Django's two boxes, which no keyboard
    and no screen reader gets along with."""

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, widget=UnfoldAdminSelect2MultipleWidget, **kwargs)
        field.help_text = field.help_text.partition(" Hold down ")[0]
        return field


@admin.register(User)
class StaffAdmin(UserAdmin, Chosen):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()


@admin.register(Group)
class RoleAdmin(GroupAdmin, Chosen):
    filter_horizontal = ()
