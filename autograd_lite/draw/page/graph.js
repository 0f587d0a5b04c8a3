"use strict";
// Steps through the frames in #data. Texts become text nodes, never markup.

const story = JSON.parse(document.getElementById("data").textContent);
const { boxes, edges, frames, modules, values } = story;
const calls = frames.length - 1; // frame 0 is before the first call
const find = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const LEGEND = {
  start: "Rounded boxes are inputs, square ones are operations. Press Play, or the right arrow key.",
  fprop: "Forward: each box takes the values from the boxes below it and computes its own.",
  bprop:
    "Backward: each box learns how much the result changes with its value, multiplies that by its own derivative," +
    " and passes it down.",
};

let now = 0, chosen = null, timer = null;

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function draw(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const cut = (text, box) => {
  const room = Math.floor((box.width - 12) / 6.3);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
};
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

// -- the graph -----------------------------------------------------------------------------------------

const picture = find("picture");
const marker = draw("marker", {
  id: "arrow", viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse",
  orient: "auto-start-reverse",
});
marker.append(draw("path", { id: "tip", d: "M 0 0 L 10 5 L 0 10 z" }));
const defs = draw("defs", {});
defs.append(marker);
const world = draw("g", {});
picture.append(defs, world);

for (const { title, corners: [left, top, right, bottom] } of modules) {
  const group = draw("g", { class: "module" });
  group.append(draw("rect", { x: left, y: top, width: right - left, height: bottom - top, rx: 8 }));
  group.append(draw("text", { x: left + 10, y: bottom - 8 }, title));
  world.append(group);
}

for (const edge of edges) {
  const p = edge.points.map(([x, y]) => `${x} ${y}`);
  const group = draw("g", { class: "edge" });
  edge.path = draw("path", { d: `M ${p[0]} C ${p.slice(1).join(" ")}` });
  group.append(edge.path);
  if (edge.slot) {
    const [[from], [x, y]] = edge.points.slice(-2), { y: middle, height } = boxes[edge.head];
    const below = y > middle + height / 2 - 2, fromRight = x < from - 2; // else the arrow comes in at the box's side
    const left = below === fromRight; // of the arrow's tip
    const place = { x: left ? x - 5 : x + 5, y: y + 14, "text-anchor": left ? "end" : "start" };
    group.append(draw("text", place, edge.slot));
  }
  edge.element = group;
  world.append(group);
}

boxes.forEach((box, k) => {
  const group = draw("g", {
    class: `box ${box.what}`, transform: `translate(${box.x - box.width / 2} ${box.y - box.height / 2})`,
    role: "button", tabindex: boxes.length <= 100 ? 0 : -1,
  });
  const round = box.what === "op" ? 2 : 16;
  group.append(draw("rect", { width: box.width, height: box.height, rx: round }));
  box.lines = {};
  const texts = { name: box.name, kind: box.note ? `${box.note}, ${box.kind}` : box.kind, value: "", grad: "" };
  Object.entries(texts).forEach(([name, text], line) => {
    const element = draw("text", { class: name, x: box.width / 2, y: 17 + 15 * line }, cut(text, box));
    box.lines[name] = element;
    group.append(element);
  });
  group.append(draw("title", {}, box.name));
  group.addEventListener("click", () => { if (!moved) inspect(k); });
  group.addEventListener("focus", () => see([k]));
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { inspect(k); event.preventDefault(); event.stopPropagation(); }
  });
  box.element = group;
  world.append(group);
  find("which").append(new Option(`${box.name} (${box.kind})`, k));
});

const gradientAt = (box) => box.grads.filter(([frame]) => frame <= now).pop();
const isReady = (box) => box.at <= now;

