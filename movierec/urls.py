"""Every address: the admin here, the rest in the rooms' own urls."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("catalog.api.urls")),
    path("", include("recommender.api.urls")),
]

handler400 = "recommender.api.errors.bad_request"
handler404 = "recommender.api.errors.not_found"
handler500 = "recommender.api.errors.server_error"
