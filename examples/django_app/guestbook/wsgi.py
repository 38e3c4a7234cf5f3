"""The project as a WSGI application: the same views, in threads.

python examples/django_app/manage.py prepare        # once: tables, and an administrator admin / admin
fastserve guestbook.wsgi:application --app-dir examples/django_app
"""

import os

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guestbook.settings")

application = StaticFilesHandler(get_wsgi_application())
