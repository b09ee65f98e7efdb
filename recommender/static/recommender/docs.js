// What Swagger UI does not say of its page to a keyboard and a screen reader: landmarks, the order of headings, names.
(() => {
  "use strict";
  const LEVELS = { "h3.opblock-tag": 2, ".opblock h4, .models h4": 3, ".opblock h5": 4 };

  function dress() {
    document.querySelector(".information-container")?.setAttribute("role", "banner");
    for (const [heading, level] of Object.entries(LEVELS))
      document.querySelectorAll(heading).forEach((one) => { one.setAttribute("role", "heading"); one.setAttribute("aria-level", level); });
    document.querySelectorAll("select:not([aria-label])").forEach((one) => one.setAttribute("aria-label", "Choose one"));
    document.querySelectorAll("input:not([aria-label]), textarea:not([aria-label])").forEach((one) =>
      one.setAttribute("aria-label", one.placeholder || "Value"));
    document.querySelectorAll("pre.microlight").forEach((one) => { one.tabIndex = 0; });
  }
  let due = 0;
  new MutationObserver(() => { cancelAnimationFrame(due); due = requestAnimationFrame(dress); })
    .observe(document.documentElement, { childList: true, subtree: true });
})();
