// People against conversations as a real table. Whatever is a name is a text node, never markup.
const el = (tag, kind, text) => {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
};
const clock = (at) =>
  new Date(at / 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function glyph(cell, words) {
  const box = document.createDocumentFragment();
  const pills = { extra: ["remove", words.remove], missing: ["add", words.add] };
  if (cell.s in pills) {
    const [kind, text] = pills[cell.s];
    box.append(el("span", "pill " + kind, text));
  } else if (cell.s !== "hidden") {
    const kinds = { in: "dot", paused: "ring", none: "point", unknown: cell.w ? "maybe" : "maybe out" };
    const mark = el("span", kinds[cell.s]);
    mark.setAttribute("aria-hidden", "true");
    box.append(mark);
  }
  box.append(el("span", "vh", cell.t));
  return box;
}

function bands(data, folded, fold) {
  const row = el("tr", "bands");
  const corner = el("th", "corner");
  corner.scope = "col";
  corner.rowSpan = 2;
  corner.append(data.words.person);
  const stands = el("th", "stands corner-like");
  stands.scope = "col";
  stands.rowSpan = 2;
  stands.append(data.words.stands);
  row.append(corner);
  if (data.stands) row.append(stands);
  for (const band of data.bands) {
    const shut = folded.has(band.key);
    const head = el("th", "band first " + band.tier);
    head.scope = "colgroup";
    head.colSpan = shut ? 1 : band.columns.length;
    const press = el("button", "", (shut ? "▸ " : "▾ ") + band.title);
    press.type = "button";
    press.setAttribute("aria-expanded", String(!shut));
    press.onclick = () => fold(band.key);
    head.append(press);
    row.append(head);
  }
  return row;
}

function names(data, folded) {
  const row = el("tr", "names");
  for (const band of data.bands) {
    if (folded.has(band.key)) {
      const head = el("th", "name first", String(band.columns.length));
      head.scope = "col";
      head.append(el("span", "vh", data.words.folded));
      row.append(head);
      continue;
    }
    band.columns.forEach((at, n) => {
      const column = data.columns[at];
      const head = el("th", "name" + (n ? "" : " first") + (column.down ? " down" : ""), column.name);
      head.scope = "col";
      head.title = column.hint;
      if (column.down) {
        const known = column.at ? data.words.known + " " + clock(column.at) : data.words.never;
        head.append(el("small", "", known));
      } else if (column.still) {
        head.append(el("small", "", data.words.still));
      }
      row.append(head);
    });
  }
  return row;
}

// What is said of a folded band: the worst of its cells.
const ORDER = ["extra", "missing", "unknown", "paused", "in", "none", "hidden"];
const worst = (cells) =>
  cells.reduce((a, b) => (ORDER.indexOf(b.s) < ORDER.indexOf(a.s) ? b : a), cells[0]);

function line(data, person, folded, choose) {
  const row = el("tr", person.key === data.chosen ? "chosen" : "");
  row.onclick = () => choose(person.key);
  const head = el("th");
  head.scope = "row";
  const press = el("button");
  press.type = "button";
  press.dataset.row = person.key;
  if (person.key === data.chosen) press.setAttribute("aria-current", "true");
  press.onclick = (event) => {
    event.stopPropagation();
    choose(person.key);
  };
  press.append(el("span", "who", person.name), el("span", "firm", person.firm));
  if (data.stands) press.append(el("span", "state " + person.tone, person.stands));
  head.append(press);
  row.append(head);
  if (data.stands) row.append(el("td", "stands " + person.tone, person.stands));
  for (const band of data.bands) {
    const shut = folded.has(band.key);
    const cells = shut ? [worst(band.columns.map((at) => person.cells[at]))]
      : band.columns.map((at) => person.cells[at]);
    cells.forEach((cell, n) => {
      const down = !shut && data.columns[band.columns[n]].down;
      const box = el("td", "cell " + band.tier + (n ? "" : " first") + (down ? " down" : ""));
      box.title = cell.t;
      box.append(glyph(cell, data.words));
      row.append(box);
    });
  }
  return row;
}

const FOLDED = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const frame = parentElement.querySelector(".frame");
  const folded = FOLDED.get(frame) ?? new Set();
  FOLDED.set(frame, folded);
  frame.classList.toggle("beside", data.rows.some((person) => person.key === data.chosen));
  const choose = (key) => setTriggerValue("chosen", key);

  const draw = () => {
    const held = parentElement.activeElement ?? document.activeElement;
    const focus = held?.dataset?.row;
    const { scrollLeft, scrollTop } = frame;
    const table = el("table");
    table.append(el("caption", "vh", data.words.caption));
    const head = el("thead");
    const fold = (key) => {
      if (!folded.delete(key)) folded.add(key);
      draw();
    };
    head.append(bands(data, folded, fold), names(data, folded));
    const body = el("tbody");
    body.append(...data.rows.map((person) => line(data, person, folded, choose)));
    table.append(head, body);
    frame.replaceChildren(table);
    frame.scrollLeft = scrollLeft;
    frame.scrollTop = scrollTop;
    if (focus) {
      const again = [...frame.querySelectorAll("[data-row]")].find((b) => b.dataset.row === focus);
      again?.focus();
    }
  };
  draw();
}
