"""Authentication, permission, views, and the log."""

# mypy: ignore-errors
import functools
import hashlib
import json
import secrets
import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from rest_framework import (
    authentication,
    exceptions,
    generics,
    pagination,
    permissions,
    renderers,
    response,
    views,
    viewsets,
)

from benchmarks.peers.drf_app.serializers import (
    CaseRowSerializer,
    CaseSerializer,
    EnquirySerializer,
    PremisesSerializer,
    RoleSerializer,
    VisitSerializer,
)
from benchmarks.peers.drf_app.tables import (
    Case,
    Event,
    EventObject,
    IdempotencyKey,
    Job,
    Membership,
    Premises,
    Session,
    Visit,
)


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


class ByOpening(pagination.CursorPagination):
    ordering = ("-opened_at", "-id")
    page_size = 25


class ByName(pagination.CursorPagination):
    ordering = ("sort_key", "id")
    page_size = 25


def write_log(view, request, action, objects):
    """One event, and a row for each record."""
    with transaction.atomic():
        event = Event.objects.create(
            at=timezone.now(),
            request_id=uuid.uuid4(),
            principal_kind="staff" if request.user else "public",
            principal_id=request.user.id if request.user else None,
            roles=[m.role for m in getattr(view, "memberships", [])],
            action=action,
            decision="allow",
        )
        EventObject.objects.bulk_create(
            EventObject(event=event, kind=kind, object_id=object_id, case_id=case_id, operation=operation)
            for kind, object_id, case_id, operation in objects
        )


class LoggedReads:
    """Who reads is told to the log, with each record handed out."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [HoldsRole]

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == 200:
            rows = response.data["results"] if self.action == "list" else [response.data]
            objects = [
                (self.kind, r["id"], r["id"] if self.kind == "case_file" else None, "consultation") for r in rows
            ]
            write_log(self, request, self.verb, objects)
        return response


class CaseViewSet(LoggedReads, viewsets.ReadOnlyModelViewSet):
    pagination_class = ByOpening
    kind, verb = "case_file", "case.read"

    def get_queryset(self):
        teams = [m.team_id for m in self.memberships]
        found = Case.objects.select_related("team", "premises", "adviser").filter(team_id__in=teams, restricted=False)
        if "mine" in self.request.query_params:
            found = found.filter(adviser_id=self.request.user.id)
        if "open" in self.request.query_params:
            found = found.exclude(state="closed")
        return found

    def get_serializer_class(self):
        return CaseRowSerializer if self.action == "list" else CaseSerializer


class PremisesViewSet(LoggedReads, viewsets.ReadOnlyModelViewSet):
    serializer_class = PremisesSerializer
    pagination_class = ByName
    kind, verb = "premises", "premises.read"

    def get_queryset(self):
        return Premises.objects.filter(team_id__in=[m.team_id for m in self.memberships])


class MeView(views.APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [HoldsRole]

    def get(self, request):
        held = Membership.objects.select_related("team").filter(principal=request.user, ended_at=None)
        write_log(self, request, "session.manage_own", [])
        roles = RoleSerializer(held, many=True).data
        return response.Response(
            {"id": request.user.id, "name": request.user.name, "email": request.user.email, "roles": roles}
        )


def keyed(handler):
    """A key gives the same answer again: it is kept, with the answer, in the transaction that does the work."""

    @functools.wraps(handler)
    @transaction.atomic
    def wrapped(self, request, *args, **kwargs):
        caller = f"staff:{request.user.id}" if request.user else "public:"
        key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).digest()
        fingerprint = hashlib.sha256(request.path.encode() + request.body).digest()
        kept, new = IdempotencyKey.objects.get_or_create(
            key_hash=key, caller=caller, defaults={"fingerprint": fingerprint, "salt": secrets.token_bytes(16)}
        )
        if not new:
            same = bytes(kept.fingerprint) == fingerprint
            return (
                response.Response(json.loads(kept.body), status=kept.status) if same else response.Response(status=422)
            )
        answer = handler(self, request, *args, **kwargs)
        body = renderers.JSONRenderer().render(answer.data).decode()
        IdempotencyKey.objects.filter(key_hash=key, caller=caller).update(status=answer.status_code, body=body)
        return answer

    return wrapped


class EnquiryView(generics.CreateAPIView):
    authentication_classes = []
    permission_classes = []
    serializer_class = EnquirySerializer

    @keyed
    def create(self, request, *args, **kwargs):
        answer = super().create(request, *args, **kwargs)
        token = secrets.token_urlsafe(32)
        Session.objects.create(
            token_hash=hashlib.sha256(f"trk_{token}".encode()).digest(), kind="enquirer", principal_id=self.contact.id,
            enquiry_id=self.contact.enquiry_id, expires_at=timezone.now() + timedelta(days=730),
        )  # fmt: skip
        Job.objects.create(args={"kind": "received", "enquiry_id": str(self.contact.enquiry_id)})
        objects = [
            ("enquiry", self.contact.enquiry_id, None, "collection"),
            ("contact", self.contact.id, None, "collection"),
        ]
        write_log(self, request, "enquiry.submit", objects)
        answer.data["tracking_token"] = f"trk_{token}"
        return answer

    def perform_create(self, serializer):
        serializer.save()
        self.contact = serializer.made


class VisitCompletionView(views.APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [HoldsRole]

    @keyed
    def post(self, request, pk):
        teams = [m.team_id for m in self.memberships]
        visit = generics.get_object_or_404(
            Visit.objects.select_for_update(), pk=pk, adviser_id=request.user.id, team_id__in=teams
        )
        if visit.state not in ("proposed", "confirmed") or request.headers.get("If-Match") != f'"{visit.version}"':
            return response.Response(status=409)
        serializer = VisitSerializer(visit, data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        write_log(self, request, "visit.complete", serializer.objects)
        return response.Response(serializer.data, headers={"ETag": f'"{visit.version}"'})
