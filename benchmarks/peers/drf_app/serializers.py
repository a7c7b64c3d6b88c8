"""What goes in and out."""

# mypy: ignore-errors
import secrets
from datetime import timedelta

from django.utils import timezone
from rest_framework import exceptions, serializers

from benchmarks.peers.drf_app.tables import (
    BankHoliday,
    Case,
    CaseEvent,
    Contact,
    Enquiry,
    Finding,
    Force,
    Lookup,
    Membership,
    Postcode,
    Premises,
    Team,
    ThreatLevel,
    Visit,
)


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


class PremisesSerializer(serializers.ModelSerializer):
    class Meta:
        model = Premises
        fields = ["id", "team_id", "name", "address", "town", "postcode", "state", "version"]


class RoleSerializer(serializers.ModelSerializer):
    team = serializers.CharField(source="team.name")

    class Meta:
        model = Membership
        fields = ["role", "team_id", "team"]


class ContactSerializer(serializers.ModelSerializer):
    email = serializers.EmailField(required=False)

    class Meta:
        model = Contact
        fields = ["name", "job_title", "email", "phone"]


class EnquirySerializer(serializers.ModelSerializer):
    need = serializers.CharField(write_only=True)
    contact = ContactSerializer(write_only=True)

    class Meta:
        model = Enquiry
        fields = ["id", "need", "site_name", "postcode", "description", "contact", "reference", "respond_by"]
        read_only_fields = ["id", "reference", "respond_by"]

    def create(self, facts):
        facts.pop("need")
        contact = facts.pop("contact")
        try:
            postcode = Postcode.objects.get(pk=facts["postcode"])
        except Postcode.DoesNotExist:
            raise exceptions.ValidationError from None
        team = Team.objects.get(force_code=postcode.force_code, intake=True)
        nation = Force.objects.get(pk=team.force_code).nation
        day, left = timezone.now().date(), 5
        closed = set(BankHoliday.objects.filter(nation=nation, day__gt=day, active=True).values_list("day", flat=True))
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < 5 and day not in closed
        reference = f"ENQ-{secrets.token_hex(5).upper()}"
        enquiry = Enquiry.objects.create(
            team=team, force_code=team.force_code, reference=reference, respond_by=day, **facts
        )
        self.made = Contact.objects.create(enquiry=enquiry, team_id=team.id, **contact)
        return enquiry


class FindingSerializer(serializers.ModelSerializer):
    class Meta:
        model = Finding
        fields = ["id", "area", "phase", "methodology", "gap", "likelihood", "impact"]
        read_only_fields = ["id"]


class VisitSerializer(serializers.ModelSerializer):
    findings = FindingSerializer(many=True)

    class Meta:
        model = Visit
        fields = [
            "id", "case_id", "state", "starts_at", "ends_at", "arrived_at", "left_at", "attendance", "notes", "version", "findings",
        ]  # fmt: skip
        read_only_fields = ["id", "case_id", "state", "starts_at", "ends_at", "version"]

    def update(self, visit, facts):
        found = facts.pop("findings")
        words = set(Lookup.objects.filter(kind="attack_methodologies").values_list("code", flat=True))
        if any(each["methodology"] not in words for each in found):
            raise serializers.ValidationError({"findings": "Use a word of attack_methodologies."})
        counting = ThreatLevel.objects.filter(kind="national", since__lte=facts["arrived_at"]).exclude(state="struck")
        level = counting.order_by("-since", "-id")[0].level
        for name, value in facts.items():
            setattr(visit, name, value)
        visit.state, visit.version = "completed", visit.version + 1
        visit.save()
        whose = {"case_id": visit.case_id, "team_id": visit.team_id, "restricted": visit.restricted}
        made = [
            Finding(visit=visit, recorded_by=visit.adviser_id, threat_level=level, **whose, **each) for each in found
        ]
        Finding.objects.bulk_create(made)
        said = CaseEvent.objects.create(
            action="visit.complete", person_id=visit.adviser_id, subject_kind="visit", subject_id=visit.id, **whose
        )
        self.objects = [
            ("site_visit", visit.id, visit.case_id, "alteration"),
            ("case_event", said.id, visit.case_id, "collection"),
        ]
        self.objects += [("finding", each.id, visit.case_id, "collection") for each in made]
        return visit
