"""What a page is worth to whoever sees little, uses no mouse, or holds a phone.

Rule kept here: what is not ours is named one by one, by its rule and what it is about; anything
else that the checker finds is a fault of ours.
"""

from typing import Any, Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
UPSTREAM: Final = {
    "list": 'ul[data-testid="stSidebarNavItems"]',
    "listitem": 'ul[data-testid="stSidebarNavItems"] > div > li',
}
"""Streamlit's own navigation puts its entries into sections that are no lists: rule, and what."""
_MOST_TABS: Final = 150
_NOT_UPSTREAM: Final = """([targets, selector]) =>
    targets.filter((target) => !document.querySelector(target)?.matches(selector))"""
_REACHES: Final = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  if (!main) return null;
  const found = new Map(), names = [];
  const walk = (root) => {
    for (const it of root.querySelectorAll("button, a[href], summary")) {
      const seen = it.checkVisibility({ visibilityProperty: true, opacityProperty: true });
      const roving = it.closest("[role=radiogroup], [role=tablist], [data-testid=stButtonGroup]");
      const tools = it.closest("[data-testid=stElementToolbar]");
      if (!seen || it.disabled || roving || tools || it.tabIndex < 0) continue;
      const name = (it.innerText || it.ariaLabel || "").trim();
      const nth = names.filter((one) => one.split("\\n#")[0] === name).length;
      names.push(name + "\\n#" + nth);
      found.set(it, names.at(-1));
    }
    for (const it of root.querySelectorAll("*")) if (it.shadowRoot) walk(it.shadowRoot);
  };
  walk(main);
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return [names, found.get(at) ?? null];
}"""
"""Names of what can be pressed on the page, also where it was drawn anew; and which has the focus.
Of several that are one to the Tab key, arrows choose: those are left out. Nothing while the page is
drawn anew."""
_LONG_MS: Final = 120_000
_SIDEWAYS: Final = """() => Math.max(
  document.documentElement.scrollWidth - innerWidth,
  ...[...document.querySelectorAll("[data-testid=stMain], [data-testid=stAppViewContainer]")]
    .map((it) => it.scrollWidth - it.clientWidth))"""


async def faults(page: Page, *rules: str) -> list[str]:
    """What the checker finds, but what is upstream: rule, element, and what is wrong.

    Args:
        page: the page.
        rules: these alone; none given: every rule of WCAG 2.2 A and AA.
    """
    values = {"type": "rule" if rules else "tag", "values": list(rules or TAGS)}
    found = await Axe().run(page, options={"runOnly": values})
    said: list[str] = []
    for fault in found.response["violations"]:
        said += await _ours(page, fault)
    return said


async def _ours(page: Page, fault: dict[str, Any]) -> list[str]:
    rule, nodes = fault["id"], fault["nodes"]
    if rule in UPSTREAM and all(len(node["target"]) == 1 for node in nodes):
        targets = [node["target"][0] for node in nodes]
        ours = await page.evaluate(_NOT_UPSTREAM, [targets, UPSTREAM[rule]])
        nodes = [node for node in nodes if node["target"][0] in ours]
    return [f"{rule}: {n['html'][:120]} {n['failureSummary'][:200]}" for n in nodes]


async def sideways_px(page: Page) -> int:
    """By how much the page is wider than what it is shown in."""
    return int(await page.evaluate(_SIDEWAYS))


async def unreached(page: Page) -> list[str]:
    """Walks the page by the Tab key alone; names what can be pressed and was never come to."""
    reached: set[str] = set()
    left: list[str] = []
    for _ in range(_MOST_TABS):
        seen = await page.wait_for_function(_REACHES, timeout=_LONG_MS)
        names, at = await seen.json_value()
        reached.add(at)
        left = [name for name in names if name not in reached]
        if not left:
            break
        await page.keyboard.press("Tab")
    return left
