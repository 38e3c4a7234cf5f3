"""The guest book's pages: plain `def` views, which Django runs in a thread, beside `async def` ones."""

import csv
import hashlib
import io
from collections.abc import AsyncIterator

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from notes.models import Note


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ["text"]


@require_http_methods(["GET", "HEAD", "POST"])
def guestbook(request: HttpRequest) -> HttpResponse:
    """All notes, and a form for those who have logged in."""
    form = NoteForm(request.POST or None)
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect("login")
        if form.is_valid():
            form.instance.author = request.user
            form.save()
            return redirect("guestbook")
    notes = Note.objects.select_related("author")
    return render(request, "notes/guestbook.html", {"notes": notes, "form": form})


@require_http_methods(["GET", "POST"])
def digest(request: HttpRequest) -> HttpResponse:
    """A form with a file, which is answered by its hash. Django keeps a large one on disk."""
    if request.method == "GET":
        form = (
            f"<form method=post enctype=multipart/form-data><input type=hidden name=csrfmiddlewaretoken "
            f'value="{get_token(request)}"><input type=file name=file><button>Hash</button></form>'
        )
        return HttpResponse(form)
    file = request.FILES["file"]
    found = hashlib.sha256()
    for piece in file.chunks():
        found.update(piece)
    return JsonResponse({"name": file.name, "bytes": file.size, "sha256": found.hexdigest()})


@require_safe
async def hello(request: HttpRequest, number: int) -> HttpResponse:
    """An `async def` view that touches no database: what remains is Django itself and its middleware."""
    return HttpResponse(f"Hello, visitor {number}!\n", content_type="text/plain")


@require_safe
async def notes_as_json(request: HttpRequest) -> HttpResponse:
    """The asynchronous ORM."""
    notes = [
        {"id": note.pk, "author": note.author.get_username(), "text": note.text}
        async for note in Note.objects.select_related("author")
    ]
    return JsonResponse({"notes": notes})


@require_safe
async def notes_as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The same as CSV, streamed row by row from the database."""

    async def rows() -> AsyncIterator[str]:
        yield "id,author,text\r\n"
        async for note in Note.objects.select_related("author").aiterator():
            row = io.StringIO()
            csv.writer(row).writerow([note.pk, note.author.get_username(), note.text])
            yield row.getvalue()

    return StreamingHttpResponse(rows(), content_type="text/csv")
