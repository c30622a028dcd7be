/* Small conveniences; every page works without them. */
(() => {
  "use strict";
  const inField = (event) => event.target.closest("input, textarea, select, [contenteditable]");

  // What is wider than a phone can be scrolled by the keyboard too.
  for (const box of document.querySelectorAll(".paper-flush, .sheet")) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;

  // Leave quickly: Shift three times within a second, never inside a text field.
  let taps = [];
  document.addEventListener("keydown", (event) => {
    if (event.key === "Shift" && !event.repeat && !inField(event)) {
      taps = [...taps.filter((at) => event.timeStamp - at < 1000), event.timeStamp];
      const way = document.querySelector("a.leave");
      if (taps.length >= 3 && way) window.location.replace(way.href);
    } else if (event.key !== "Shift") taps = [];
    if (event.altKey && event.code === "KeyL") {
      const lock = document.querySelector("form[data-lock]");
      if (lock) { document.querySelector("main").replaceChildren(); lock.submit(); }
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      const draft = document.querySelector("form[data-draft] [value=draft]");
      if (draft) { event.preventDefault(); draft.click(); }
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const sign = document.querySelector("form[data-draft] [value=sign]");
      if (sign) { event.preventDefault(); sign.scrollIntoView({ block: "center" }); sign.focus(); }
    }
    if (!event.ctrlKey && !event.metaKey && !event.altKey && !inField(event)) singleKey(event);
  });

  // Single letters for staff (WCAG 2.1.4: off inside fields, and for good where somebody wishes). None signs or sends.
  const keys = document.getElementById("keys");
  const off = keys && keys.querySelector("[data-single-keys]");
  const quiet = () => document.cookie.includes("keys=off");
  if (off) {
    off.checked = quiet();
    off.addEventListener("change", () => {
      document.cookie = `keys=${off.checked ? "off" : "on"}; path=/; max-age=31536000; samesite=lax`;
    });
    const open = document.querySelector("[data-keys]");
    open.hidden = false;
    open.addEventListener("click", () => keys.showModal());
  }
  let went = 0;
  const follow = (path) => { const link = document.querySelector(`.rail a[href="${path}"]`); if (link) link.click(); };
  const step = (by) => {
    const rows = [...document.querySelectorAll("main a.quiet-title")];
    const now = rows.indexOf(document.activeElement);
    const next = rows[Math.min(Math.max(now + by, 0), rows.length - 1)];
    if (next) next.focus();
  };
  function singleKey(event) {
    if (!keys || event.target.closest("dialog")) return;
    if (event.key === "?") { keys.showModal(); return; }
    if (quiet()) return;
    const key = event.key.toLowerCase();
    if (event.timeStamp - went < 1500 && went) {
      went = 0;
      const path = { t: "/", c: "/cases" }[key];
      if (path) { event.preventDefault(); follow(path); }
      return;
    }
    if (key === "g") went = event.timeStamp;
    else if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "n") follow("/walk-in");
    else if (key === "/") {
      event.preventDefault();
      const field = document.getElementById("number");
      if (field) field.focus(); else follow("/cases");
    } else if (key === "r") { const risk = document.querySelector("[data-key=r]"); if (risk) risk.click(); }
  }

  // One minute before the vault locks: say so, and save the draft while the key is still there.
  const vault = document.querySelector("[data-vault]");
  if (vault && vault.dataset.vault) {
    const warn = async () => {
      for (const form of document.querySelectorAll("form[data-draft]")) form.dispatchEvent(new Event("counsel:save"));
      vault.classList.add("is-closing");
      vault.querySelector("span").textContent = vault.dataset.warning;
    };
    const left = Number(vault.dataset.vault) * 1000 - Date.now() - 60000;
    if (left < 2147483000) setTimeout(warn, Math.max(left, 0));
  }

  // Show what is typed in a passphrase field.
  for (const button of document.querySelectorAll("[data-show]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const field = document.getElementById(button.dataset.show);
      const shown = field.type === "text";
      field.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
    });
  }

  // Drafts: saved sealed while one types, so that a closed browser loses nothing.
  for (const form of document.querySelectorAll("form[data-draft]")) {
    let dirty = false;
    form.addEventListener("input", () => { dirty = true; });
    form.addEventListener("submit", () => { dirty = false; });
    const save = async () => {
      if (!dirty) return;
      dirty = false;
      const data = new FormData(form);
      data.set("do", "autosave");
      const note = form.querySelector("[data-saved]");
      try {
        const answer = await fetch(form.action || window.location.href, { method: "POST", body: data });
        const state = answer.ok ? await answer.json() : null;
        if (state) { form.elements.version.value = state.version; note.textContent = state.message; }
        else { dirty = true; note.textContent = note.dataset.failed; }
      } catch { dirty = true; note.textContent = note.dataset.failed; }
    };
    setInterval(save, 10000);
    form.addEventListener("counsel:save", save);
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); });
  }

  // The live risk level: asked of the server's own table, never repeated here. Only the newest answer counts.
  for (const form of document.querySelectorAll("form[data-level]")) {
    const stale = form.querySelector("[data-stale]");
    let asking = null;
    form.addEventListener("change", async () => {
      if (asking) asking.abort();
      const mine = asking = new AbortController();
      const data = new FormData(form);
      data.set("do", "level");
      try {
        const answer = await fetch(window.location.href, { method: "POST", body: data, signal: mine.signal });
        const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("output");
        if (mine !== asking) return;
        stale.hidden = Boolean(found);
        if (found) form.querySelector("output").replaceWith(found);
      } catch { if (mine === asking) stale.hidden = false; }
    });
  }

  // Files go in parts: each is sealed as it arrives; after a break, pressing again goes on with what is missing.
  for (const form of document.querySelectorAll("form[data-upload]")) {
    const says = form.querySelector("[data-upload-says]");
    const bar = form.querySelector("[data-upload-bar]");
    const token = () => ({ "X-CSRFToken": form.elements.csrf_token.value });
    let begun = null;
    const ask = async (address, options) => {
      const answer = await fetch(address, { ...options, headers: { ...token(), ...(options.headers || {}) }, redirect: "manual" });
      if (answer.ok) return answer.json();
      if (answer.status === 422) throw Object.values((await answer.json()).problems).join(" ");
      throw answer.status === 423 || answer.type === "opaqueredirect" ? form.dataset.locked : form.dataset.failed;
    };
    const begin = async (file) => {
      const mark = `${file.name}/${file.size}/${file.lastModified}`;
      if (begun && begun.mark === mark) return begun;
      const data = new FormData(form);
      data.delete("file");
      data.set("do", "parts");
      data.set("size", file.size);
      begun = { mark, ...(await ask(form.action || window.location.href, { method: "POST", body: data })) };
      return begun;
    };
    const bring = async (file) => {
      const { at, part } = await begin(file);
      const { have, of } = await ask(at, { method: "GET" });
      const there = new Set(have);
      bar.hidden = false;
      for (let number = 0; number < of; number += 1) {
        bar.value = number / of;
        if (there.has(number)) continue;
        const body = file.slice(number * part, (number + 1) * part);
        await ask(`${at}?number=${number}`, { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } });
      }
      bar.value = 1;
      const data = new FormData();
      data.set("do", "done");
      return ask(at.replace(/parts$/, "done"), { method: "POST", body: data });
    };
    form.addEventListener("submit", async (event) => {
      const file = form.elements.file.files[0];
      if (!file) return;
      event.preventDefault();
      const button = form.querySelector(".btn-primary");
      button.disabled = true;
      says.textContent = "";
      try { window.location.assign((await bring(file)).to); }
      catch (problem) {
        if (typeof problem === "string" && problem !== form.dataset.failed && problem !== form.dataset.locked) begun = null;
        says.textContent = typeof problem === "string" ? problem : form.dataset.failed;
        says.className = "flash flash-stop";
      } finally { button.disabled = false; bar.hidden = true; }
    });
  }

  // A list that is counted by keyboard: Enter checks and goes on like space, and how many are checked is said.
  for (const form of document.querySelectorAll("form[data-count]")) {
    const boxes = [...form.querySelectorAll("input[name=counted]")];
    const said = form.querySelector("[data-counted]");
    const tell = () => { said.textContent = boxes.filter((box) => box.checked).length; };
    form.addEventListener("change", tell);
    form.addEventListener("keydown", (event) => {
      const at = boxes.indexOf(event.target);
      if (at < 0 || event.key !== "Enter") return;
      event.preventDefault();
      event.target.checked = true;
      tell();
      (boxes[at + 1] || form.elements.pages).focus();
    });
  }

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  const problem = document.querySelector(".error-summary");
  if (problem) problem.focus();
})();
