// Lets this browser hear, and hear no more, from a click; what is true now is said beside it.
// The words to the API are those of /push.js: an address and keys go there from here, and nowhere else.
const SAYS = {
  heard: "This browser is told.",
  silent: "This browser is not told.",
  denied: "Your browser does not allow notices from this page. Allow them in its settings.",
  unsupported: "This browser cannot be told.",
  "not set up": "Nobody set up push here. Whoever runs this Wallcross does.",
};

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const allow = parentElement.querySelector(".allow");
  const end = parentElement.querySelector(".end");
  const told = parentElement.querySelector(".told");
  const push = window.wallcrossPush;

  // A browser has one address for every deal: it hears of this one where the API says so too.
  const known = (word) => (word === "heard" && data.browsers === 0 ? "silent" : word);
  const shows = (word) => {
    allow.hidden = word !== "silent";
    end.hidden = word !== "heard";
    told.textContent = SAYS[word] || "That did not go through. Nothing was changed.";
    told.dataset.state = word;
  };
  const acts = (act) => async () => {
    allow.disabled = end.disabled = true;
    try {
      const word = await act(data.deal);
      shows(word);
      setTriggerValue("said", word);
    } catch {
      told.textContent = "That did not go through. Nothing was changed.";
      told.dataset.state = "failed";
    }
    allow.disabled = end.disabled = false;
  };

  if (!push) {
    shows("unsupported");
    return;
  }
  allow.onclick = acts((deal) => push.allow(deal));
  end.onclick = acts((deal) => push.end(deal));
  push.state().then((word) => shows(known(word)), () => shows("unsupported"));
}
