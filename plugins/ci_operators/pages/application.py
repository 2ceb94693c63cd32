"""The web application behind the pages: JSON for the browser, and the browser's own modules."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError
from ci_operators.pages import connectors, explanations, exports, runs, trends

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"


def make_application() -> FastAPI:
    """Return the application. All of it but the browser's modules asks for Airflow's login."""
    # Its own pages of documentation would be open to everybody.
    app = FastAPI(title="Collective Insights", docs_url=None, redoc_url=None, openapi_url=None)
    for part in (runs, connectors, trends, exports, explanations):
        app.include_router(part.router, prefix="/api", dependencies=[Depends(get_user)])
    app.mount("/static", _Modules(directory=STATIC))
    app.add_exception_handler(CollectiveInsightsError, _tell_error)
    app.add_exception_handler(Exception, _tell_defect)
    app.middleware("http")(_set_headers)
    return app


class _Modules(StaticFiles):
    """The browser's modules: asked for anew after an update; what has its version in its name never again."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        is_versioned = path.startswith("vendor/")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_versioned else "no-cache"
        return response


async def _set_headers(request: Request, call_next: Any) -> Response:
    """Answers are one person's: no cache keeps them, and a browser takes them for nothing but what they are."""
    response: Response = await call_next(request)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _tell_error(request: Request, error: Exception) -> Response:
    del request
    status = 400 if isinstance(error, ConfigurationError) else 503
    return JSONResponse({"detail": str(error)}, status)


async def _tell_defect(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"detail": "This page has failed; the API server's log says why."}, 500)