// Only what has changed is written: a step in a graph of 2,000 boxes changes few.
function put(element, name, value) {
  element.known ??= {};
  if (element.known[name] === value) return;
  element.known[name] = value;
  if (name === "text") element.textContent = value;
  else if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

function light(frame) {
  const sent = new Set((frame.sends || []).map((send) => send.box));
  boxes.forEach((box, k) => {
    const gradient = gradientAt(box), lit = k === frame.box;
    put(box.lines.value, "text", isReady(box) ? cut(`value ${values[box.value].brief}`, box) : "");
    put(box.lines.grad, "text", gradient ? cut(`grad ${values[gradient[1]].brief}`, box) : "");
    const classes = ["box", box.what, isReady(box) ? "done" : "pending"];
    if (lit) classes.push(frame.phase);
    if (sent.has(k)) classes.push("given");
    if (k === chosen) classes.push("chosen");
    put(box.element, "class", classes.join(" "));
    const said = [box.name, box.what === "leaf" ? "input" : box.what, box.kind];
    if (isReady(box)) said.push(`value ${values[box.value].brief}`);
    if (gradient) said.push(`gradient ${values[gradient[1]].brief}`);
    put(box.element, "aria-label", said.join(", "));
  });
  for (const edge of edges) {
    const forward = frame.phase === "fprop" && edge.head === frame.box;
    const backward = frame.phase === "bprop" && edge.head === frame.box && sent.has(edge.tail);
    const returned = frame.phase === "bprop" && boxes[edge.tail].wants && (boxes[edge.head].sentAt || Infinity) < now;
    const state = forward ? "fprop" : backward ? "bprop" : returned ? "returned" : isReady(boxes[edge.head]) ? "done" : "";
    put(edge.element, "class", `edge ${state}`);
    const down = state === "bprop" || state === "returned";
    put(edge.path, "marker-start", down ? "url(#arrow)" : null);
    put(edge.path, "marker-end", down ? null : "url(#arrow)");
  }
}
frames.forEach((frame, k) => { if (frame.phase === "bprop") boxes[frame.box].sentAt = k; });

// -- zoom and pan --------------------------------------------------------------------------------------

const view = { x: 0, y: 0, scale: 1 };
let held = null, moved = false;
let least = 0; // the scale that the view was fitted with at least; null once the reader has moved it

function place() {
  world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
}

function zoom(factor, x = picture.clientWidth / 2, y = picture.clientHeight / 2) {
  const scale = Math.min(4, Math.max(0.05, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  least = null;
  place();
}

function fit(atLeast = 0) {
  least = atLeast;
  const [width, height] = story.size, edge = 24;
  const scale = Math.min((picture.clientWidth - 2 * edge) / width, (picture.clientHeight - 2 * edge) / height, 1.4);
  view.scale = Math.max(scale, least);
  view.x = (picture.clientWidth - width * view.scale) / 2;
  const room = picture.clientHeight - height * view.scale; // the inputs are in sight, whether or not the result is
  view.y = room < 2 * edge ? room - edge : room / 2;
  place();
}

// Brings a frame's box, and the boxes that it takes from or passes to, into sight if they are not; of more than there is
// room for, the box itself.
function follow(frame) {
  if (frame.box === null) return;
  const given = new Set((frame.sends || []).map((send) => send.box));
  const around = edges.filter((edge) => edge.head === frame.box && (frame.phase === "fprop" || given.has(edge.tail)));
  if (!see([frame.box, ...around.map((edge) => edge.tail)])) see([frame.box]);
}

// Brings boxes into sight; false if they are too far apart.
function see(positions) {
  const [left, top, right, bottom] = extent(positions), w = picture.clientWidth, h = picture.clientHeight;
  if ((right - left) * view.scale > w || (bottom - top) * view.scale > h) return false;
  const inside = (from, to, shift, room) => from * view.scale + shift >= 0 && to * view.scale + shift <= room;
  if (!inside(left, right, view.x, w) || !inside(top, bottom, view.y, h)) {
    view.x = w / 2 - ((left + right) / 2) * view.scale;
    view.y = h / 2 - ((top + bottom) / 2) * view.scale;
    place();
  }
  return true;
}

function extent(positions) {
  const some = positions.map((k) => boxes[k]);
  return [
    Math.min(...some.map(({ x, width }) => x - width / 2)), Math.min(...some.map(({ y, height }) => y - height / 2)),
    Math.max(...some.map(({ x, width }) => x + width / 2)), Math.max(...some.map(({ y, height }) => y + height / 2)),
  ];
}

picture.addEventListener("wheel", (event) => {
  const at = picture.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / 400), event.clientX - at.left, event.clientY - at.top);
  event.preventDefault();
}, { passive: false });
picture.addEventListener("pointerdown", (event) => {
  held = { x: event.clientX - view.x, y: event.clientY - view.y, startX: event.clientX, startY: event.clientY };
  moved = false;
});
picture.addEventListener("pointermove", (event) => {
  if (!held || !event.buttons) return;
  if (!moved && Math.hypot(event.clientX - held.startX, event.clientY - held.startY) > 4) {
    moved = true;
    picture.setPointerCapture(event.pointerId);
    picture.classList.add("dragged");
  }
  if (moved) { view.x = event.clientX - held.x; view.y = event.clientY - held.y; least = null; place(); }
});
for (const end of ["pointerup", "pointercancel"]) {
  picture.addEventListener(end, () => { held = null; picture.classList.remove("dragged"); });
}
find("closer").addEventListener("click", () => zoom(1.3));
find("farther").addEventListener("click", () => zoom(1 / 1.3));
find("fit").addEventListener("click", () => fit());
window.addEventListener("resize", () => { if (least !== null) fit(least); follow(frames[now]); });
