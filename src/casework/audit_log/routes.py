"""HTTP for audit log."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["audit_log"])
