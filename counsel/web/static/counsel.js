/* Small conveniences; every page works without them. */
(() => {
  "use strict";
  const inField = (event) => event.target.closest("input, textarea, select, [contenteditable]");

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
  });

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
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); });
  }

  // The live risk level: asked of the server's own table, never repeated here.
  for (const form of document.querySelectorAll("form[data-level]")) {
    form.addEventListener("change", async () => {
      const data = new FormData(form);
      data.set("do", "level");
      const answer = await fetch(window.location.href, { method: "POST", body: data });
      if (!answer.ok) return;
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("output");
      if (found) form.querySelector("output").replaceWith(found);
    });
  }

  const problem = document.querySelector(".error-summary");
  if (problem) problem.focus();
})();
