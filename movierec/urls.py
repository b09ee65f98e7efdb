"""Every URL: the admin here, the API in the applications' own urls."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from infrastructure.logs import NO_SUCH_ADDRESS
from movierec import storefront
from movierec.views import front_page

urlpatterns = [
    path("", include("recommender.api.urls")),  # first what is called most: addresses are compared in this order
    path("", include("catalog.api.urls")),
    path("", front_page),
    re_path(storefront.ADDRESSES, storefront.page),
    path("admin/", admin.site.urls),
    # As people type them: the API's URLs have no slash at the end, the admin's have one.
    path("admin", RedirectView.as_view(pattern_name="admin:index", query_string=True)),
    path("docs/", RedirectView.as_view(url="/docs", query_string=True)),
    path("schema/", RedirectView.as_view(url="/schema", query_string=True)),
    re_path("", storefront.wrong_address, name=NO_SUCH_ADDRESS),
]

handler400 = "recommender.api.http.errors.bad_request"
handler404 = "recommender.api.http.errors.not_found"
handler500 = "recommender.api.http.errors.server_error"
