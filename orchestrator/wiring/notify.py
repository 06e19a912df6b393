"""Builds the ways by which people are told, as the settings name them.

Rule kept here: a way that is not in the settings is not there; a private line always is, for it
leads over channels that are.
"""

from contextlib import AsyncExitStack
from functools import partial

from connectors.port.door import Door, Limits, Opening
from orchestrator.audit.anchors.mail import MailServer
from orchestrator.client.problems import Wrong
from orchestrator.command.runtime import Runtime, standing_still
from orchestrator.config.model import NotifyMail, NotifyPart, NotifyPush, NotifyWebhook
from orchestrator.notify.line import ByLine
from orchestrator.notify.mail import ByMail
from orchestrator.notify.push import ByPush, Subscription, origin_of, vapid_key
from orchestrator.notify.run import WEBHOOK, Notifier
from orchestrator.notify.subscriptions import Subscriptions
from orchestrator.notify.ways import Carries, To
from orchestrator.notify.webhook import ByWebhook
from orchestrator.secrets.reference import resolve

LIMITS = Limits(answer_bytes=64 * 1024, connect=10.0, silence=15.0, connections=4)


async def notifier_of(runtime: Runtime, stack: AsyncExitStack) -> Notifier:
    """What tells people, with every way that the settings name; ``stack`` ends their connections.

    Raises:
        Wrong: one cannot be built as it is configured.
    """
    subscriptions = Subscriptions(runtime.store, runtime.sealer)
    config = runtime.settings.config
    ways: dict[str, Carries] = {
        "line": ByLine(
            runtime.book,
            runtime.lines,
            runtime.writer,
            partial(standing_still, runtime.channels),
        )
    }
    try:
        _configured(runtime, config.notify, ways, subscriptions, stack)
    except (OSError, ValueError) as error:
        raise Wrong(
            f"notify: {error}",
            still="Nobody is told; nothing was started.",
            then="correct [notify] in wallcross.toml, then wallcross doctor",
        ) from None
    desk = config.web.origin if config.web.enabled else None
    found = Notifier(runtime.store, runtime.book, ways, subscriptions, desk, runtime.now)
    await found.recover()
    return found


def _configured(
    runtime: Runtime,
    part: NotifyPart,
    ways: dict[str, Carries],
    subscriptions: Subscriptions,
    stack: AsyncExitStack,
) -> None:
    if part.mail is not None:
        ways["mail"] = _mail(runtime, part.mail)
    if part.push is not None:
        push = _push(runtime, part.push, subscriptions)
        ways["push"] = push
        stack.push_async_callback(push.close)
    if part.webhook is not None:
        hook = _webhook(runtime, part.webhook)
        ways[WEBHOOK] = hook
        stack.push_async_callback(hook.close)


def _mail(runtime: Runtime, mail: NotifyMail) -> ByMail:
    reference, vault = mail.password, runtime.secrets
    password = None if reference is None else lambda: resolve(reference, vault).reveal_text()
    server = MailServer(mail.server, mail.port, mail.tls, mail.user, password)
    return ByMail(server, mail.sender, runtime.now, names=mail.name_deals)


def _push(runtime: Runtime, part: NotifyPush, subscriptions: Subscriptions) -> ByPush:
    origins = frozenset(map(origin_of, part.origins))
    openings = [Opening.of(origin) for origin in origins]
    if any(o.scheme != "https" and not o.loopback for o in openings):
        raise ValueError("a push service is reached by https")
    door = Door(openings, LIMITS)

    async def of(to: To) -> tuple[Subscription, ...]:
        return () if to.person is None else await subscriptions.of(to.deal, to.person.person)

    async def forget(one: Subscription) -> None:
        await subscriptions.forget(one.name)

    key = vapid_key(runtime.secrets)
    return ByPush(door, origins, key, part.contact, of, forget, runtime.now)


def _webhook(runtime: Runtime, part: NotifyWebhook) -> ByWebhook:
    door, secret = Door([Opening.of(part.url)], LIMITS), partial(_revealed, part, runtime)
    return ByWebhook(door, part.url, secret, runtime.now, names=part.name_deals)


def _revealed(part: NotifyWebhook, runtime: Runtime) -> bytes:
    return resolve(part.secret, runtime.secrets).reveal_text().encode()
