"""The application: dependencies, response models and endpoints."""

# mypy: ignore-errors
import hashlib
import os
import secrets
import uuid
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Response  # noqa: TID251 — as the template has it
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy.orm import selectinload
from sqlmodel import Session, create_engine, select

from benchmarks.peers.template.models import (
    CasePublic,
    CaseRow,
    CasesPublic,
    EnquiryCreate,
    EnquiryReceived,
    Me,
    PremisesPage,
    PremisesPublic,
    VisitCompletion,
    VisitPublic,
)
from benchmarks.peers.template.tables import (
    BankHoliday,
    Case,
    CaseEvent,
    Contact,
    Enquiry,
    Event,
    EventObject,
    Finding,
    Force,
    IdempotencyKey,
    Job,
    Login,
    Lookup,
    Membership,
    Person,
    Postcode,
    Premises,
    Team,
    ThreatLevel,
    Visit,
)

URL = os.environ["BENCH_URL"].replace("postgresql://", "postgresql+psycopg://")
engine = create_engine(URL, pool_size=6, max_overflow=10)
app = FastAPI()
bearer = HTTPBearer()


def get_db() -> Generator[Session, None, None]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_db)]


def get_current_user(session: SessionDep, token: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> Person:
    login = session.get(Login, hashlib.sha256(token.credentials.encode()).digest())
    if login is None or login.revoked_at is not None or login.expires_at < datetime.now(UTC):
        raise HTTPException(401)
    user = session.get(Person, login.principal_id)
    if user is None:
        raise HTTPException(401)
    return user


CurrentUser = Annotated[Person, Depends(get_current_user)]


def get_memberships(session: SessionDep, user: CurrentUser) -> list[Membership]:
    held = session.exec(select(Membership).where(Membership.principal_id == user.id, Membership.ended_at == None)).all()  # noqa: E711
    if not any(each.role in ("adviser", "supervisor") for each in held):
        raise HTTPException(403)
    return list(held)


Memberships = Annotated[list[Membership], Depends(get_memberships)]


def write_log(session: Session, user: Person | None, roles: list[str], action: str, objects: list[tuple]) -> None:
    event = Event(
        principal_kind="staff" if user else "public", principal_id=user.id if user else None, roles=roles, action=action
    )
    session.add(event)
    session.flush()
    for kind, object_id, case_id, operation in objects:
        session.add(
            EventObject(event_id=event.id, kind=kind, object_id=object_id, case_id=case_id, operation=operation)
        )


def claim(session: Session, caller: str, key: str, path: str, body: BaseModel) -> IdempotencyKey:
    """The key of this request, kept in the transaction that does the work; with a status where it was used before."""
    key_hash = hashlib.sha256(key.encode()).digest()
    fingerprint = hashlib.sha256(path.encode() + body.model_dump_json().encode()).digest()
    kept = session.get(IdempotencyKey, (caller, key_hash))
    if kept is None:
        kept = IdempotencyKey(caller=caller, key_hash=key_hash, fingerprint=fingerprint)
        session.add(kept)
        session.flush()
    elif kept.fingerprint != fingerprint:
        raise HTTPException(422)
    return kept


# --- endpoints ---


@app.get("/v1/me", response_model=Me)
def read_me(session: SessionDep, user: CurrentUser, held: Memberships):
    me = Me(
        id=user.id,
        name=user.name,
        email=user.email,
        roles=[{"role": m.role, "team": m.team.model_dump()} for m in held],
    )
    write_log(session, user, [m.role for m in held], "session.manage_own", [])
    session.commit()
    return me


@app.get("/v1/cases/{case_id}", response_model=CasePublic)
def read_case(session: SessionDep, user: CurrentUser, held: Memberships, case_id: uuid.UUID):
    case = session.get(Case, case_id)
    if case is None or case.restricted or case.team_id not in [m.team_id for m in held]:
        raise HTTPException(404)
    shown = CasePublic.model_validate(case, from_attributes=True)
    write_log(session, user, [m.role for m in held], "case.read", [("case_file", case.id, case.id, "consultation")])
    session.commit()
    return shown


@app.get("/v1/cases", response_model=CasesPublic)
def read_cases(
    session: SessionDep, user: CurrentUser, held: Memberships, mine: bool = False, open: bool = False, limit: int = 25
):
    statement = select(Case).where(Case.team_id.in_([m.team_id for m in held]), Case.restricted == False)  # noqa: E712
    if mine:
        statement = statement.where(Case.adviser_id == user.id)
    if open:
        statement = statement.where(Case.state != "closed")
    statement = statement.options(selectinload(Case.premises), selectinload(Case.adviser))
    cases = session.exec(statement.order_by(Case.opened_at.desc(), Case.id.desc()).limit(limit + 1)).all()
    shown = CasesPublic(
        items=[CaseRow.model_validate(case, from_attributes=True) for case in cases[:limit]],
        next_cursor=str(cases[limit].id) if len(cases) > limit else None,
    )
    write_log(
        session,
        user,
        [m.role for m in held],
        "case.read",
        [("case_file", c.id, c.id, "consultation") for c in cases[:limit]],
    )
    session.commit()
    return shown


@app.get("/v1/premises", response_model=PremisesPage)
def read_premises(session: SessionDep, user: CurrentUser, held: Memberships, limit: int = 25):
    mine = Premises.team_id.in_([m.team_id for m in held])
    statement = select(Premises).where(mine).order_by(Premises.sort_key, Premises.id)
    places = session.exec(statement.limit(limit + 1)).all()
    shown = PremisesPage(
        items=[PremisesPublic.model_validate(place, from_attributes=True) for place in places[:limit]],
        next_cursor=str(places[limit].id) if len(places) > limit else None,
    )
    write_log(
        session,
        user,
        [m.role for m in held],
        "premises.read",
        [("premises", p.id, None, "consultation") for p in places[:limit]],
    )
    session.commit()
    return shown


@app.post("/v1/enquiries", response_model=EnquiryReceived, status_code=201)
def submit_enquiry(session: SessionDep, enquiry_in: EnquiryCreate, idempotency_key: Annotated[str, Header()]):
    kept = claim(session, "public:", idempotency_key, "/v1/enquiries", enquiry_in)
    if kept.status is not None:
        return EnquiryReceived.model_validate_json(kept.body)
    postcode = session.get(Postcode, enquiry_in.postcode)
    if postcode is None:
        raise HTTPException(422)
    team = session.exec(select(Team).where(Team.force_code == postcode.force_code, Team.intake == True)).one()  # noqa: E712
    reference = f"ENQ-{secrets.token_hex(5).upper()}"
    nation = session.get(Force, team.force_code).nation
    day, left = datetime.now(UTC).date(), 5
    holidays = select(BankHoliday.day).where(
        BankHoliday.nation == nation,
        BankHoliday.day > day,
        BankHoliday.active == True,  # noqa: E712
    )
    closed = set(session.exec(holidays).all())
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day not in closed
    stated = enquiry_in.model_dump(exclude={"need", "contact"})
    enquiry = Enquiry(
        **stated,
        team_id=team.id,
        force_code=team.force_code,
        reference=reference,
        respond_by=day,
    )
    contact = Contact(enquiry_id=enquiry.id, team_id=team.id, **enquiry_in.contact.model_dump())
    token = secrets.token_urlsafe(32)
    hashed = hashlib.sha256(f"trk_{token}".encode()).digest()
    expires = datetime.now(UTC) + timedelta(days=730)
    session.add(enquiry)
    session.flush()
    session.add(contact)
    session.add(
        Login(token_hash=hashed, kind="enquirer", principal_id=contact.id, enquiry_id=enquiry.id, expires_at=expires)
    )
    objects = [("enquiry", enquiry.id, None, "collection"), ("contact", contact.id, None, "collection")]
    write_log(session, None, ["public"], "enquiry.submit", objects)
    session.add(Job(args={"kind": "received", "enquiry_id": str(enquiry.id)}))
    received = EnquiryReceived(
        id=enquiry.id, reference=reference, tracking_token=f"trk_{token}", respond_by=day, team=team.name
    )
    kept.status, kept.body = 201, received.model_dump_json()
    session.commit()
    return received


@app.post("/v1/visits/{visit_id}/completion", response_model=VisitPublic)
def complete_visit(
    session: SessionDep, user: CurrentUser, held: Memberships, visit_id: uuid.UUID, completion: VisitCompletion,
    if_match: Annotated[str, Header()], idempotency_key: Annotated[str, Header()], response: Response,
):  # fmt: skip
    kept = claim(session, f"staff:{user.id}", idempotency_key, f"/v1/visits/{visit_id}/completion", completion)
    if kept.status is not None:
        return VisitPublic.model_validate_json(kept.body)
    visit = session.get(Visit, visit_id, with_for_update=True)
    if visit is None or visit.adviser_id != user.id or visit.team_id not in [m.team_id for m in held]:
        raise HTTPException(404)
    if visit.state not in ("proposed", "confirmed") or if_match != f'"{visit.version}"':
        raise HTTPException(409)
    visit.sqlmodel_update(completion.model_dump(exclude={"findings"}))
    visit.state, visit.version = "completed", visit.version + 1
    session.add(visit)
    whose = {"case_id": visit.case_id, "team_id": visit.team_id, "restricted": visit.restricted}
    words = set(session.exec(select(Lookup.code).where(Lookup.kind == "attack_methodologies")).all())
    if any(each.methodology not in words for each in completion.findings):
        raise HTTPException(422)
    counting = ThreatLevel.kind == "national", ThreatLevel.state != "struck", ThreatLevel.since <= completion.arrived_at
    levels = select(ThreatLevel.level).where(*counting)
    level = session.exec(levels.order_by(ThreatLevel.since.desc(), ThreatLevel.id.desc()).limit(1)).one()
    found = [
        Finding(visit_id=visit.id, recorded_by=user.id, threat_level=level, **whose, **each.model_dump())
        for each in completion.findings
    ]
    session.add_all(found)
    said = CaseEvent(action="visit.complete", person_id=user.id, subject_kind="visit", subject_id=visit.id, **whose)
    session.add(said)
    objects = [
        ("site_visit", visit.id, visit.case_id, "alteration"),
        ("case_event", said.id, visit.case_id, "collection"),
    ]
    objects += [("finding", each.id, visit.case_id, "collection") for each in found]
    write_log(session, user, [m.role for m in held], "visit.complete", objects)
    session.flush()
    session.refresh(visit)
    shown = VisitPublic.model_validate(visit, from_attributes=True)
    kept.status, kept.body = 200, shown.model_dump_json()
    response.headers["ETag"] = f'"{visit.version}"'
    session.commit()
    return shown
