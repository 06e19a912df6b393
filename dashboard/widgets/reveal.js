const SHOWN_MS = 60000;

export default function (component) {
  const { data, parentElement } = component;
  const find = (name) => parentElement.querySelector(name);
  const ask = find(".ask"), said = find(".said"), paper = find(".paper");
  const fields = [".subject", ".text", ".files", ".left"];
  let timer = null, ends = 0, who = "";

  const empty = () => { for (const name of fields) find(name).textContent = ""; };
  const away = (why) => {
    if (timer !== null) { clearInterval(timer); timer = null; }
    empty();
    if (!paper.hidden) { paper.hidden = true; said.textContent = why; }
  };
  const tick = () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left <= 0) { away("It was shown for a minute, and is not shown again."); return; }
    find(".left").textContent = "Shown once. It goes in " + left + " s. " + who;
  };
  const refused = async (answer) => {
    let body = {};
    try { body = await answer.json(); } catch { body = {}; }
    said.textContent = String(body.title || "It is not shown.") + " ";
    if (String(body.then || "").startsWith("/in")) {
      const link = document.createElement("a");
      link.href = "/in?again";
      link.textContent = "Prove that it is you";
      said.appendChild(link);
      ask.disabled = false;
    }
  };
  const show = (found) => {
    find(".subject").textContent = found.subject || "";
    find(".text").textContent = found.text;
    const files = found.files || [];
    find(".files").textContent = files.length
      ? files.length + (files.length === 1 ? " file is" : " files are") + " not shown here." : "";
    who = found.author_told ? "Its author was told." : "Its author could not be told.";
    ends = Date.now() + SHOWN_MS;
    paper.hidden = false;
    paper.focus();
    tick();
    timer = setInterval(tick, 250);
  };
  const open = async () => {
    ask.disabled = true;
    said.textContent = "";
    const part = encodeURIComponent;
    const held = "/api/v1/deals/" + part(data.deal) + "/held/" + part(data.message);
    const path = held + "/reveal/open";
    try {
      const answer = await fetch(path, {
        method: "POST", credentials: "same-origin", cache: "no-store", redirect: "error",
        referrerPolicy: "no-referrer", headers: { accept: "application/json" },
      });
      if (!answer.ok) { await refused(answer); return; }
      show(await answer.json());
    } catch {
      said.textContent = "We cannot tell whether it was shown. The record says so.";
    }
  };
  const hidden = () => {
    if (document.visibilityState === "hidden") away("You looked away; it is not shown again.");
  };
  const leave = () => away("");
  const takenAway = () => away("You took it away. It is not shown again.");
  ask.addEventListener("click", open);
  find(".away").addEventListener("click", takenAway);
  document.addEventListener("visibilitychange", hidden);
  window.addEventListener("pagehide", leave);
  return () => {
    away("");
    ask.removeEventListener("click", open);
    find(".away").removeEventListener("click", takenAway);
    document.removeEventListener("visibilitychange", hidden);
    window.removeEventListener("pagehide", leave);
  };
}
