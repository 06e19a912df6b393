// The sign-in page: a one-time link, a passkey, the company's own sign-in, a terminal's code.
//
// Rules kept here:
// 1. The secret of a link stands behind the "#": it is read, taken out of the address, and sent once,
//    to our own address, and only after its owner said yes.
// 2. What the API says is shown as text, never as markup.
// 3. Nothing of a deal is on this page but what the holder of a link is told.
"use strict";
(() => {
  const API = "/api/v1";
  const $ = (id) => document.getElementById(id);
  const show = (id) => { $(id).hidden = false; };
  const hide = (id) => { $(id).hidden = true; };
  const asked = new URLSearchParams(window.location.search);
  const DEVICE = window.location.pathname === "/in/device";
  let secret = window.location.hash.slice(1);
  if (secret) window.history.replaceState(null, "", window.location.pathname);

  class Refused extends Error {
    constructor(problem, status) {
      super(problem.title || "That did not work.");
      this.still = problem.still || "";
      this.then = problem.then || "";
      this.status = status;
    }
  }

  async function call(method, path, body) {
    const found = await fetch(API + path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await found.text();
    let data = null;
    try { data = text ? JSON.parse(text) : null; } catch { data = null; }
    if (!found.ok) throw new Refused(data || {}, found.status);
    return data;
  }

  function say(words, more = "", kind = "stop") {
    const box = $("said"), strong = document.createElement("b"), rest = document.createElement("span");
    strong.textContent = words;
    rest.textContent = more;
    box.className = "said " + kind;
    box.replaceChildren(strong, rest);
    box.hidden = false;
  }

  const wrong = (error) => say(error.message, error.still || "");

  function on(id, work) {
    $(id).addEventListener("click", async () => {
      $(id).disabled = true;
      try { await work(); } catch (error) { wrong(error); } finally { $(id).disabled = false; }
    });
  }

  // Where to after a sign-in: a terminal that waits, or a page of ours, by its word alone.
  function home() {
    if (DEVICE && $("terminal").hidden) return window.location.replace("/in/device");
    const to = asked.get("to") || "";
    window.location.replace(/^\/[a-z][a-z0-9_-]{0,63}$/.test(to) ? to : "/");
  }

  async function byLink() {
    show("link");
    const found = await call("POST", "/session/link", { secret });
    const name = found.name || "you";
    $("link-name").textContent = name;
    $("link-again").textContent = name;
    $("link-about").textContent = found.home
      ? "It signs you in as whoever runs this Wallcross."
      : "It signs you in to " + found.code + (found.made_up ? ", a made-up deal." : ".");
    on("link-open", async () => {
      await call("POST", "/session/link", { secret, sure: true });
      secret = "";
      hide("link");
      return found.home || !hasPasskeys ? home() : offered();
    });
  }

  // Bytes, as the API writes them.
  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const keys = (handles) => handles.map((handle) => ({ type: "public-key", id: bytes(handle) }));
  const hasPasskeys = Boolean(window.PublicKeyCredential && navigator.credentials);

  // A browser says in its own words that nobody touched the key: ours are kinder.
  async function ceremony(work) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refused) throw error;
      throw new Refused({ title: "No passkey was used.", still: "Nothing was changed." }, 0);
    }
  }

  async function answered(path, ask, credential) {
    const answer = JSON.stringify(credential.toJSON());
    return call("POST", path, { challenge_id: ask.challenge_id, answer });
  }

  async function byPasskey() {
    const ask = await call("POST", "/session/passkey/ask");
    const got = await ceremony(() => navigator.credentials.get({ publicKey: {
      challenge: bytes(ask.challenge), rpId: ask.rp_id,
      userVerification: "required", allowCredentials: keys(ask.handles),
    } }));
    await answered("/session/passkey", ask, got);
  }

  async function newPasskey() {
    const ask = await call("POST", "/session/passkey/new/ask");
    const made = await ceremony(() => navigator.credentials.create({ publicKey: {
      challenge: bytes(ask.challenge),
      rp: { id: ask.rp_id, name: ask.rp_name },
      user: { id: bytes(ask.user_id), name: ask.user_name, displayName: ask.user_name },
      pubKeyCredParams: ask.algorithms.map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      excludeCredentials: keys(ask.handles),
    } }));
    await answered("/session/passkey/new", ask, made);
  }

  // Whoever has a passkey already is not asked again.
  async function offered() {
    const ask = await call("POST", "/session/passkey/new/ask").catch(() => null);
    return ask && ask.handles.length === 0 ? keeping() : home();
  }

  function keeping() {
    show("keep");
    on("keep-yes", async () => { await newPasskey(); home(); });
    on("keep-no", async () => home());
  }

  // To the provider, and back to /api/v1/session/oidc/back, which signs in.
  async function byProvider(again) {
    const away = await call("POST", "/session/oidc/begin", { again });
    window.location.assign(away.url);
  }

  async function proving(to) {
    const found = await call("GET", "/session/ways");
    const back = () => (to ? window.location.replace(to) : home());
    hide("terminal");
    show("again");
    $("again-passkey").hidden = !(found.passkey && hasPasskeys);
    $("again-oidc").hidden = !found.oidc;
    on("again-passkey", async () => { await byPasskey(); back(); });
    on("again-oidc", () => byProvider(true));
    on("again-back", async () => home());
  }

  // "in", "out", or "away" where nobody can say.
  async function standing() {
    try {
      const found = await fetch("/gate/session", { credentials: "same-origin", cache: "no-store" });
      return found.ok ? await found.text() : "away";
    } catch {
      return "away";
    }
  }

  // Tried again until somebody can say who this is.
  async function untilThere() {
    show("away");
    for (;;) {
      const found = await standing();
      if (found === "in") return home();
      if (found === "out") { hide("away"); return ways(); }
      await new Promise((done) => window.setTimeout(done, 2000));
    }
  }

  async function ways() {
    show("ways");
    const found = await call("GET", "/session/ways");
    $("oidc").hidden = !found.oidc;
    $("passkey").hidden = !(found.passkey && hasPasskeys);
    $("passkey").classList.toggle("first", !found.oidc);
    on("oidc", () => byProvider(false));
    on("passkey", async () => { await byPasskey(); home(); });
  }

  // A terminal's code: looked at first, then confirmed by whoever is signed in and just proved it.
  function terminal() {
    show("terminal");
    const code = $("terminal-code");
    const shown = () => code.value.trim().toUpperCase();
    $("terminal-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      $("terminal-look").disabled = true;
      try {
        const found = await call("POST", "/session/device", { shown: shown() });
        $("terminal-what").textContent = found.label;
        hide("terminal-form");
        hide("said");
        show("terminal-found");
      } catch (error) {
        if (error.then && error.then.startsWith("/in")) return proving("/in/device");
        wrong(error);
      } finally {
        $("terminal-look").disabled = false;
      }
    });
    on("terminal-yes", async () => {
      await call("POST", "/session/device", { shown: shown(), sure: true });
      hide("terminal-found");
      say("The terminal is signed in.", "You can close this page.", "good");
    });
    on("terminal-no", async () => home());
    code.focus();
  }

  // Where the provider signs him out too, if there is one.
  async function signedOut() {
    const found = await call("GET", "/session/ways");
    const away = await call("POST", found.oidc ? "/session/oidc/end" : "/session/end");
    return away && away.url;
  }

  function leaving() {
    show("leave");
    on("leave-yes", async () => {
      const to = await signedOut().catch((error) => {
        if (error.status !== 401) throw error;
        return null;
      });
      window.location.replace(to || "/in?out");
    });
    on("leave-no", async () => window.location.replace("/"));
  }

  async function start() {
    if (asked.has("out")) say("You are signed out.", "Nothing of the deal is left on this page.", "good");
    if (asked.has("failed")) say("The provider did not sign you in.", "Try again, or ask for a link.");
    if (window.location.pathname === "/in/out") return leaving();
    if (asked.has("away")) return untilThere();
    if (secret) return byLink();
    const found = await standing();
    if (found === "away") return untilThere();
    if (found === "in" && DEVICE) return terminal();
    if (found === "in" && asked.has("again")) return proving();
    if (found === "in" && asked.has("new")) return keeping();
    if (found === "in" && !asked.has("out")) return home();
    return ways();
  }

  // A link opened where this page is open already changes the part behind "#" alone.
  window.addEventListener("hashchange", () => window.location.reload());

  start().catch((error) => {
    hide("link");
    wrong(error);
    ways().catch(wrong);
  });
})();
