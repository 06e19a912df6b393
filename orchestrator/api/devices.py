"""Routes: signing in a program that has no browser (RFC 8628)."""

from fastapi import APIRouter, Response
from pydantic import Field

from orchestrator.api.bodies import Body
from orchestrator.api.reach import OpenHome
from orchestrator.api.sign_in import NO_STORE
from orchestrator.api.who import Asker
from orchestrator.client.sign_in import DeviceAsk, DeviceToken, DeviceView
from orchestrator.signin.secret import LONGEST

router = APIRouter()


class Begin(Body):
    """A program's own word for what it is."""

    label: str = Field(max_length=64, pattern=r"^[A-Za-z0-9._-]{1,64}$")


class Device(Body):
    """A program's own secret."""

    device: str = Field(repr=False, max_length=LONGEST)


class Shown(Body):
    """The code that a program shows; ``sure`` signs it in."""

    shown: str = Field(max_length=16)
    sure: bool = False


@router.post("/device/begin")
async def device_begin(body: Begin, home: OpenHome) -> DeviceAsk:
    """Begins signing in a program."""
    return await home.device_begin(body.label)


@router.post("/device/token")
async def device_token(body: Device, home: OpenHome, response: Response) -> DeviceToken:
    """Whether its owner confirmed it: then what it signs in with, told once."""
    response.headers["cache-control"] = NO_STORE
    return await home.device_token(body.device)


@router.post("/session/device")
async def device_confirm(body: Shown, home: OpenHome, asker: Asker) -> DeviceView:
    """What asks under a code; ``sure`` signs it in as whoever asks."""
    return await home.device_confirm(body.shown, asker, sure=body.sure)
