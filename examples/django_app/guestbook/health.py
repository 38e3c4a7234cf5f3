"""An answer for load balancers, before sessions and the database are asked."""

from collections.abc import Awaitable, Callable

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import async_only_middleware

AsyncGetResponse = Callable[[HttpRequest], Awaitable[HttpResponse]]


@async_only_middleware
def answer_health_checks(get_response: AsyncGetResponse) -> AsyncGetResponse:
    """Answer /health with the `probe` that it was asked with: so the balancer knows that no cache answered.

    Written as `async def` and placed first, it spares the checks the trip through the threads in which Django
    runs synchronous middleware: about two thirds of the time that a request takes here.
    """

    async def middleware(request: HttpRequest) -> HttpResponse:
        if request.path == "/health":
            return HttpResponse(f"well {request.GET.get('probe', '')}\n", content_type="text/plain")
        return await get_response(request)

    return middleware
