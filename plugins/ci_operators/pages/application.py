"""The web application behind the pages: JSON and JavaScript modules for the browser."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from ci_operators import __version__
from ci_operators.airflow_plugin.compat import get_user
from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError
from ci_operators.pages import connectors, explanations, exports, runs, trends

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def make_application() -> FastAPI:
    """Return the application. Everything except the JavaScript modules requires Airflow's login."""
    # FastAPI's documentation pages would be public.
    app = FastAPI(title="Collective Insights", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    for part in (runs, connectors, trends, exports, explanations):
        app.include_router(part.router, prefix="/api", dependencies=[Depends(get_user)])
    app.mount("/static", _Modules(directory=STATIC))
    app.add_exception_handler(CollectiveInsightsError, _tell_error)
    app.add_exception_handler(RequestValidationError, _tell_wrong_request)
    app.add_exception_handler(Exception, _tell_defect)
    app.middleware("http")(_guard)
    return app


class _Modules(StaticFiles):
    """The JavaScript modules: browsers revalidate them, and keep files with a version in their names."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        is_versioned = path.startswith("vendor/")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_versioned else "no-cache"
        return response


async def _guard(request: Request, call_next: Any) -> Response:
    """Set headers so that no cache stores an answer, which is for one user, and no browser guesses its type."""
    if "\0" in unquote(request.url.query):  # no id contains it, and PostgreSQL rejects it
        response: Response = JSONResponse({"detail": "The question contains a NUL character."}, 400)
    else:
        response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _tell_error(request: Request, error: Exception) -> Response:
    del request
    status = 400 if isinstance(error, ConfigurationError) else 503
    return JSONResponse({"detail": str(error)}, status)


async def _tell_wrong_request(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RequestValidationError)  # noqa: S101 - so it is registered
    told = [f"{each['loc'][-1]}: {each['msg'][:1].lower()}{each['msg'][1:]}" for each in error.errors()]
    return JSONResponse({"detail": f"{'; '.join(told)}."}, 400)


async def _tell_defect(request: Request, error: Exception) -> Response:
    log.error("The request %s %s failed.", request.method, request.url.path, exc_info=error)
    return JSONResponse({"detail": "This page failed. The API server's log shows the error."}, 500, _HEADERS)
