"""One file of Django: settings, unmanaged models, authentication, permission, serialisers, views, log."""

# mypy: ignore-errors
import hashlib
import os
import uuid
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
            "OPTIONS": {"options": "-c search_path=casework,access,audit"},
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

from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models, transaction  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import authentication, exceptions, pagination, permissions, routers, serializers, viewsets  # noqa: E402


class Unmanaged(models.Model):
    class Meta:
        abstract = True
        managed = False
        app_label = "site"


class Team(Unmanaged):
    id = models.UUIDField(primary_key=True)
    name = models.TextField()

    class Meta(Unmanaged.Meta):
        db_table = "team"


class Person(Unmanaged):
    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    is_authenticated = True

    class Meta(Unmanaged.Meta):
        db_table = "person"


class Membership(Unmanaged):
    id = models.UUIDField(primary_key=True)
    principal = models.ForeignKey(Person, models.DO_NOTHING)
    team = models.ForeignKey(Team, models.DO_NOTHING)
    role = models.TextField()
    ended_at = models.DateTimeField(null=True)

    class Meta(Unmanaged.Meta):
        db_table = "membership"


class Session(Unmanaged):
    token_hash = models.BinaryField(primary_key=True)
    principal = models.ForeignKey(Person, models.DO_NOTHING)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta(Unmanaged.Meta):
        db_table = "session"


class Premises(Unmanaged):
    id = models.UUIDField(primary_key=True)
    name = models.TextField()

    class Meta(Unmanaged.Meta):
        db_table = "premises"


class Case(Unmanaged):
    id = models.UUIDField(primary_key=True)
    reference = models.TextField()
    team = models.ForeignKey(Team, models.DO_NOTHING)
    state = models.TextField()
    kind = models.TextField()
    restricted = models.BooleanField()
    title = models.TextField()
    summary = models.TextField(null=True)
    strand = models.TextField()
    sensitive = models.BooleanField()
    handling = models.TextField(null=True)
    premises = models.ForeignKey(Premises, models.DO_NOTHING, null=True)
    organisation_id = models.UUIDField(null=True)
    adviser = models.ForeignKey(Person, models.DO_NOTHING, null=True)
    opened_at = models.DateTimeField()
    due_on = models.DateField(null=True)
    next_review_on = models.DateField(null=True)
    closed_at = models.DateTimeField(null=True)
    reason_code = models.TextField(null=True)
    version = models.IntegerField()
    amended_at = models.DateTimeField()

    class Meta(Unmanaged.Meta):
        db_table = "case_file"


class Event(Unmanaged):
    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    request_id = models.UUIDField()
    principal_kind = models.TextField()
    principal_id = models.UUIDField()
    roles = ArrayField(models.TextField())
    action = models.TextField()
    decision = models.TextField()

    class Meta(Unmanaged.Meta):
        db_table = "event"


class EventObject(Unmanaged):
    position = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(Event, models.DO_NOTHING)
    kind = models.TextField()
    object_id = models.UUIDField()
    case_id = models.UUIDField()
    operation = models.TextField()

    class Meta(Unmanaged.Meta):
        db_table = "event_object"


class BearerAuthentication(authentication.BaseAuthentication):
    def authenticate(self, request):
        token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[2]
        now = timezone.now()
        try:
            session = Session.objects.select_related("principal").get(
                token_hash=hashlib.sha256(token.encode()).digest(), revoked_at=None, expires_at__gt=now
            )
        except Session.DoesNotExist:
            raise exceptions.AuthenticationFailed from None
        return session.principal, None


class HoldsRole(permissions.BasePermission):
    def has_permission(self, request, view):
        view.memberships = list(
            Membership.objects.filter(principal=request.user, ended_at=None, role__in=["adviser", "supervisor"])
        )
        return bool(view.memberships)


class CaseRowSerializer(serializers.ModelSerializer):
    premises = serializers.CharField(source="premises.name", default=None)
    adviser = serializers.CharField(source="adviser.name", default=None)

    class Meta:
        model = Case
        fields = [
            "id",
            "reference",
            "team_id",
            "state",
            "kind",
            "restricted",
            "title",
            "strand",
            "premises",
            "adviser_id",
            "adviser",
            "opened_at",
            "due_on",
            "next_review_on",
            "version",
        ]


class CaseSerializer(serializers.ModelSerializer):
    team = serializers.CharField(source="team.name")
    premises = serializers.CharField(source="premises.name", default=None)
    adviser = serializers.CharField(source="adviser.name", default=None)

    class Meta:
        model = Case
        fields = [
            "id",
            "reference",
            "team_id",
            "team",
            "state",
            "kind",
            "restricted",
            "title",
            "summary",
            "strand",
            "sensitive",
            "handling",
            "premises_id",
            "premises",
            "organisation_id",
            "adviser_id",
            "adviser",
            "opened_at",
            "due_on",
            "next_review_on",
            "closed_at",
            "reason_code",
            "version",
            "amended_at",
        ]


class ByOpening(pagination.CursorPagination):
    ordering = ("-opened_at", "-id")
    page_size = 25


class CaseViewSet(viewsets.ReadOnlyModelViewSet):
    authentication_classes = [BearerAuthentication]
    permission_classes = [HoldsRole]
    pagination_class = ByOpening

    def get_queryset(self):
        teams = [m.team_id for m in self.memberships]
        return Case.objects.select_related("team", "premises", "adviser").filter(team_id__in=teams, restricted=False)

    def get_serializer_class(self):
        return CaseRowSerializer if self.action == "list" else CaseSerializer

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == 200:
            rows = response.data["results"] if self.action == "list" else [response.data]
            with transaction.atomic():
                event = Event.objects.create(
                    at=timezone.now(),
                    request_id=uuid.uuid4(),
                    principal_kind="staff",
                    principal_id=request.user.id,
                    roles=[m.role for m in self.memberships],
                    action="case.read",
                    decision="allow",
                )
                EventObject.objects.bulk_create(
                    EventObject(
                        event=event, kind="case_file", object_id=row["id"], case_id=row["id"], operation="consultation"
                    )
                    for row in rows
                )
        return response


router = routers.SimpleRouter(trailing_slash=False)
router.register("cases", CaseViewSet, basename="case")
urlpatterns = [path("v1/", include(router.urls))]
application = get_wsgi_application()
