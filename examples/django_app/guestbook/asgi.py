"""The project as an ASGI application.

    python examples/django_app/manage.py prepare        # once: tables, and an administrator admin / admin
    fastserve guestbook.asgi:application --app-dir examples/django_app

Django serves no static files by itself outside `runserver`; the handler around the application does, which is
enough for an example. On a real site they are the business of a proxy or of a storage service.
"""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guestbook.settings")

application = ASGIStaticFilesHandler(get_asgi_application())
