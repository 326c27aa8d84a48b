"""Addresses of the web package: every page's own, and signing in."""

from allauth.account import views as allauth
from django.urls import URLPattern, path, re_path

from .page import pages

# Only these of allauth: nobody signs up, and e-mail addresses are changed by an administrator.
urlpatterns: list[URLPattern] = [
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("login/inactive/", allauth.account_inactive, name="account_inactive"),
    path("login/reset/", allauth.password_reset, name="account_reset_password"),
    path("login/reset/sent/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(r"^login/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", allauth.password_reset_from_key, name="account_reset_password_from_key"),
    path("login/reset/done/", allauth.password_reset_from_key_done, name="account_reset_password_from_key_done"),
]
for _page in pages().values():
    urlpatterns += _page.urls()
