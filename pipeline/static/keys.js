// Reading by key: j and k, or n and p, go from one paragraph with a topic to the next; only one paragraph at a time
// is a stop of the Tab key, with what it offers.
"use strict";

{
  const every = (selector, within = document) => [...within.querySelectorAll(selector)];
  const STEPS = { j: 1, n: 1, k: -1, p: -1 };
  const ARROWS = { ArrowDown: 1, ArrowUp: -1 };
  const OFFERED = "button, summary, a[href]";
  let current;

  document.documentElement.classList.add("js");

  const paragraphs = () => every(".paragraphs .paragraph").filter((paragraph) => !paragraph.closest("[hidden]"));
  const hits = () => paragraphs().filter((paragraph) => paragraph.matches(".tinted, .hit"));

  function stop(paragraph, index) {
    paragraph.tabIndex = index;
    for (const offered of every(OFFERED, paragraph)) offered.tabIndex = index;
  }

  function choose(paragraph) {
    if (current?.isConnected && current !== paragraph) stop(current, -1);
    current = paragraph;
    if (paragraph) stop(paragraph, 0);
  }

  // Again whenever the service has put other articles in place.
  function begin() {
    for (const paragraph of paragraphs()) stop(paragraph, -1);
    choose(hits()[0] ?? paragraphs()[0]);
  }

  function go(paragraph) {
    paragraph.closest("details.fold")?.setAttribute("open", "");
    choose(paragraph);
    paragraph.focus({ preventScroll: true });
    paragraph.scrollIntoView({ block: "center" });
  }

  // From where the reader is; before the first key, from the beginning.
  function step(list, by) {
    const focused = document.activeElement?.closest(".paragraph");
    if (!focused) return by > 0 ? list[0] : list.at(-1);
    const side = (other) => focused.compareDocumentPosition(other);
    if (by > 0) return list.find((other) => side(other) & Node.DOCUMENT_POSITION_FOLLOWING && !focused.contains(other));
    return list.findLast((other) => side(other) & Node.DOCUMENT_POSITION_PRECEDING);
  }

  function typing(element) {
    return element?.closest?.("input, textarea, select, [contenteditable]") ?? false;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || typing(event.target)) return;
    const inArticle = Boolean(event.target.closest?.(".paragraph"));
    const by = STEPS[event.key.toLowerCase()] ?? (inArticle ? ARROWS[event.key] : undefined);
    if (!by) return;
    const next = step(event.key.toLowerCase() in STEPS ? hits() : paragraphs(), by);
    if (!next) return;
    event.preventDefault();
    go(next);
  });

  document.addEventListener("focusin", (event) => {
    const paragraph = event.target.closest?.(".paragraphs .paragraph");
    if (paragraph) choose(paragraph);
  });

  addEventListener("beforeprint", () => {
    if (document.getElementById("whole")?.checked) for (const fold of every("details.fold")) fold.open = true;
  });

  document.addEventListener("filtered", begin);
  const result = document.getElementById("result");
  if (result) new MutationObserver(begin).observe(result, { childList: true });
  begin();
}
