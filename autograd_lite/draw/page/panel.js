// -- values --------------------------------------------------------------------------------------------

function heatMap(heat, label) {
  const canvas = document.createElement("canvas");
  const side = Math.max(4, Math.min(14, Math.floor(340 / heat.columns)));
  canvas.width = heat.columns * side;
  canvas.height = heat.rows * side;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  canvas.paint = () => {
    const style = getComputedStyle(document.documentElement), pen = canvas.getContext("2d");
    const cells = atob(heat.cells);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (let k = 0; k < cells.length; k += 1) {
      const code = cells.charCodeAt(k), level = code - 127;
      const x = (k % heat.columns) * side, y = Math.floor(k / heat.columns) * side;
      pen.globalAlpha = code === 255 ? 1 : Math.abs(level) / 127;
      pen.fillStyle = style.getPropertyValue(code === 255 ? "--text" : level < 0 ? "--negative" : "--positive");
      pen.fillRect(x, y, side, side);
    }
  };
  canvas.paint();
  return canvas;
}

const scalar = (value) => (value.full && value.full.flat().length === 1 ? value.full[0][0] : null);

function figure(position) {
  const value = values[position];
  if (scalar(value) !== null) {
    return make("div", "figure", make("span", "scalar", scalar(value)), " ", make("span", "kind", value.kind));
  }
  const box = make("figure", "figure", make("div", "kind", value.kind));
  if (value.full) {
    const body = make("tbody", "", ...value.full.map((row) => make("tr", "", ...row.map((x) => make("td", "", x)))));
    box.append(make("div", "scroll", make("table", "grid", body)));
  } else if (value.heat) {
    const [high, wide] = value.heat.block;
    const cell = high * wide > 1 ? `; a cell is the mean of ${high} × ${wide} entries` : "";
    const scale = `green up to ${value.heat.most}, purple down to −${value.heat.most}${cell}`;
    box.append(heatMap(value.heat, value.stats), make("figcaption", "", value.stats), make("figcaption", "", scale));
  } else if (value.brief !== value.kind) {
    box.append(make("div", "", value.brief));
  }
  return box;
}

// -- the panel -----------------------------------------------------------------------------------------

const heading = (text) => make("h3", "", text);
const notes = (texts) => texts.map((text) => make("p", "note", text));

function forwardPanel(frame) {
  const parts = [
    heading("What it computes"),
    frame.meaning ? make("p", "", frame.meaning) : null,
    make("div", "numbers", `y = ${frame.formula}`),
    make("div", "numbers", `y = ${frame.numbers[0]} = ${frame.numbers[1]}`),
  ];
  parts.push(...notes(frame.text), heading("Its value, y"), figure(boxes[frame.box].value));
  for (const input of frame.inputs) {
    parts.push(heading(`Input ${input.slot}: ${input.name}`), figure(input.value));
  }
  return parts;
}

function product(share) {
  const part = (className, number, caption) => make("span", className, make("b", "", number), make("small", "", caption));
  const row = make("div", "product");
  share.terms.forEach(([upstream, derivative], k) => {
    const above = part("upstream", upstream, k ? "" : "from above"), times = make("span", "", "×");
    const local = part("local", derivative, k ? "" : "local derivative");
    row.append(make("span", "term", k ? make("span", "", "+") : null, above, times, local));
  });
  if (share.more > 0) row.append(make("span", "", `+ … ${share.more} more`));
  if (!share.terms.length) row.append(part("local", "0", "local derivative"));
  row.append(make("span", "term", make("span", "", "="), part("downstream", share.result, "passed down")));
  return row;
}

function sendCard(send) {
  const name = boxes[send.box].name;
  const card = make("div", "card", make("h3", "", `To ${name}`));
  card.append(make("div", "numbers", `d${send.slot} = ${send.formula}`));
  card.append(make("div", "numbers", `d${send.slot} = ${send.numbers}${send.at ? `   at ${send.at}` : ""}`));
  if (send.share) {
    if (send.share.entry) card.append(make("p", "where", `Its largest entry, ${send.share.entry} of ${name}:`));
    card.append(product(send.share));
  }
  card.append(...notes(send.text));
  if (send.copies !== undefined) {
    card.append(make("p", "where", "The copies:"), figure(send.copies));
    if (!send.of) card.append(make("p", "where", "Summed:"), figure(send.gradient));
  }
  if (send.of) card.append(...sum(send, name));
  else if (send.copies === undefined && (!send.share || scalar(values[send.gradient]) === null)) card.append(figure(send.gradient));
  return card;
}

// How the gradients of a value that goes into several places add up.
function sum(send, name) {
  const parts = [make("p", "note", `${name} goes into ${send.of} places: their gradients add.`)];
  const when = send.last ? "all have arrived" : "more to come";
  if (send.before === null) return [...parts, make("p", "where", `This is the first; ${when}.`), figure(send.total)];
  const [before, own, total] = [send.before, send.gradient, send.total].map((k) => scalar(values[k]));
  if (before !== null && own !== null) {
    const part = (number, caption) => make("span", "", make("b", "", number), make("small", "", caption));
    const sign = (text) => make("span", "", text);
    const term = (text, ...numbers) => make("span", "term", sign(text), part(...numbers));
    const row = [part(before, "so far"), term("+", own, "this one"), term("=", total, `sum, ${when}`)];
    return [...parts, make("div", "product", ...row)];
  }
  const stacked = [["So far:", send.before], ["This one:", send.gradient], [`Sum, ${when}:`, send.total]];
  return [...parts, ...stacked.flatMap(([text, k]) => [make("p", "where", text), figure(k)])];
}

