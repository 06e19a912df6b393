// Asks a passkey for what stands on the page, and hands its answer to the API of the same origin.
// A private key never comes here; what is signed is the text that the API showed, byte for byte.
const bytes = (text) => {
  const plain = text.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(plain + "===".slice((plain.length + 3) % 4)), (c) => c.charCodeAt(0));
};
const text64 = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const utf8 = (text) => new TextEncoder().encode(text);

const signed = (found) => JSON.stringify({
  id: found.id,
  type: found.type,
  response: {
    clientDataJSON: text64(found.response.clientDataJSON),
    authenticatorData: text64(found.response.authenticatorData),
    signature: text64(found.response.signature),
  },
});
const made = (found) => JSON.stringify({
  id: found.id,
  type: found.type,
  response: {
    clientDataJSON: text64(found.response.clientDataJSON),
    attestationObject: text64(found.response.attestationObject),
  },
});

const asks = (data, challenge, handles) => navigator.credentials.get({
  publicKey: {
    challenge: utf8(challenge),
    rpId: data.rp_id,
    allowCredentials: handles.map((id) => ({ type: "public-key", id: bytes(id) })),
    userVerification: "required",
    timeout: 120000,
  },
});
const makes = (data) => navigator.credentials.create({
  publicKey: {
    challenge: crypto.getRandomValues(new Uint8Array(32)),
    rp: { id: data.rp_id, name: "Wallcross" },
    user: { id: bytes(data.user), name: data.name, displayName: data.name },
    pubKeyCredParams: [-7, -8, -35, -36].map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
    attestation: "none",
    timeout: 120000,
  },
});

const post = async (path, body) => {
  const answer = await fetch(path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  return { ok: answer.ok, waits: answer.status === 409 && String(told.type).endsWith(":waits"), told };
};
const words = (told) => [told.title, ...(told.details || []), told.still].filter(Boolean).join(" ");
const failure = (error) =>
  error && error.name === "NotAllowedError"
    ? "Nothing was signed. The passkey was not used, or the time ran out."
    : "Nothing was signed. This browser could not ask for the passkey.";

const frame = (root, buttons) => {
  root.replaceChildren();
  const box = document.createElement("div");
  box.className = "wx";
  const row = document.createElement("div");
  row.className = "row";
  const told = document.createElement("p");
  told.setAttribute("role", "status");
  const shown = buttons.map(([label, first]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.className = first ? "first" : "";
    row.append(button);
    return button;
  });
  box.append(row, told);
  root.append(box);
  const say = (line, wrong) => { told.textContent = line; told.className = wrong ? "wrong" : ""; };
  const busy = (on) => shown.forEach((button) => { button.disabled = on; });
  return { shown, say, busy, box };
};

// Why somebody refuses: one of a few reasons, and no text of his own.
const reasons = (box, known) => {
  const label = document.createElement("label");
  label.textContent = "If you refuse, why? ";
  const select = document.createElement("select");
  [["", "Choose a reason"], ...Object.entries(known)].forEach(([code, words]) => {
    const option = document.createElement("option");
    option.value = code;
    option.textContent = words;
    select.append(option);
  });
  label.append(select);
  box.prepend(label);
  return select;
};

const answering = (root, state, done) => {
  const { shown, say, busy, box } =
    frame(root, [["Agree with my passkey", true], ["Refuse", false]]);
  const why = reasons(box, state.data.reasons);
  const answer = (said) => async () => {
    const reason = said === "no" ? why.value : null;
    if (reason === "") {
      say("Choose why you refuse. Nothing was signed.", true);
      return;
    }
    busy(true);
    say("Look at your passkey: it asks for your finger, face or PIN.", false);
    try {
      const text = said === "no" ? state.data.no[reason] : state.data.yes;
      const found = await asks(state.data, text, state.data.handles);
      const body = { answer: said, signature: signed(found), reason };
      const { ok, told } = await post(state.data.path, body);
      say(ok ? "Signed." : words(told) || "It was not taken.", !ok);
      done(ok ? said : "failed");
    } catch (error) {
      say(failure(error), true);
    }
    busy(false);
  };
  shown[0].onclick = answer("yes");
  shown[1].onclick = answer("no");
};

const enrolling = (root, state, done) => {
  let fresh = null;
  const { shown: [button], say, busy } = frame(root, [["Make a passkey", true]]);
  const make = async () => {
    const found = await makes(state.data);
    const answer = await post(state.data.proof_path, { way: "passkey", public: made(found) });
    if (!answer.ok) throw answer;
    fresh = { id: found.id, public: made(found), text: answer.told.text };
    button.textContent = "Use it once, to prove that it is yours";
    say("The passkey is made. One more step.", false);
  };
  const prove = async () => {
    const found = await asks(state.data, fresh.text, [fresh.id]);
    const body = { way: "passkey", public: fresh.public, proof: signed(found) };
    const { ok, waits, told } = await post(state.data.key_path, body);
    if (!ok && !waits) throw { told };
    say(waits ? "Two others are asked now to sign for your passkey." : "Your passkey is listed.", false);
    button.hidden = true;
    done(waits ? "waits" : "listed");
  };
  button.onclick = async () => {
    busy(true);
    try {
      await (fresh ? prove() : make());
    } catch (error) {
      say(error && error.told ? words(error.told) : failure(error), true);
    }
    busy(false);
  };
};

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const root = parentElement.querySelector(".root");
  const same = root.wallcross && root.wallcross.key === data.key;
  const state = same ? root.wallcross : { key: data.key };
  state.data = data;
  root.wallcross = state;
  if (same) return; // what somebody is in the middle of is not drawn anew
  (data.way === "enrol" ? enrolling : answering)(root, state, (said) => setTriggerValue("said", said));
}
