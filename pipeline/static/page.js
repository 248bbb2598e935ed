// What the page does beyond its forms: predict while typing, explain, try thresholds, save corrections.
"use strict";

const $ = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const DEBOUNCE = 350;
const root = document.documentElement.dataset.root;
let timer, request;

document.documentElement.classList.add("js");

function say(text) {
  $("status").textContent = text;
}

// Predicting: the server sends the finished part of the page; a response that was overtaken is dropped.
async function predict() {
  request?.abort();
  request = new AbortController();
  try {
    const answer = await fetch(`${root}/fragment`, { method: "POST", body: form(), signal: request.signal });
    if (!answer.ok) return say((await answer.json()).detail);
    $("result").innerHTML = await answer.text();
    say("");
    decide();
  } catch (error) {
    if (error.name !== "AbortError") say("The service does not respond.");
  }
}

// The form as it is: what the buttons send without a script.
function form() {
  return new FormData($("form"));
}

function typed() {
  clearTimeout(timer);
  timer = setTimeout(predict, DEBOUNCE);
}

function chosen() {
  $("clear").hidden = !$("file").files.length;
  predict();
}

// Thresholds: which topics are assigned, and what differs from the model's decision.
function decide() {
  const counts = {};
  let differing = 0, moved = false;
  const least = {};
  for (const slider of all("[data-threshold]")) {
    const own = Number(slider.dataset.model);
    slider.dataset.touched ??= "";
    least[slider.dataset.threshold] = slider.dataset.touched ? Number(slider.value) : own;
    slider.parentElement.querySelector("output").textContent = Number(slider.value).toFixed(2);
    moved ||= Boolean(slider.dataset.touched);
  }
  for (const paragraph of all("#result .paragraph")) {
    let changed = false;
    for (const chip of all("button.chip", paragraph)) {
      const topic = chip.dataset.topic, score = Number(chip.dataset.score);
      const own = isOwn(chip);
      const assigned = chip.dataset.person ? chip.dataset.person === "on" : score >= least[topic];
      show(chip, assigned);
      counts[topic] = (counts[topic] ?? 0) + assigned;
      changed ||= assigned !== own;
      differing += assigned !== own;
    }
    paragraph.classList.toggle("changed", changed);
    tint(paragraph);
  }
  for (const count of all("[data-count]")) count.textContent = counts[count.dataset.count] ?? 0;
  $("reset").hidden = !moved;
  $("moved").textContent = moved ? `${differing} label${differing === 1 ? "" : "s"} changed.` : "Move a threshold to see its effect.";
}

// Whether the model assigns a topic at the operating point, wherever its threshold was moved.
function isOwn(chip) {
  const slider = document.querySelector(`[data-threshold="${CSS.escape(chip.dataset.topic)}"]`);
  return Number(chip.dataset.score) >= Number(slider.dataset.model);
}

function show(chip, assigned) {
  chip.classList.toggle("assigned", assigned);
  chip.setAttribute("aria-pressed", assigned);
}

function tint(paragraph) {
  const assigned = all("button.chip.assigned", paragraph);
  const margin = (chip) => Number(chip.dataset.score) - Number(document.querySelector(`[data-threshold="${CSS.escape(chip.dataset.topic)}"]`).dataset.model);
  const best = assigned.sort((one, other) => margin(other) - margin(one))[0];
  paragraph.className = `paragraph${best ? ` tinted t${best.dataset.index}` : ""}${paragraph.classList.contains("changed") ? " changed" : ""}`;
}

