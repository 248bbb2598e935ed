"""The paths of the service, and where a request's path stands among them."""

from starlette.types import Scope

RECEIVING = "/bookmarklet/receive"
PROBES = ("/healthz", "/readyz", "/metrics")
OWN_PATHS = (
    *("/", "/fragment", "/download", "/corrections", "/label", "/review", "/model", "/docs", "/openapi.json"),
    *("/v1/predict", "/v1/topics", "/v1/corrections", "/corrections/undo", "/v1/corrections/undo", *PROBES),
    *("/today", "/search", "/timeline", "/views", "/bookmarklet", RECEIVING),
)
_FAMILIES = ("/article", "/view")  # of addresses, one for each article or view


def route_path(scope: Scope) -> str:
    """Return the path of a request without the root path."""
    return str(scope["path"]).removeprefix(scope.get("root_path", "")) or "/"


def counted_path(path: str) -> str:
    """Return what a path is counted as: itself, or one for all articles, views and unknown addresses each."""
    if path in OWN_PATHS:
        return path
    return next((family for family in _FAMILIES if path.startswith(f"{family}/")), "other")
