"""Make the database ready without asking anything: tables, and an administrator.

    python manage.py prepare

DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_PASSWORD name the administrator; the default is admin / admin.
Doing it twice does no harm: an administrator who exists keeps the password that they have.
"""

import os

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrate, and create an administrator unless there is one of that name."

    def handle(self, *args: object, **options: object) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        username = os.environ.get("DJANGO_SUPERUSER_USERNAME", "admin")
        password = os.environ.get("DJANGO_SUPERUSER_PASSWORD", "admin")
        users = get_user_model().objects
        if users.filter(username=username).exists():
            self.stdout.write(f"ready; {username} was there already")
        else:
            users.create_superuser(username=username, password=password)
            self.stdout.write(f"ready; created {username}")
