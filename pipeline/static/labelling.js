// Keys of the pages for labelling and review: an element with data-key is clicked by its key.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const KEPT = "topics-single-keys";
const single = document.getElementById("single-keys");

document.documentElement.classList.add("js");

// With several items on a page, keys are for the one that has the focus, or else the first.
function current() {
  const items = all(".item");
  return items.find((item) => item.contains(document.activeElement)) ?? items[0];
}

function move(step) {
  const items = all(".item");
  const place = items.findIndex((item) => item.contains(document.activeElement));
  const next = items[place < 0 ? 0 : Math.min(Math.max(place + step, 0), items.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function isTyping(element) {
  return element.matches("input:not([type=checkbox]), textarea, select");
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const element = event.target;
  if (isTyping(element)) {
    if (event.key === "Escape") element.blur();
    return;
  }
  if (event.key === "Enter" && element.matches("a, button, summary")) return;
  if (event.key.length === 1 && !single.checked) return;
  if (all(".item").length > 1 && (event.key === "j" || event.key === "k")) {
    event.preventDefault();
    return move(event.key === "j" ? 1 : -1);
  }
  const key = `[data-key="${CSS.escape(event.key)}"]`;
  const wanted = current()?.querySelector(key) ?? document.querySelector(key);
  if (!wanted) return;
  event.preventDefault();
  if (isTyping(wanted)) wanted.focus();
  else wanted.click();
}

// A label is topics, or none of them, never both.
function exclude(event) {
  const changed = event.target;
  if (!changed.checked || !["topic", "none"].includes(changed.name)) return;
  const others = changed.name === "none" ? "[name=topic]" : "[name=none]";
  for (const box of all(others, changed.form)) box.checked = false;
}

single.checked = localStorage.getItem(KEPT) !== "off";
single.addEventListener("change", () => localStorage.setItem(KEPT, single.checked ? "on" : "off"));
document.addEventListener("keydown", pressed);
document.addEventListener("change", exclude);
