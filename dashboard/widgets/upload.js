// Streams a file of the reader's to the API of the same origin: it passes through nothing else.
const words = (told) => [told.title, ...(told.details || []), told.still].filter(Boolean).join(" ");

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const root = parentElement.querySelector(".root");
  const state = root.wallcross || {};
  state.data = data;
  if (root.wallcross) {
    state.refresh();
    return; // what somebody is in the middle of is not drawn anew
  }
  root.wallcross = state;
  const box = document.createElement("div");
  box.className = "wx";
  const label = document.createElement("label");
  label.textContent = "The document";
  const input = document.createElement("input");
  input.type = "file";
  input.id = "wallcross-document";
  label.htmlFor = input.id;
  const told = document.createElement("p");
  told.setAttribute("role", "status");
  const bar = document.createElement("progress");
  bar.hidden = true;
  const row = document.createElement("div");
  row.className = "row";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "first";
  button.textContent = "Seal and send";
  row.append(button);
  box.append(label, input, told, bar, row);
  root.append(box);

  const say = (line, wrong) => { told.textContent = line; told.className = wrong ? "wrong" : ""; };
  state.refresh = () => { button.disabled = !input.files.length || !state.data.readers; };
  input.onchange = () => { say("", false); state.refresh(); };
  button.onclick = async () => {
    const file = input.files[0];
    button.disabled = true;
    bar.hidden = false;
    try {
      const answer = await fetch(state.data.path, {
        method: "POST",
        credentials: "same-origin",
        headers: {
          "content-type": file.type || "application/octet-stream",
          "wallcross-person": encodeURIComponent(state.data.person),
          "wallcross-name": encodeURIComponent(file.name),
          "wallcross-conversation": encodeURIComponent(state.data.conversation),
          "wallcross-readers": encodeURIComponent(state.data.readers),
        },
        body: file,
      });
      const found = await answer.json().catch(() => ({}));
      say(answer.ok ? "Taken. Each copy is sealed for its reader; see below." : words(found), !answer.ok);
      if (answer.ok) input.value = "";
      setTriggerValue("said", answer.ok ? "sent" : "failed");
    } catch (error) {
      say("Nothing was sent. The line to the host broke; try again.", true);
    }
    bar.hidden = true;
    state.refresh();
  };
  state.refresh();
}
