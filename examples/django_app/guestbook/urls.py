from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from notes import views

urlpatterns = [
    path("", views.guestbook, name="guestbook"),
    path("hello/<int:number>", views.hello),
    path("notes.json", views.notes_as_json),
    path("notes.csv", views.notes_as_csv),
    path("digest/", views.digest),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
