"""The verbs of notices: written by an information manager, approved by somebody else."""

from uuid import UUID

from asyncpg import Record

from casework.kernel.inputs import Input
from casework.kernel.languages import Language
from casework.kernel.problems import ValidationFailed
from casework.notices import queries
from casework.notices.problems import WelshMissing
from casework.notices.schemas import NoticeWriting
from casework.work.amending import amend as amend_record
from casework.work.unit import Answer, Work


async def shown_with(work: Work, notice_id: UUID | None, force_code: str, language: Language) -> Record:
    """The privacy notice that somebody of this force's area was shown: ``id`` and ``body``."""
    told = {"code": "reference", "message": "Name a privacy notice that was published for the force of this site."}
    wrong = ValidationFailed(errors=[{"pointer": "/notice_id", **told}])
    return await work.obtain(queries.SHOWN_WITH, wrong, notice_id=notice_id, force_code=force_code, language=language)


async def write(work: Work, writing: NoticeWriting) -> Answer:
    """Begin a version of a notice. Nobody outside the team sees it before it is approved."""
    notice_id = await work.create(queries.WRITE_NOTICE, writing)
    return await work.show(queries.NOTICE_SHOWN, notice_id, location=f"/v1/notices/{notice_id}")


async def amend(work: Work, notice_id: UUID, amendment: Input) -> Answer:
    """Change what a draft says. Whoever does so has written it too."""
    return await amend_record(work, queries.AMEND_NOTICE, notice_id, amendment)


async def withdraw(work: Work, notice_id: UUID) -> Answer:
    """Give a draft up; it stays on record."""
    await work.advance(queries.WITHDRAW_NOTICE, id=notice_id)
    return await work.show(queries.NOTICE_SHOWN, notice_id)


async def approve(work: Work, notice_id: UUID) -> Answer:
    """Put what somebody else wrote in force, from now on; what was in force is superseded and stays readable."""
    await work.advance(queries.APPROVE_NOTICE, id=notice_id)
    lacking = await work.row(queries.WELSH_LACKING, id=notice_id)
    if lacking is not None and lacking["missing"]:
        raise WelshMissing(missing=lacking["missing"])
    return await work.show(queries.NOTICE_SHOWN, notice_id)
