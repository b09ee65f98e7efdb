// What the theme leaves to the mouse: its clickable spans are reached and pressed by keyboard, dialogs take the focus
// and give it back, controls have names, and an answer that is no dialog is told.
(() => {
  "use strict";
  const NATIVE = "a[href], button, input, select, textarea, label, summary";
  const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, [tabindex='0']";
  const ICON = ".material-symbols-outlined";
  const ICONS = { dock_to_right: "Menu", more_horiz: "Actions", more_vert: "More", add: "Add", arrow_back: "Go back" };
  const NAVIGATIONS = { "nav-sidebar-inner": "Pages", "tabs-items": "Parts of this page" };

  const words = (element) => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll(ICON).forEach((icon) => icon.remove());
    return copy.matches(ICON) ? "" : copy.textContent.trim();
  };
  const shown = (element) => element.getClientRects().length > 0;
  const first = (element) => [...element.querySelectorAll(FOCUSABLE)].find(shown);

  function nameIcons(element) {
    if (element.matches("[title], [aria-label]") || words(element) || element.querySelector("img[alt]")) return;
    const icon = element.matches(ICON) ? element : element.querySelector(ICON);
    const drawn = icon ? icon.textContent.trim() : "";
    if (drawn) element.setAttribute("aria-label", ICONS[drawn] || drawn[0].toUpperCase() + drawn.slice(1).replaceAll("_", " "));
  }

  // A heading that opens a group stays a heading; what it says is the button.
  function buttonOf(element) {
    if (!element.matches("h1, h2, h3, h4")) return element;
    if (element.firstElementChild?.matches("[role=button]")) return element.firstElementChild;
    const button = document.createElement("span");
    button.className = "mr-opener";
    button.append(...element.childNodes);
    element.append(button);
    const list = element.nextElementSibling;
    const tell = () => button.setAttribute("aria-expanded", String(list.style.display !== "none"));
    if (list) new MutationObserver(tell).observe(list, { attributes: true, attributeFilter: ["style"] });
    if (list) tell();
    return button;
  }

  // Clickable by Alpine alone: a button, as the keyboard sees it.
  function reach(clickable) {
    const element = buttonOf(clickable);
    if (element.matches(NATIVE) || element.querySelector(NATIVE) || element.hasAttribute("tabindex")) return;
    element.tabIndex = 0;
    element.setAttribute("role", "button");
    nameIcons(element);
    const menu = () => element.parentElement && element.parentElement.querySelector(":scope > nav");
    if (menu()) element.setAttribute("aria-expanded", "false");
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      element.click();
      if (menu()) setTimeout(() => shown(menu()) && first(menu())?.focus(), 200); // after the transition
    });
    if (!menu()) return;
    new MutationObserver(() => element.setAttribute("aria-expanded", String(menu().style.display !== "none")))
      .observe(menu(), { attributes: true, attributeFilter: ["style"] });
    menu().addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      element.click();
      element.focus();
    });
  }

  // Select2 names its fields by what is chosen: nothing, at first.
  function nameSelect(container) {
    const label = container.previousElementSibling?.id && document.querySelector(`label[for="${container.previousElementSibling.id}"]`);
    const name = label ? label.textContent.replace("*", "").trim() : "Search";
    container.querySelector("[role=combobox]")?.removeAttribute("aria-labelledby");
    container.querySelector("[role=combobox]")?.setAttribute("aria-label", name);
    container.querySelector("[role=textbox]")?.setAttribute("aria-label", name);
    container.querySelector(".select2-search__field")?.setAttribute("aria-label", name);
    const chosen = container.querySelector("ul.select2-selection__rendered");
    chosen?.setAttribute("role", "presentation");
    chosen?.querySelectorAll("li").forEach((one) => one.setAttribute("role", "presentation"));
  }

  // A table of fields names them in its head alone: each field has its column's name, and the column of boxes that delete.
  function nameColumns(table) {
    const heads = [...table.querySelectorAll("thead th")];
    heads.filter((head) => !head.textContent.trim()).forEach((head) => {
      head.append(Object.assign(document.createElement("span"), { className: "mr-hidden", textContent: "Delete" }));
    });
    table.querySelectorAll("td input:not([type=hidden]), td select, td textarea").forEach((field) => {
      const head = heads[field.closest("td").cellIndex];
      if (head && !field.labels?.length && !field.hasAttribute("aria-label")) field.setAttribute("aria-label", head.textContent.replace("*", "").trim());
    });
  }

  function dress() {
    document.querySelectorAll("[data-inline-type=tabular] table").forEach(nameColumns);
    document.querySelectorAll("[x-on\\:click]").forEach(reach);
    document.querySelectorAll("a, button").forEach(nameIcons);
    document.querySelectorAll(ICON + ":not([role])").forEach((icon) => icon.setAttribute("aria-hidden", "true"));
    document.querySelectorAll(".select2-container").forEach(nameSelect);
    document.querySelectorAll(".select2-search--dropdown .select2-search__field").forEach((one) => one.setAttribute("aria-label", "Search"));
    document.querySelectorAll(".simplebar-content-wrapper").forEach((one) => ["role", "aria-label"].forEach((name) => one.removeAttribute(name)));
    document.querySelectorAll("nav:not([aria-label])").forEach((nav, place) =>
      nav.setAttribute("aria-label", NAVIGATIONS[nav.id] || (nav.querySelector("#logout-form") ? "Account" : `Menu ${place + 1}`)));
    document.querySelectorAll(".mr-wide, .mr-scroll, pre").forEach((one) => { if (one.scrollWidth > one.clientWidth) one.tabIndex = 0; });
  }

  function watchDialogs() {
    const content = document.getElementById("modal-content");
    if (!content) return;
    content.setAttribute("role", "dialog");
    content.setAttribute("aria-modal", "true");
    content.setAttribute("aria-label", "Dialog");
    let opener = null, open = false;
    document.addEventListener("htmx:beforeRequest", (event) => { if (!open) opener = event.detail.elt; });
    const look = () => {
      const now = content.parentElement.style.display !== "none";
      if (now === open) return;
      open = now;
      document.querySelectorAll("#page, .mr-skip").forEach((one) => { one.inert = open; }); // Tab stays in the dialog
      if (open) {
        content.setAttribute("aria-label", content.querySelector("h1")?.textContent.trim() || "Dialog");
        (content.querySelector("input:not([type=hidden]), select, textarea, button[type=submit]") || first(content))?.focus();
      } else opener?.focus();
    };
    new MutationObserver(look).observe(content.parentElement, { attributes: true, attributeFilter: ["style"] });
    document.addEventListener("htmx:afterSwap", (event) => {
      if (open && content.contains(event.target)) (content.querySelector(".errors input, .errors textarea, textarea") || first(content))?.focus();
    });
  }

  // An action whose record is gone, or a session that is over, answers with no dialog: said in place of silence.
  function tellFailures() {
    document.addEventListener("htmx:beforeSwap", (event) => {
      if (new URL(event.detail.xhr.responseURL, location.href).pathname.endsWith("/login/")) location.reload();
    });
    const tell = (event) => {
      const status = event.detail.xhr.status;
      const why = { 0: "The server did not answer.", 403: "You may not do this, or the page is too old.", 404: "The record is gone." };
      const content = document.getElementById("modal-content");
      const text = document.createElement("p");
      text.setAttribute("role", "alert");
      text.textContent = `${why[status] || `The server answered with error ${status}.`} Nothing was done. Load the page again.`;
      content.replaceChildren(text);
      window.Alpine.$data(document.documentElement).openModal = true;
    };
    document.addEventListener("htmx:responseError", tell);
    document.addEventListener("htmx:sendError", tell);
  }

  window.addEventListener("load", () => {
    dress();
    let due = 0;
    new MutationObserver(() => { cancelAnimationFrame(due); due = requestAnimationFrame(dress); })
      .observe(document.body, { childList: true, subtree: true });
    watchDialogs();
    tellFailures();
  });
})();
