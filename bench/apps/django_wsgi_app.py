"""Django's smallest application over WSGI, a plain view: servers import it as ``django_wsgi_app:app``."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY="of no use", USE_TZ=True)


def hello(request: HttpRequest) -> HttpResponse:
    """13 bytes, as all the others."""
    return HttpResponse("Hello, world!", content_type="text/plain")


urlpatterns = [path("", hello)]
app = get_wsgi_application()
