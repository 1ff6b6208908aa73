// The status page: sign in, then the newest records and where each stands.
// Builds the page from nodes only; nothing a person typed is ever read as markup.
"use strict";

// The pipeline's steps that a person watches, under the words they are shown by.
const STAGES = {
  scan: "Scan", validate: "Format", phi: "Identity", encrypt: "Encrypt", store: "Store", index: "Index",
};
const ICONS = {
  received: "circle-dashed", scanning: "loader", validating: "loader", checking: "loader",
  storing: "loader", available: "check", held: "hand", quarantined: "shield-alert",
  rejected: "circle-x", archived: "archive",
};
const WORDS = { rejected: "Refused" };
const ON_PAPER = /^(application\/(pdf|vnd)|text\/|audio\/|model\/)/;

const at = (id) => document.getElementById(id);
const state = { csrf: "", cursor: null, q: "", events: null, refresh: 0 };

class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title);
    this.status = status;
    this.problem = problem;
  }
}

async function ask(path, { method = "GET", body } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = state.csrf;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Refusal(0, { title: "No connection. This page tries again by itself." });
  }
  const said = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Refusal(answer.status, said);
  return said;
}

function make(tag, { text, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);
const dayOf = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const timeOf = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const when = (text) => `${dayOf.format(new Date(text))}, ${timeOf.format(new Date(text))}`;

function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1 << 20) return `${Math.round(bytes / 1024)} KB`;
  const mb = bytes / (1 << 20);
  return mb < 1024 ? `${mb.toFixed(mb < 10 ? 1 : 0)} MB` : `${(mb / 1024).toFixed(1)} GB`;
}

function thumbnail(record) {
  const box = make("div", { class: ON_PAPER.test(record.fileType) ? "thumb paper" : "thumb" });
  if (record.status !== "available") return box.append(icon("file")), box;
  const picture = make("img", {
    alt: "", loading: "lazy", decoding: "async",
    src: `/api/files/${record.id}?rendition=thumbnail`,
  });
  picture.addEventListener("error", () => picture.replaceWith(icon("file")));
  box.append(picture);
  return box;
}

function stageStrip(record) {
  const known = new Map((record.stages ?? []).map((stage) => [stage.stage, stage.state]));
  const items = Object.entries(STAGES).map(([stage, word]) => {
    const standing = known.get(stage) ?? "waiting";
    const item = make("li", { class: standing, text: word });
    item.append(make("span", { class: "hidden", text: `: ${standing}` }));
    return item;
  });
  return make("ul", { class: "strip", "aria-label": "Stages" }, ...items);
}

function row(record) {
  const status = record.isArchived ? "archived" : record.status;
  const kind = [record.subcategory ?? record.category, sizeOf(record.fileSize)].filter(Boolean);
  const detail = make("span");
  if (record.patientId) detail.append(make("code", { text: record.patientId }), " · ");
  detail.append(kind.join(" · "));
  const tag = make("span", { class: `tag ${status}` }, icon(ICONS[status] ?? "file"));
  tag.append(WORDS[status] ?? capital(status));
  return make(
    "li",
    { class: record.isArchived ? "record is-archived" : "record" },
    thumbnail(record),
    make("div", { class: "what" }, make("b", { text: record.originalFileName, title: record.originalFileName }), detail),
    stageStrip(record),
    make("div", { class: "state" }, tag, make("time", { datetime: record.uploadDate, text: when(record.uploadDate) })),
  );
}

async function showRecords({ older = false } = {}) {
  const query = new URLSearchParams({ limit: "50" });
  if (state.q) query.set("q", state.q);
  if (older && state.cursor) query.set("cursor", state.cursor);
  at("list-refusal").hidden = true;
  try {
    const page = await ask(`/api/medical-records?${query}`);
    const rows = page.items.map(row);
    if (older) at("records").append(...rows);
    else at("records").replaceChildren(...rows);
    state.cursor = page.nextCursor;
    at("older").hidden = !page.nextCursor;
    at("empty").hidden = at("records").childElementCount > 0;
    at("empty").textContent = state.q
      ? "No record matches these words."
      : "Nothing here yet. Records appear as they are sent in.";
  } catch (refusal) {
    if (refusal.status === 401) return showSignIn();
    at("list-refusal").textContent = refusal.message;
    at("list-refusal").hidden = false;
  }
}

async function showHealth() {
  const health = at("health");
  try {
    await ask("/healthz");
    health.textContent = "All well";
    health.dataset.state = "good";
  } catch (refusal) {
    health.textContent = refusal.status ? "Not well" : "No connection";
    health.dataset.state = "bad";
  }
}

async function showFigures(role) {
  if (role !== "admin") return;
  const figures = await ask("/api/storage");
  const lines = [
    ["Patients with records", figures.patients],
    ["Stored", sizeOf(figures.usedBytes)], ["On the way", sizeOf(figures.reservedBytes)],
  ];
  at("figures").replaceChildren(
    ...lines.map(([term, value]) => make("div", {}, make("dt", { text: term }), make("dd", { text: String(value) }))),
  );
  at("figures").hidden = false;
}

function listen() {
  state.events?.close();
  state.events = new EventSource("/api/events");
  const soon = () => {
    clearTimeout(state.refresh);
    state.refresh = setTimeout(() => showRecords(), 400);
  };
  for (const kind of ["record.status", "record.changed"]) {
    state.events.addEventListener(kind, soon);
  }
  state.events.addEventListener("signed-out", showSignIn);
}

function showSignIn() {
  state.events?.close();
  at("desk").hidden = true;
  at("sign-in").hidden = false;
  at("email").focus();
}

async function showDesk(me) {
  state.csrf = me.csrfToken ?? "";
  at("sign-in").hidden = true;
  at("desk").hidden = false;
  at("who").replaceChildren(make("b", { text: me.user.email }), capital(me.user.role));
  await Promise.all([showRecords(), showHealth(), showFigures(me.user.role)]);
  listen();
}

async function signIn(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  const refusal = at("sign-in-refusal");
  button.setAttribute("aria-busy", "true");
  refusal.hidden = true;
  try {
    const body = { email: form.email.value, password: form.password.value };
    const me = await ask("/api/session", { method: "POST", body });
    form.reset();
    await showDesk(me);
  } catch (problem) {
    refusal.textContent = problem.message;
    refusal.hidden = false;
    at("password").focus();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

async function start() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.addEventListener("click", () => window.medstackTheme.toggle());
  }
  at("sign-in-form").addEventListener("submit", signIn);
  at("older").addEventListener("click", () => showRecords({ older: true }));
  at("find").addEventListener("submit", (event) => {
    event.preventDefault();
    state.q = at("q").value.trim();
    showRecords();
  });
  at("sign-out").addEventListener("click", async () => {
    await ask("/api/session", { method: "DELETE" });
    showSignIn();
  });
  setInterval(() => at("desk").hidden || showHealth(), 30_000);
  try {
    await showDesk(await ask("/api/session"));
  } catch (refusal) {
    showSignIn();
  }
}

start();
