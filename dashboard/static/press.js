// A press belongs to what stood under it: a redraw between the look and the press neither loses it
// nor hands it to something else.
//
// Rules kept here:
// 1. What a press was meant for is what stood there a moment ago: nobody reads, decides and presses
//    in less than SEEN_MS. What has slid under the finger since then is not pressed.
// 2. What a press began on is what is pressed, though the page was drawn anew before it ended, or it
//    stands elsewhere by now. What is gone is not pressed, and nothing in its stead.
// 3. Whoever moves away before letting go, scrolls, or types has pressed nothing here: as ever.
"use strict";
(() => {
  const SEEN_MS = 350, KEPT_MS = 2000, SCROLLS_MS = 1500, APART_PX = 12, AGAIN_MS = 60, TRIES = 8;
  const CLICK_MS = 150; // by then the browser has told of a press, if it does at all
  const WHAT = "button, summary, a[href]";
  let shown = [], due = false, scrolled = -Infinity, press = null;

  const keyed = (element) => {
    const box = element.closest('[class*="st-key-"]');
    if (box) return [...box.classList].find((name) => name.startsWith("st-key-"));
    const root = element.getRootNode();
    return root instanceof ShadowRoot ? keyed(root.host) : null;
  };
  // By what people tell it apart: the card or part it is in, and its words.
  const name = (element) => {
    const key = element && keyed(element);
    return key ? key + "\n" + element.tagName + "\n" + element.textContent.trim() : null;
  };
  const button = (event) => {
    const first = event.composedPath()[0];
    return first instanceof Element ? first.closest(WHAT) : null;
  };
  const inside = (root) => [
    ...root.querySelectorAll(WHAT),
    ...[...root.querySelectorAll('[class*="st-key-"] *')].flatMap((e) => (e.shadowRoot ? inside(e.shadowRoot) : [])),
  ];
  const fresh = (element) => !element.closest('[data-stale="true"]');

  // What stood where, since when: noted once for each frame in which the page changed.
  function note() {
    due = false;
    const now = performance.now(), at = new Map();
    for (const element of inside(document)) {
      const key = name(element), box = element.getBoundingClientRect();
      if (key && box.width && (!at.has(key) || fresh(element))) at.set(key, box);
    }
    shown.push({ now, at });
    while (shown.length > 1 && shown[1].now < now - KEPT_MS) shown.shift();
  }
  const soon = () => { if (!due) { due = true; requestAnimationFrame(note); } };

  const holds = (box, x, y) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
  // What stood at a point a moment ago: a name; null where nothing did, or that is not known.
  function stood(x, y, now) {
    const then = shown.filter((one) => one.now <= now - SEEN_MS).pop();
    if (!then || scrolled > now - SCROLLS_MS) return null;
    const found = [...then.at].find(([, box]) => holds(box, x, y));
    return found ? found[0] : null;
  }
  // What a press is meant for: what is under it, unless that has slid there, or come in its stead.
  function aim(under, x, y) {
    const was = stood(x, y, performance.now());
    if (was === null || was === under) return under;
    const is = find(was);
    if (is && holds(is.getBoundingClientRect(), x, y)) return under; // a menu or dialog lies over it
    const same = under && under.split("\n", 1)[0] === was.split("\n", 1)[0];
    return same && !is ? under : was; // a button that says the next step is the same one
  }

  const find = (meant) => {
    const found = inside(document).filter((e) => name(e) === meant && e.getBoundingClientRect().width);
    return found.find(fresh) || found[0];
  };
  function hand(meant, tries) {
    const found = find(meant);
    if (found && !found.disabled) found.click();
    else if (!found && tries) window.setTimeout(hand, AGAIN_MS, meant, tries - 1);
  }

  window.addEventListener("pointerdown", (event) => {
    press = null;
    if (!event.isPrimary || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const meant = aim(name(button(event)), event.clientX, event.clientY);
    if (meant) press = { meant, x: event.clientX, y: event.clientY, pressed: false, handed: false };
  }, { capture: true, passive: true });
  window.addEventListener("pointercancel", () => { press = null; }, { capture: true, passive: true });

  window.addEventListener("click", (event) => {
    if (!event.isTrusted || !press || event.detail === 0) return; // a key, a program or a reader of screens
    press.pressed = true;
    if (name(button(event)) === press.meant && !press.handed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!press.handed) hand(press.meant, TRIES);
  }, { capture: true });

  window.addEventListener("pointerup", (event) => {
    const mine = press;
    if (!mine) return;
    if (Math.hypot(event.clientX - mine.x, event.clientY - mine.y) > APART_PX) { press = null; return; }
    // Where what it began on is gone, the browser tells nobody of the press.
    window.setTimeout(() => {
      if (mine.pressed) return;
      mine.handed = true;
      hand(mine.meant, TRIES);
    }, CLICK_MS);
  }, { capture: true, passive: true });

  for (const kind of ["wheel", "touchmove", "keydown"]) {
    window.addEventListener(kind, () => { scrolled = performance.now(); }, { capture: true, passive: true });
  }
  window.addEventListener("scroll", soon, { capture: true, passive: true });
  window.addEventListener("resize", () => { shown = []; soon(); }, { passive: true });
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(soon).observe(document.body, {
      childList: true, subtree: true, attributes: true, attributeFilter: ["class", "style", "open", "data-stale"],
    });
    soon();
  });
})();
