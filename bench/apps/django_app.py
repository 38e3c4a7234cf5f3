"""Django's smallest application, in one file, no middleware: servers import it as ``django_app:app``."""

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY="of no use", USE_TZ=True)


async def hello(request: HttpRequest) -> HttpResponse:
    """13 bytes, as all the others."""
    return HttpResponse("Hello, world!", content_type="text/plain")


urlpatterns = [path("", hello)]
app = get_asgi_application()
