"""The tables as unmanaged models."""

# mypy: ignore-errors
import itertools
import time
import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Unmanaged(models.Model):
    class Meta:
        abstract = True
        managed = False
        app_label = "site"


class Force(Unmanaged):
    code = models.TextField(primary_key=True)
    nation = models.TextField()

    class Meta(Unmanaged.Meta):
        db_table = "police_force"


class Team(Unmanaged):
    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    force_code = models.TextField()
    intake = models.BooleanField()

    class Meta(Unmanaged.Meta):
        db_table = "team"


class Postcode(Unmanaged):
    postcode = models.TextField(primary_key=True)
    force_code = models.TextField(null=True)

    class Meta(Unmanaged.Meta):
        db_table = "postcode"


class Person(Unmanaged):
    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    email = models.TextField()
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
    kind = models.TextField()
    principal = models.ForeignKey(Person, models.DO_NOTHING)
    enquiry_id = models.UUIDField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta(Unmanaged.Meta):
        db_table = "session"


class Premises(Unmanaged):
    id = models.UUIDField(primary_key=True)
    team_id = models.UUIDField()
    name = models.TextField()
    sort_key = models.TextField()
    address = models.TextField(null=True)
    town = models.TextField(null=True)
    postcode = models.TextField(null=True)
    state = models.TextField()
    version = models.IntegerField()

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


class Enquiry(Unmanaged):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    team = models.ForeignKey(Team, models.DO_NOTHING)
    reference = models.TextField()
    force_code = models.TextField()
    site_name = models.TextField()
    postcode = models.TextField(null=True)
    description = models.TextField()
    respond_by = models.DateField()

    class Meta(Unmanaged.Meta):
        db_table = "enquiry"


class Contact(Unmanaged):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    enquiry = models.ForeignKey(Enquiry, models.DO_NOTHING)
    team_id = models.UUIDField()
    name = models.TextField()
    job_title = models.TextField(null=True)
    email = models.TextField(null=True)
    phone = models.TextField(null=True)

    class Meta(Unmanaged.Meta):
        db_table = "contact"


class Visit(Unmanaged):
    id = models.UUIDField(primary_key=True)
    case_id = models.UUIDField()
    team_id = models.UUIDField()
    restricted = models.BooleanField()
    state = models.TextField()
    adviser_id = models.UUIDField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    arrived_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    attendance = models.JSONField(null=True)
    notes = models.TextField(null=True)
    version = models.IntegerField()

    class Meta(Unmanaged.Meta):
        db_table = "site_visit"


class Finding(Unmanaged):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    visit = models.ForeignKey(Visit, models.DO_NOTHING, related_name="findings")
    case_id = models.UUIDField()
    team_id = models.UUIDField()
    restricted = models.BooleanField()
    area = models.TextField()
    phase = models.TextField()
    methodology = models.TextField()
    gap = models.TextField()
    likelihood = models.IntegerField()
    impact = models.IntegerField()
    threat_level = models.TextField()
    recorded_by = models.UUIDField()

    class Meta(Unmanaged.Meta):
        db_table = "finding"


class CaseEvent(Unmanaged):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case_id = models.UUIDField()
    team_id = models.UUIDField()
    restricted = models.BooleanField()
    action = models.TextField()
    person_id = models.UUIDField()
    actor = models.TextField(default="staff")
    subject_kind = models.TextField()
    subject_id = models.UUIDField()

    class Meta(Unmanaged.Meta):
        db_table = "case_event"


_number = itertools.count()


def new_id():
    """As the log's ids are: the time, then a number."""
    return int((time.time() - 1_577_836_800) * 1000) << 12 | next(_number) & 4095


class Event(Unmanaged):
    id = models.BigIntegerField(primary_key=True, default=new_id)
    at = models.DateTimeField()
    request_id = models.UUIDField()
    principal_kind = models.TextField()
    principal_id = models.UUIDField(null=True)
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
    case_id = models.UUIDField(null=True)
    operation = models.TextField()

    class Meta(Unmanaged.Meta):
        db_table = "event_object"


class BankHoliday(Unmanaged):
    id = models.UUIDField(primary_key=True)
    nation = models.TextField()
    day = models.DateField()
    active = models.BooleanField()

    class Meta(Unmanaged.Meta):
        db_table = "bank_holiday"


class Lookup(Unmanaged):
    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    code = models.TextField()

    class Meta(Unmanaged.Meta):
        db_table = "lookup"


class ThreatLevel(Unmanaged):
    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    level = models.TextField()
    state = models.TextField()
    since = models.DateTimeField()

    class Meta(Unmanaged.Meta):
        db_table = "threat_level"


class IdempotencyKey(Unmanaged):
    key_hash = models.BinaryField(primary_key=True)
    caller = models.TextField()
    fingerprint = models.BinaryField()
    salt = models.BinaryField(default=b"")
    status = models.IntegerField(null=True)
    body = models.TextField(null=True)

    class Meta(Unmanaged.Meta):
        db_table = "idempotency_key"


class Job(Unmanaged):
    id = models.BigAutoField(primary_key=True)
    queue_name = models.TextField(default="casework")
    task_name = models.TextField(default="messages.send")
    args = models.JSONField()

    class Meta(Unmanaged.Meta):
        db_table = "procrastinate_jobs"
