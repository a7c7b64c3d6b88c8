"""HTTP for premises."""

from fastapi import APIRouter

router = APIRouter(prefix="/v1", tags=["premises"])
