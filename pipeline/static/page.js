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
      const own = score >= Number(document.querySelector(`[data-threshold="${CSS.escape(topic)}"]`).dataset.model);
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

// Corrections: what the person sees after the click is what is saved.
async function correct(chip) {
  const paragraph = chip.closest(".paragraph");
  const before = chip.dataset.person;
  chip.dataset.person = chip.getAttribute("aria-pressed") === "true" ? "off" : "on";
  decide();
  const topics = all("button.chip.assigned", paragraph).map((other) => other.dataset.topic);
  const body = JSON.stringify({
    text: paragraph.querySelector(".text").textContent,
    topics,
    article: paragraph.closest("[data-article]").dataset.article,
    paragraph: Number(paragraph.dataset.paragraph),
  });
  const state = paragraph.querySelector(".state");
  state.hidden = false;
  try {
    const answer = await fetch(`${root}/v1/corrections`, { method: "POST", body, headers: { "content-type": "application/json" } });
    if (!answer.ok) throw new Error((await answer.json()).detail);
    state.textContent = "saved";
    say(`Saved for paragraph ${Number(paragraph.dataset.paragraph) + 1}: ${topics.join(", ") || "no topic"}.`);
  } catch (error) {
    if (before === undefined) delete chip.dataset.person; else chip.dataset.person = before;
    decide();
    state.textContent = "not saved";
    say(`Not saved: ${error.message}`);
  }
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
