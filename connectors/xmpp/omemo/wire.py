"""What OMEMO looks like in a stanza and on a node, and how people see a key.

Rules kept here:

1. What comes from outside is held to the schema of its version before anything of it is used, and
   whatever is wrong with it, it is nothing (None) and never an exception that quotes it.
2. A key is shown as clients show it: its Curve25519 form in 64 hexadecimal digits.
3. A stanza carries what is sealed and a word on what that is (XEP-0380). Nothing of the body stands
   beside it.

Source: XEP-0384 0.3.0 (4.4 to 4.6).
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

import oldmemo.etree
import xeddsa

from connectors.port import DeviceId
from connectors.port.messages import Device
from connectors.xmpp.omemo.pep import NAMESPACE

_NS = f"{{{NAMESPACE}}}"
_EME, _HINTS = "{urn:xmpp:eme:0}", "{urn:xmpp:hints}"
_MOST_KEYS = 4


@lru_cache(maxsize=4096)
def fingerprint(identity_key: bytes) -> str:
    """An identity key as clients show it.

    Args:
        identity_key: in its Ed25519 form, as the library holds it.
    """
    return str(xeddsa.ed25519_pub_to_curve25519_pub(identity_key).hex())


def device(number: int, identity_key: bytes) -> Device:
    """A device of the port."""
    return Device(DeviceId(str(number)), fingerprint(identity_key))


def is_sealed(stanza: Element) -> bool:
    """Whether something is sealed in a stanza."""
    return stanza.find(f"{_NS}encrypted") is not None


def sealed_part(stanza: Element) -> Element | None:
    """What is sealed in a stanza; None where nothing is, or more than clients would agree on."""
    found = stanza.findall(f"{_NS}encrypted")
    return found[0] if len(found) == 1 else None


def sender_number(sealed: Element) -> int | None:
    """The number of the device that says it sealed this; None where it says none."""
    header = sealed.find(f"{_NS}header")
    said = "" if header is None else header.get("sid", "")
    return (
        int(said) if said.isascii() and said.isdecimal() and len(said) <= len(str(2**32)) else None
    )


def copies_for(sealed: Element, number: int) -> Iterator[Element]:
    """What is sealed, with one key alone: each that names this number.

    Numbers are each account's own choice, so that two accounts may have the same one.
    """
    for place in range(_MOST_KEYS):
        copy = deepcopy(sealed)
        header = copy.find(f"{_NS}header")
        keys = [] if header is None else header.findall(f"{_NS}key")
        ours = [key for key in keys if key.get("rid") == str(number)]
        if header is None or place >= len(ours):
            return
        for key in keys:
            if key is not ours[place]:
                header.remove(key)
        yield copy


def parse_bundle(found: Element, account: str, number: int) -> Any | None:
    """The bundle of a device; None when it makes no sense."""
    try:
        bundle = oldmemo.etree.parse_bundle(found, account, number)
        fingerprint(bundle.identity_key)
    except Exception:  # noqa: BLE001 (four libraries read it, each with errors of its own)
        return None
    return bundle


def write_bundle(bundle: Any) -> Element:
    """A bundle of ours, to be published."""
    element: Element = oldmemo.etree.serialize_bundle(bundle)
    return element


def keys_alone(message: Any) -> tuple[Element, ...]:
    """What stands in a stanza that moves keys on and holds no body."""
    return oldmemo.etree.serialize_message(message), Element(f"{_HINTS}store")


def payload(sealed: Element) -> tuple[Element, ...]:
    """What stands in a stanza in place of its body."""
    return sealed, Element(f"{_EME}encryption", {"namespace": NAMESPACE, "name": "OMEMO"})
