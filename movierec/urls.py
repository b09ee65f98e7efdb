"""Every address: the admin here, the rest in the rooms' own urls."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("catalog.api.urls")),
    path("", include("recommender.api.urls")),
]
