/** Keeps the place of somebody who works by keys: where what has the focus goes away, what stands in its place gets it. */

// No radio button: a key that was meant for what went away would choose it.
const FOCUSABLE = "a[href], button:enabled, input:enabled:not([type='radio']), select:enabled, summary, [tabindex='0']";
const SETTLE_MS = 60; // for whoever gives the focus a better place themselves

interface Place {
  within: Element;
  index: number; // among what can have the focus there
}

let last: Element | null = null; // what had the focus
let places: Place[] = []; // where it stood, the nearest first
let isLooking = false;

function focusable(within: Element): HTMLElement[] {
  return [...within.querySelectorAll<HTMLElement>(FOCUSABLE)];
}

function remember(element: Element): void {
  last = element;
  places = [];
  for (let within = element.parentElement; within && !within.matches("main, body"); within = within.parentElement) {
    places.push({ within, index: focusable(within).indexOf(element as HTMLElement) });
  }
}

function isLost(): boolean {
  return last !== null && (!last.isConnected || last.matches(":disabled"));
}

function look(): void {
  if (isLooking || !isLost()) return;
  isLooking = true;
  window.setTimeout(() => {
    isLooking = false;
    const now = document.activeElement;
    if (isLost() && (now === null || now === document.body || now === last)) findPlace().focus({ preventScroll: true });
  }, SETTLE_MS);
}

function findPlace(): HTMLElement {
  for (const { within, index } of places) {
    if (!within.isConnected) continue;
    const there = focusable(within);
    const at = Math.max(index, 0);
    const next = [...there.slice(at), ...there.slice(0, at).reverse()].find((one) => one.getClientRects().length > 0);
    if (next) return next;
  }
  return document.querySelector("main") ?? document.body;
}

export function keepFocus(): void {
  document.addEventListener("focusin", (event) => remember(event.target as Element));
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled"] });
}