function backwardPanel(frame) {
  return [
    heading("Gradient from above: how the result changes with this value"),
    figure(frame.upstream),
    ...notes(frame.text),
    heading(frame.sends.length === 1 ? "Passes on" : `Passes on, to ${plural(frame.sends.length, "input")}`),
    ...frame.sends.map(sendCard),
  ];
}

function spoken(frame) {
  if (frame.phase === "start") return frame.text.join(" ");
  if (frame.phase === "fprop") return `${frame.title}. Value ${frame.numbers[1]}. ${frame.text.join(" ")}`;
  const sent = frame.sends.map((send) => `${values[send.gradient].brief} to ${boxes[send.box].name}`);
  return `${frame.title}. Gradient ${values[frame.upstream].brief}. Passes ${sent.join(", ") || "nothing on"}.`;
}

function inspect(k) {
  chosen = k;
  find("which").value = k === null ? "" : k;
  show(now);
  if (k !== null) find("inspect").scrollIntoView({ block: "nearest" });
}

function inspectPanel() {
  if (chosen === null) return [];
  const box = boxes[chosen], gradient = gradientAt(box);
  const parts = [];
  if (box.formula) {
    const meaning = box.meaning ? [make("p", "", box.meaning)] : [];
    parts.push(heading("Computes"), ...meaning, make("div", "numbers", `y = ${box.formula}`));
  }
  for (const [slot, text] of box.gradients || []) parts.push(make("div", "numbers", `d${slot} = ${text}`));
  parts.push(heading("Value"));
  parts.push(isReady(box) ? figure(box.value) : make("p", "", "not computed yet"));
  if (box.wants) {
    const open = box.grads.filter(([frame]) => frame > now).length;
    parts.push(heading(gradient && open ? "Gradient so far" : "Gradient of the result by it"));
    parts.push(gradient ? figure(gradient[1]) : make("p", "", "not found yet"));
  } else {
    parts.push(make("p", "note", "Gets no gradient: nobody asked for it, or none passes through here."));
  }
  const links = make("div", "links");
  if (box.at) links.append(jump(box.at, "Go to its fprop"));
  if (box.sentAt) links.append(jump(box.sentAt, "Go to its bprop"));
  parts.push(links);
  return parts;
}

function jump(frame, text) {
  const button = make("button", "", text);
  button.type = "button";
  button.addEventListener("click", () => { pause(); show(frame); });
  return button;
}

// -- stepping ------------------------------------------------------------------------------------------

function show(k) {
  const turned = k !== now;
  now = Math.min(calls, Math.max(0, k));
  const frame = frames[now];
  light(frame);
  find("step-title").textContent = frame.title;
  const build = { start: () => frame.text.map((text) => make("p", "", text)), fprop: forwardPanel, bprop: backwardPanel };
  find("step-body").replaceChildren(...build[frame.phase](frame).filter((part) => part !== null));
  find("inspect-body").replaceChildren(...inspectPanel());
  find("legend").textContent = LEGEND[frame.phase];
  for (const item of document.querySelectorAll("#phases li")) {
    if (item.dataset.phase === frame.phase) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  find("slider").value = now;
  find("slider").setAttribute("aria-valuetext", frame.title);
  find("count").textContent = `${now} of ${calls}`;
  find("first").disabled = find("back").disabled = now === 0;
  find("next").disabled = find("last").disabled = now === calls;
  if (turned) {
    find("panel").scrollTop = 0;
    follow(frame);
  }
  find("announce").textContent = spoken(frame);
}

function pause() {
  clearInterval(timer);
  timer = null;
  find("play").textContent = "▶ Play";
  find("play").setAttribute("aria-label", "Play");
}

function play() {
  if (now === calls) show(0);
  timer = setInterval(() => { show(now + 1); if (now === calls) pause(); }, Number(find("speed").value));
  find("play").textContent = "⏸ Pause";
  find("play").setAttribute("aria-label", "Pause");
}

const toggle = () => (timer === null ? play() : pause());
const step = (k) => { pause(); show(k); };
const KEYS = {
  ArrowRight: () => step(now + 1), ArrowLeft: () => step(now - 1), Home: () => step(0), End: () => step(calls),
  " ": toggle, "+": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: () => fit(), Escape: () => inspect(null),
};

find("first").addEventListener("click", () => step(0));
find("back").addEventListener("click", () => step(now - 1));
find("next").addEventListener("click", () => step(now + 1));
find("last").addEventListener("click", () => step(calls));
find("play").addEventListener("click", toggle);
find("slider").addEventListener("input", (event) => step(Number(event.target.value)));
find("speed").addEventListener("change", () => { if (timer !== null) { pause(); play(); } });
find("which").addEventListener("change", (event) => inspect(event.target.value === "" ? null : Number(event.target.value)));
document.addEventListener("keydown", (event) => {
  const at = event.target.tagName;
  const theirs = at === "SELECT" || at === "INPUT" || (at === "BUTTON" && event.key === " ");
  if (theirs || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  KEYS[event.key]();
  event.preventDefault();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(now));

find("slider").max = calls;
fit(0.8);
show(Number(location.hash.slice(1)) || 0); // steps.html#6 opens at step 6
