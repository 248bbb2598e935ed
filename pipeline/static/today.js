// The page of a day that is a file of its own: filters, and corrections that are saved as tasks for `topics import`.
"use strict";

{
  const { model, made } = document.body.dataset;
  const KEPT = `corrections ${model}`; // so that a page that is made anew has them
  const NAME = "annotator", DAYS = 30;
  const status = document.getElementById("status");
  const words = document.getElementById("words");
  const annotator = document.getElementById("annotator");
  const every = (selector, within = document) => [...within.querySelectorAll(selector)];
  let corrections = new Map(read());

  document.documentElement.classList.add("js");

  // Those of all pages of this model; after a while, those of pages that are gone are forgotten.
  function read() {
    try {
      const since = new Date(Date.now() - DAYS * 86_400_000).toISOString();
      return JSON.parse(localStorage.getItem(KEPT) ?? "[]").filter(([, { time }]) => time > since);
    } catch {
      return []; // this browser keeps nothing for such pages
    }
  }

  // Another tab may have kept some meanwhile.
  function keep(text, correction) {
    for (const [other, kept] of read()) corrections.set(other, kept);
    if (correction) corrections.set(text, correction);
    else corrections.delete(text);
    try {
      localStorage.setItem(KEPT, JSON.stringify([...corrections]));
    } catch {
      // they are here until the page is left
    }
    show();
  }

  const chosen = () => every("button[data-filter][aria-pressed=true]").map((button) => button.dataset.filter);

  const wordsOf = (story) => (story.matches("li") ? [story] : every("h3, .facts, .text, .context p", story)).map((part) => part.textContent).join(" ").toLowerCase();

  // A story is shown where it has one of the topics, and all the words.
  function filter() {
    const topics = chosen(), asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const story of every("[data-topics]")) {
      const has = story.dataset.topics.split(" "), told = wordsOf(story);
      story.hidden = !((!topics.length || topics.some((topic) => has.includes(topic))) && asked.every((word) => told.includes(word)));
      count += !story.hidden && story.matches(".story");
    }
    for (const section of every("main section")) section.hidden = !section.querySelector("[data-topics]:not([hidden])");
    for (const heading of every("h3.kind")) heading.hidden = !below(heading).some((part) => (part.matches("ul") ? part.querySelector(":scope > :not([hidden])") : !part.hidden));
    document.dispatchEvent(new Event("filtered"));
    status.textContent = topics.length || asked.length ? `${count} ${count === 1 ? "story" : "stories"}.` : "";
  }

  function below(heading) {
    const found = [];
    for (let next = heading.nextElementSibling; next && !next.matches("h3"); next = next.nextElementSibling) found.push(next);
    return found;
  }

  const textOf = (paragraph) => paragraph.querySelector(".text").textContent;
  const modelSays = (paragraph) => every("button.chip[data-assigned]", paragraph).map((chip) => chip.dataset.topic);
  const same = (some, others) => some.length === others.length && some.every((one) => others.includes(one));

  // One text is one task, wherever on the page it stands.
  function show() {
    for (const paragraph of every(".paragraph")) {
      const said = corrections.get(textOf(paragraph))?.topics;
      const topics = said ?? modelSays(paragraph);
      for (const chip of every("button.chip", paragraph)) {
        chip.classList.toggle("assigned", topics.includes(chip.dataset.topic));
        chip.classList.toggle("near", !topics.includes(chip.dataset.topic));
        chip.setAttribute("aria-pressed", topics.includes(chip.dataset.topic));
      }
      const first = paragraph.querySelector("button.chip.assigned");
      paragraph.className = paragraph.className.replace(/ ?\btinted\b| ?\bt\d+\b/g, "") + (first ? ` tinted t${first.dataset.index}` : "");
      paragraph.querySelector(".state").textContent = said ? (same(said, modelSays(paragraph)) ? "confirmed" : "corrected") : "";
      paragraph.querySelector(".right").setAttribute("aria-pressed", Boolean(said && same(said, modelSays(paragraph))));
    }
    const count = onThisPage().length;
    document.getElementById("corrected").textContent = count;
    document.getElementById("corrections").hidden = !count;
    document.dispatchEvent(new Event("corrected"));
  }

  function onThisPage() {
    const texts = new Set(every(".paragraph").map(textOf));
    return [...corrections].filter(([text]) => texts.has(text));
  }

  function note(paragraph, topics, isConfirmed) {
    const { key, title, day, address, file } = paragraph.closest("[data-title]").dataset;
    const date = /^\d/.test(day) ? day : undefined; // else it is the day on which it was read
    const facts = { article: key, paragraph: Number(paragraph.dataset.paragraph), title, date, source: address || file };
    const isAsBefore = same(topics, modelSays(paragraph)) && !isConfirmed;
    keep(textOf(paragraph), isAsBefore ? null : { ...facts, topics, suggested: modelSays(paragraph), time: new Date().toISOString() });
  }

  function correct(chip) {
    const paragraph = chip.closest(".paragraph");
    const before = corrections.get(textOf(paragraph))?.topics ?? modelSays(paragraph);
    const topic = chip.dataset.topic;
    note(paragraph, before.includes(topic) ? before.filter((other) => other !== topic) : [...before, topic], false);
  }

  // What is shown is right; where it is a correction, that says so already.
  function confirm(button) {
    const paragraph = button.closest(".paragraph");
    const said = corrections.get(textOf(paragraph))?.topics;
    if (said && !same(said, modelSays(paragraph))) return;
    note(paragraph, modelSays(paragraph), button.getAttribute("aria-pressed") !== "true");
  }

  function save() {
    const name = annotator.value.trim();
    if (!name) {
      status.textContent = "Your name is needed: corrections say whose they are.";
      annotator.focus();
      return;
    }
    remember(name);
    const lines = onThisPage().map(([text, { topics, suggested, time, ...facts }]) =>
      JSON.stringify({ text, ...facts, annotations: [{ annotator: name, topics, time, suggested, model, origin: "correction" }] }));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n"), "\n"], { type: "application/octet-stream" }));
    link.download = `corrections-${made.slice(0, 10)}.jsonl`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  function remember(name) {
    try {
      localStorage.setItem(NAME, name);
    } catch {
      // it is asked for again
    }
  }

  function remembered() {
    try {
      return localStorage.getItem(NAME) ?? "";
    } catch {
      return "";
    }
  }

  // The topic of the section, else the first that the paragraph has.
  function topicInQuestion(paragraph) {
    const topic = paragraph.closest("[data-topic]:not(button)")?.dataset.topic;
    return every("button.chip", paragraph).find((chip) => chip.dataset.topic === topic) ?? paragraph.querySelector("button.chip");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.matches("[data-filter]")) {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      filter();
    } else if (button?.matches(".chip")) correct(button);
    else if (button?.matches(".right")) confirm(button);
    else if (button?.id === "save") save();
  });

  document.addEventListener("keydown", (event) => {
    const paragraph = event.target.closest?.(".paragraph");
    if (!paragraph || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const key = event.key.toLowerCase();
    if (key === "x") correct(topicInQuestion(paragraph));
    else if (key === "y") confirm(paragraph.querySelector(".right"));
  });

  addEventListener("storage", (event) => {
    if (event.key !== KEPT) return;
    corrections = new Map(read());
    show();
  });

  words.addEventListener("input", filter);
  annotator.value = remembered();
  filter();
  show();
}
