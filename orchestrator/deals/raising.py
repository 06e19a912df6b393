"""Whether two people agreed that a conversation carries VALUATION, after one of them raised it.

Rules kept here:

1. A conversation that becomes a VALUATION one in a founded deal counts as such at once, by one
   person: whoever is cleared for less reads nothing new there from that instant.
2. Its rooms stand still until two others signed for exactly that. No row says so and no row lifts
   it: it follows from the chain, every signature checked again.
3. There is no way down. What a room carried stays with whoever had it, and nothing that we can read
   back shows that a newcomer of lower clearance sees none of it.
"""

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.standing import Standing
from orchestrator.deals.stated import Chain
from tiers.approval import Rule
from tiers.ids import ConversationId
from tiers.tier import Tier

RAISE = "conversation.raise"
"""Of a plan that lets a conversation carry VALUATION."""
AWAITS = "two people have not agreed yet that it carries valuation"
"""Why the rooms of such a conversation stand still."""
RULE = Rule()
"""Two people, neither of whom asked; nobody gains by it, so that nobody else is barred."""


def raise_plan(conversation: ConversationId) -> Plan:
    """What people agree to."""
    return Plan(RAISE, {"conversation": conversation, "floor": Tier.VALUATION.value})


def unagreed(chain: Chain, found: Standing) -> frozenset[ConversationId]:
    """Conversations that became VALUATION ones and to which not enough people agreed.

    Args:
        chain: what the deal's entries state.
        found: where its approvals stand.
    """
    if found.founding is None:
        return frozenset()
    since = found.founding.done_n
    raised = {ConversationId(cid) for cid, n in chain.raised.items() if n > since}
    agreed = {
        ConversationId(str(r.plan.body.get("conversation")))
        for r in found.requests.values()
        if r.plan.verb == RAISE and r.agreed_under(RULE)
    }
    return frozenset(raised - agreed)
