// The adviser's key page: one link, one certificate, and the words that he reads to us.
//
// Rules kept here:
// 1. The secret of a link stands behind the "#": it is read, taken out of the address, and sent to our
//    own address alone. It is kept nowhere; a page that is opened anew needs the link again.
// 2. What the API says is shown as text, never as markup.
// 3. What looks like a private key is not sent at all.
"use strict";
(() => {
  const API = "/api/v1/key-upload";
  const LARGEST = 262144;
  const $ = (id) => document.getElementById(id);
  let secret = window.location.hash.slice(1);
  if (secret) window.history.replaceState(null, "", "/key/");

  async function call(path, body) {
    const found = await fetch(API + path, {
      method: "POST",
      credentials: "omit",
      cache: "no-store",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const data = await found.json().catch(() => ({}));
    if (!found.ok) throw new Error([data.title || "That did not work.", data.then].filter(Boolean).join(" "));
    return data;
  }

  function say(words, kind = "stop") {
    const strong = document.createElement("b");
    strong.textContent = words;
    $("said").className = "said " + kind;
    $("said").replaceChildren(strong);
    $("said").hidden = false;
  }

  // A file in OpenPGP's binary form becomes the armour that the API takes; its checksum is optional.
  function armoured(bytes) {
    const text = new TextDecoder("latin1").decode(bytes);
    if (text.includes("-----BEGIN PGP")) return text;
    const body = btoa(text).replace(/.{64}/g, "$&\n");
    return "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + body + "\n-----END PGP PUBLIC KEY BLOCK-----\n";
  }

  async function chosen() {
    const pasted = $("armour").value.trim();
    if (pasted) return pasted + "\n";
    const file = $("file").files[0];
    if (!file) throw new Error("Choose your public key first.");
    if (file.size > LARGEST) throw new Error("That file is too large for a public key.");
    return armoured(await file.arrayBuffer());
  }

  function taken(found) {
    secret = "";
    $("armour").value = "";
    $("hand-in").hidden = true;
    $("said").hidden = true;
    $("fingerprint").textContent = found.fingerprint.replace(/.{4}(?=.)/g, "$& ");
    $("words").replaceChildren(...found.words.map((word) => {
      const item = document.createElement("li");
      item.textContent = word;
      return item;
    }));
    $("taken").hidden = false;
    $("taken").querySelector("h1").tabIndex = -1;
    $("taken").querySelector("h1").focus();
  }

  $("armour").addEventListener("input", () => { $("file").required = !$("armour").value.trim(); });
  $("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    $("send").disabled = true;
    try {
      const armour = await chosen();
      if (/PRIVATE KEY|SECRET KEY/.test(armour)) {
        throw new Error("That is your private key. It was not sent. Export the public one.");
      }
      if (armour.length > LARGEST) throw new Error("That is too large for a public key.");
      taken(await call("", { secret, armour }));
    } catch (error) {
      say(error.message);
    }
    $("send").disabled = false;
  });

  (async () => {
    if (!secret) {
      say("Open the link that you were sent, once more and whole.");
      return;
    }
    try {
      const asked = await call("/look", { secret });
      $("name").textContent = asked.name;
      $("host").textContent = asked.host || "Whoever sent you this link";
      $("code").textContent = asked.code;
      $("until").textContent = new Date(asked.until / 1000).toLocaleString();
      $("hand-in").hidden = false;
    } catch (error) {
      say(error.message);
    }
  })();
})();
