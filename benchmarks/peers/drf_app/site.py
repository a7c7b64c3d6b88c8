"""Django's settings and addresses. Its login role has neither triggers nor row security: scope and log are in the views."""

# mypy: ignore-errors
import os
from urllib.parse import parse_qs, unquote, urlparse

import django
from django.conf import settings

url = urlparse(os.environ["BENCH_URL"])
query = parse_qs(url.query)
settings.configure(
    SECRET_KEY="benchmark",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEBUG=False,
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=[],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path[1:],
            "USER": unquote(url.username),
            "PASSWORD": unquote(url.password),
            "HOST": query["host"][0],
            "PORT": query["port"][0],
            "CONN_MAX_AGE": None,
            "OPTIONS": {"options": "-c search_path=casework,access,audit,work,jobs"},
        }
    },
    REST_FRAMEWORK={
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.CursorPagination",
        "PAGE_SIZE": 25,
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from rest_framework import routers  # noqa: E402

from benchmarks.peers.drf_app.views import (  # noqa: E402
    CaseViewSet,
    EnquiryView,
    MeView,
    PremisesViewSet,
    VisitCompletionView,
)

router = routers.SimpleRouter(trailing_slash=False)
router.register("cases", CaseViewSet, basename="case")
router.register("premises", PremisesViewSet, basename="premises")
urlpatterns = [
    path("v1/", include(router.urls)),
    path("v1/me", MeView.as_view()),
    path("v1/enquiries", EnquiryView.as_view()),
    path("v1/visits/<uuid:pk>/completion", VisitCompletionView.as_view()),
]
application = get_wsgi_application()