// Corrections: the model's topics at the operating point with what the person set; thresholds that were only moved
// to see their effect are no label. The paragraph then shows what is saved.
async function correct(chip) {
  const paragraph = chip.closest(".paragraph");
  const chips = all("button.chip", paragraph), before = chips.map((other) => other.dataset.person);
  for (const other of chips) other.dataset.person ??= isOwn(other) ? "on" : "off";
  chip.dataset.person = chip.getAttribute("aria-pressed") === "true" ? "off" : "on";
  decide();
  const topics = chips.filter((other) => other.dataset.person === "on").map((other) => other.dataset.topic);
  try {
    const saved = await send("/v1/corrections", {
      text: paragraph.querySelector(".text").textContent,
      topics,
      article: paragraph.closest("[data-article]").dataset.article,
      paragraph: Number(paragraph.dataset.paragraph),
      annotator: $("annotator").value.trim(),
      threshold: $("point").value,
    });
    const { id, annotator } = await saved.json();
    paragraph.querySelector(".undo [name=id]").value = id;
    paragraph.querySelector(".undo").hidden = false;
    tell(paragraph, `corrected by ${annotator}`);
    say(`Saved for paragraph ${Number(paragraph.dataset.paragraph) + 1}: ${topics.join(", ") || "no topic"}.`);
  } catch (error) {
    chips.forEach((other, place) => {
      if (before[place] === undefined) delete other.dataset.person; else other.dataset.person = before[place];
    });
    decide();
    tell(paragraph, "not saved");
    say(`Not saved: ${error.message}`);
  }
}

// Taking back: the page then shows what counts, an earlier correction or the model's topics.
async function undo(form) {
  try {
    await send("/v1/corrections/undo", { id: Number(form.elements.id.value) });
    await predict();
    say("Taken back.");
  } catch (error) {
    say(`Not taken back: ${error.message}`);
  }
}

async function send(path, content) {
  const body = JSON.stringify(content);
  const answer = await fetch(`${root}${path}`, { method: "POST", body, headers: { "content-type": "application/json" } });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer;
}

function tell(paragraph, text) {
  const state = paragraph.querySelector(".state");
  state.hidden = false;
  state.textContent = text;
}

function remember() {
  const name = encodeURIComponent($("annotator").value.trim());
  document.cookie = `annotator=${name}; path=${root}/; max-age=${name ? 31536000 : 0}; samesite=strict`;
}

// Explanation: beside the paragraph that the pointer or the focus is on.
function explain(paragraph) {
  const why = paragraph?.querySelector(".why");
  if (!paragraph) return;
  const tables = why ? all("table", why).map((table) => table.cloneNode(true)) : [];
  $("explanation").classList.toggle("quiet", !tables.length);
  $("explanation").replaceChildren(...(tables.length ? tables : ["No topic scores high enough to explain."]));
}

async function copy() {
  const answer = await fetch(`${root}/download?form=json`, { method: "POST", body: form() });
  if (!answer.ok) return say((await answer.json()).detail);
  await navigator.clipboard.writeText(JSON.stringify(await answer.json(), null, 2));
  say("Copied.");
}

$("article").addEventListener("input", typed);
$("file").addEventListener("change", chosen);
$("clear").addEventListener("click", () => {
  $("file").value = "";
  chosen();
});
$("copy").addEventListener("click", () => copy().catch(() => say("This browser does not allow copying.")));
function reset() {
  for (const slider of all("[data-threshold]")) {
    slider.value = slider.dataset.model;
    slider.dataset.touched = "";
  }
  decide();
}

// Operating points: their thresholds become the model's, and the server predicts anew.
function choose() {
  const thresholds = JSON.parse($("point").selectedOptions[0].dataset.thresholds);
  for (const slider of all("[data-threshold]")) slider.dataset.model = thresholds[slider.dataset.threshold];
  reset();
  typed();
}

$("reset").addEventListener("click", reset);
$("point").addEventListener("change", choose);
for (const slider of all("[data-threshold]")) {
  slider.addEventListener("input", () => {
    slider.dataset.touched = "yes";
    decide();
  });
}
for (const kind of ["pointerover", "focusin"]) {
  $("result").addEventListener(kind, (event) => explain(event.target.closest(".paragraph")));
}
$("result").addEventListener("click", (event) => {
  const chip = event.target.closest("button.chip");
  if (chip) correct(chip);
});
$("result").addEventListener("submit", (event) => {
  event.preventDefault();
  undo(event.target);
});
$("annotator").addEventListener("change", remember);
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("form").classList.toggle("dropping", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      $("file").files = event.dataTransfer.files;
      chosen();
    }
  });
}
