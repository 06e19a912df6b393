// Empties the page the moment the session is over, and says so.
//
// Rules kept here:
// 1. The page is emptied before anything is asked or loaded: what was shown is gone first.
// 2. A line that is silent for too long counts as a session that is over: fail closed.
// 3. That somebody is there is told to the API only when he did something himself.
"use strict";
(() => {
  // Where Streamlit's own routes are, said once, so that its page need not try out addresses.
  window.__streamlit = { BACKEND_BASE_URL: window.location.origin + "/" };

  const ALIVE = "/gate/alive", SESSION = "/gate/session", USED = "/api/v1/session/alive";
  const SIGNED_OUT = 4401, AWAY = 4503;
  const SILENT_MS = 6500, AGAIN_MS = 700, USED_MS = 60000;
  let over = false, heard = Date.now(), used = 0, line = null;

  function empty(words, to) {
    if (over) return;
    over = true;
    document.title = "Wallcross";
    const said = document.createElement("p");
    said.textContent = words;
    said.setAttribute("role", "alert");
    said.style.cssText = "font:1.25rem Newsreader,Georgia,serif;margin:20vh auto;text-align:center";
    const body = document.createElement("body");
    body.append(said);
    document.documentElement.replaceChild(body, document.body);
    // Whatever still runs in this page has nothing to draw on, and is left behind.
    window.setTimeout(() => window.location.replace(to), 1200);
  }

  const signedOut = () => empty("You are signed out.", "/in?out");
  const away = () => empty("We cannot reach Wallcross right now.", "/in?away&to=" + window.location.pathname);

  async function look() {
    try {
      const found = await fetch(SESSION, { cache: "no-store", credentials: "same-origin" });
      if (found.status === 503) return away();
      if (await found.text() === "out") signedOut();
    } catch { /* the line says nothing: `check` counts the seconds */ }
  }

  function open() {
    if (over) return;
    line = new WebSocket(window.location.origin.replace(/^http/, "ws") + ALIVE);
    line.onmessage = () => { heard = Date.now(); };
    line.onclose = (event) => {
      if (event.code === SIGNED_OUT) return signedOut();
      if (event.code === AWAY) return away();
      look();
      window.setTimeout(open, AGAIN_MS);
    };
  }

  function check() {
    if (!over && Date.now() - heard > SILENT_MS) away();
  }

  function isUsed() {
    if (over || Date.now() - used < USED_MS) return;
    used = Date.now();
    fetch(USED, { method: "POST", credentials: "same-origin", cache: "no-store" })
      .then((found) => { if (found.status === 401) signedOut(); })
      .catch(() => { used = 0; });
  }

  // A page that comes back from a sleep, or from the browser's own store, is not believed.
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") { heard = Math.max(heard, Date.now() - SILENT_MS + 3500); look(); }
  });
  for (const kind of ["pointerdown", "keydown"]) {
    window.addEventListener(kind, isUsed, { capture: true, passive: true });
  }
  // Streamlit opens a link in a tab of its own; to sign in or out is for this one.
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a[href]");
    if (!link || link.origin !== window.location.origin || !/^\/in(\/|$)/.test(link.pathname)) return;
    event.preventDefault();
    event.stopPropagation();
    window.location.assign(link.href);
  }, { capture: true });
  window.setInterval(check, 500);
  open();
})();
