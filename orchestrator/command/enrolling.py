"""Enrolment: codes by which people show which accounts are theirs, and counsel's word for others'.

Rules kept here:

1. The words of a code are told once, to whoever asked for it, and kept nowhere.
2. It binds an account to a person whom the roster lists. It grants nothing.
3. Counsel's word for an account is for people of the other party, is graded *attested*, and lapses
   after 30 days. It never takes the place of what a person proved himself.
"""

from collections.abc import Sequence
from urllib.parse import quote

from orchestrator.approvals.standing import ATTEST
from orchestrator.audit.body import Json
from orchestrator.audit.kinds import Kind
from orchestrator.client import people
from orchestrator.client.problems import Missing, Wrong
from orchestrator.clock import DAY
from orchestrator.command.conversations import deal_of
from orchestrator.command.crossing import Crossings, other_person
from orchestrator.command.people import listed
from orchestrator.command.runtime import must_live
from orchestrator.command.vouching import AS_BEFORE, vouch
from orchestrator.deals import enrolment
from orchestrator.deals.persons import state_person
from orchestrator.flow.codewords import WORDS, draw
from orchestrator.flow.enrolling import close
from orchestrator.ids import new_id
from orchestrator.roster.form import is_account
from orchestrator.store.unit import Tx
from tiers.ids import ConnectorName, DealId, PersonId
from tiers.people import Person

OPEN_FOR = DAY


class Enrolments(Crossings):
    """Implements ``orchestrator.api.port.PersonAccess``."""

    async def person_enrol(
        self,
        deal: DealId,
        person: PersonId,
        channels: Sequence[str],
        by: PersonId,
        *,
        actor: str,
    ) -> people.EnrolmentView:
        """Hands out a code for each channel; those handed out before open nothing any more."""
        must_live(self._r)
        view = deal_of(self._r, deal)
        who = listed(view, person)
        other_person(view, by, person)
        names = self._channels_for(who, channels)
        made, at = new_id("enr"), self._r.now()
        words = {name: draw() for name in names}
        until = at + OPEN_FOR

        def unit(tx: Tx) -> None:
            for old in enrolment.replaced_by(view.persons.codes, person, names, at):
                close(tx, deal, old, enrolment.REPLACED, at)
            for name in names:
                body: dict[str, Json] = {
                    "enrolment": made,
                    "channel": name,
                    "first": WORDS.index(words[name][0]),
                    "digest": enrolment.digest_of(made, name, words[name]),
                    "until": until,
                    "by": by,
                }
                kind = Kind.ENROLMENT_OPENED
                state_person(tx, deal, kind, person, at=at, actor=actor, **body)

        await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal)
        codes = tuple(self._code(name, words[name]) for name in names)
        return people.EnrolmentView(enrolment=made, person=person, until=until, codes=codes)

    def _channels_for(self, person: Person, asked: Sequence[str]) -> tuple[ConnectorName, ...]:
        """The channels that codes are for: those asked for, else where he has no account yet."""
        able = {
            name
            for name, connector in self._r.connectors.items()
            if connector.capabilities.most_members != 1
        }
        if strange := sorted(set(asked) - able):
            raise Missing(
                f"no account is proved by words on {', '.join(strange)}",
                still=AS_BEFORE,
                then="wallcross channel list; a mail address is proved by its key: key add",
            )
        without = sorted(able - set(person.accounts)) or sorted(able)
        found = tuple(ConnectorName(c) for c in dict.fromkeys(asked)) or tuple(without)
        if not found:
            raise Missing("no channel is open here", then="wallcross channel list")
        return found

    def _code(self, name: ConnectorName, words: tuple[str, ...]) -> people.CodeView:
        to = self._r.connectors[name].account
        link = f"wallcross://enrol/{quote(name, safe='')}/{quote(to, safe='')}#{'-'.join(words)}"
        return people.CodeView(channel=name, to=to, words=words, link=link)

    async def person_attest(
        self,
        deal: DealId,
        person: PersonId,
        channel: str,
        account: str,
        by: PersonId,
        *,
        actor: str,
    ) -> people.PersonView:
        """Records counsel's word that an account is a person's."""
        view = deal_of(self._r, deal)
        who = listed(view, person)
        other_person(view, by, person)
        if not is_account(account) or channel not in self._r.settings.config.channels:
            then = "wallcross channel list"
            raise Wrong("that is no account of a channel here", still=AS_BEFORE, then=then)
        said: dict[str, Json] = {"by": by, "channel": channel, "account": account}
        await vouch(self._r, view, ATTEST, who, said, actor=actor)
        return await self.person_show(deal, person)
