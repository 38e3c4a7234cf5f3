"""FastAPI's smallest application, as its tutorial writes it: servers import it as ``fastapi_app:app``."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    """In the event loop."""
    return {"message": "Hello, world!"}


@app.get("/sync")
def hello_sync() -> dict[str, str]:
    """In a thread of the pool, where FastAPI runs a plain function."""
    return {"message": "Hello, world!"}
