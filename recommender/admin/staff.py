"""Staff accounts and groups: Django's own pages in the site's theme.

Groups and permissions are plain lists in place of Django's two boxes, which have no names for a screen reader.
"""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from catalog.admin import StoredRecordAdmin

admin.site.unregister([User, Group])


@admin.register(User)
class StaffAdmin(UserAdmin, StoredRecordAdmin):
    """List and edit staff accounts."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal = ()


@admin.register(Group)
class RoleAdmin(GroupAdmin, StoredRecordAdmin):
    """List and edit groups, which are the roles of staff."""

    filter_horizontal = ()
