// Web push: the service worker that shows a notice, and the few words that a page needs to subscribe.
// One file for both: in a page it gives `wallcrossPush`, in a worker it listens. It asks nobody else.
"use strict";

const LIMIT = 300;

function plain(value, otherwise) {
  return typeof value === "string" ? value.slice(0, LIMIT) : otherwise;
}

function ours(link) {
  try {
    const found = new URL(link, self.location.origin);
    return found.origin === self.location.origin ? found.href : self.location.origin + "/";
  } catch {
    return self.location.origin + "/";
  }
}

function read(data) {
  try {
    return data ? data.json() : {};
  } catch {
    return {};
  }
}

if (typeof ServiceWorkerGlobalScope !== "undefined" && self instanceof ServiceWorkerGlobalScope) {
  self.addEventListener("push", (event) => {
    const said = read(event.data);
    event.waitUntil(
      self.registration.showNotification(plain(said.title, "Something needs you."), {
        body: plain(said.body, ""),
        tag: plain(said.id, "wallcross"),
        renotify: false,
        data: { link: ours(plain(said.link, "/")) },
      }),
    );
  });

  self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const link = ours(event.notification.data && event.notification.data.link);
    event.waitUntil(self.clients.openWindow(link));
  });
} else {
  const api = (deal) => "/api/v1/deals/" + encodeURIComponent(deal) + "/push";

  const bytes = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4);
    return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
  };

  const send = async (path, body) => {
    const answer = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    return text ? JSON.parse(text) : null;
  };

  // Each answers a word: "heard", "silent", "denied", "unsupported", "not set up".
  window.wallcrossPush = {
    async state() {
      if (!("serviceWorker" in navigator) || !("PushManager" in window)) return "unsupported";
      if (Notification.permission === "denied") return "denied";
      const there = await navigator.serviceWorker.getRegistration("/push.js");
      const found = there && (await there.pushManager.getSubscription());
      return found ? "heard" : "silent";
    },

    // To be called from a click: browsers ask their user only then.
    async allow(deal) {
      const how = await send(api(deal));
      if (!how.key) return "not set up";
      if ((await Notification.requestPermission()) !== "granted") return "denied";
      const there = await navigator.serviceWorker.register("/push.js");
      await navigator.serviceWorker.ready;
      const made = await there.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: bytes(how.key),
      });
      const said = made.toJSON();
      await send(api(deal), { endpoint: said.endpoint, key: said.keys.p256dh, auth: said.keys.auth });
      return "heard";
    },

    async end(deal) {
      const there = await navigator.serviceWorker.getRegistration("/push.js");
      const found = there && (await there.pushManager.getSubscription());
      if (!found) return "silent";
      await send(api(deal) + "/drop", { endpoint: found.endpoint });
      await found.unsubscribe();
      return "silent";
    },
  };
}
