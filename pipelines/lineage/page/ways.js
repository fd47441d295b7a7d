"use strict";
// What both views share: elements made of text (never of markup), what a box says, lines between what is seen.
const make = (tag, named = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(named)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((c) => c !== null && c !== undefined));
  return made;
};
const en = (text) => make("span", { class: "en", lang: "en" }, text);
const LAYERS = [["交付", "hand-over"], ["原始与标准", "raw and standard"], ["基础库", "base"], ["主题库", "thematic"]];
const KINDS = { IDENTITY: ["原样", "as it is"], TRANSFORMATION: ["变换", "transformed"], AGGREGATION: ["汇总", "aggregated"],
  CONDITIONAL: ["条件", "condition"], FILTER: ["筛选", "filter"], JOIN: ["关联", "join"], GROUP_BY: ["分组", "group"], SORT: ["排序", "sort"], WINDOW: ["窗口", "window"] };

// As in the reports: never rounded up to 100 where something is broken.
const score = (value) => (value > 99.9 && value < 100 ? "99.9" : value.toFixed(1));
const badge = (t) => {
  if (!t.quality) return make("span", { class: "badge" }, t.key.startsWith("codes.") ? "" : "未检查 unchecked");
  const [points, , grade, failing] = t.quality;
  return make("span", { class: `badge ${failing ? "bad" : "ok"}` },
    make("span", { "aria-hidden": "true" }, `${grade ?? "—"} ${score(points)} ${failing ? "✗" + failing : "✓"}`),
    make("span", { class: "vh" }, `等级 ${grade ?? "—"}，得分 ${score(points)}，${failing ? failing + " 条规则未通过" : "规则全部通过"} grade, score, ${failing} rules fail`));
};
const levelMark = (level) => level ? make("span", { class: level > 2 ? "lv high" : "lv" }, make("span", { class: "vh" }, "分级 level "), `${level}级`) : null;
const columnButton = (v) => {
  const c = G.column(v) ?? ["", "整行", "rows", 0]; // a table's rows bear the number before its columns
  return make("button", { class: "col", type: "button", "data-node": v, title: `${c[0]} ${c[1]}` },
    make("span", { class: "name" }, `${c[1] || c[0]} `, c[1] ? en(c[0] || c[2]) : null), levelMark(c[3]));
};

const SVG = document.getElementById("drawn").namespaceURI;
const Lines = {
  // An empty layer as large as what it lies behind.
  layer(stage) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "lines"); svg.setAttribute("aria-hidden", "true");
    const still = svg.appendChild(document.createElementNS(SVG, "g")), lit = svg.appendChild(document.createElementNS(SVG, "g"));
    stage.prepend(svg);
    return { svg, still, lit };
  },
  size(svg, width, height) { svg.setAttribute("width", width); svg.setAttribute("height", height); },
  path(group, d, kind) {
    const path = group.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("d", d);
    if (kind) path.setAttribute("class", kind);
  },
  between(a, b) { // from the right side of one to the left side of the other; within one lane round its right side
    const y1 = a.top + a.height / 2, y2 = b.top + b.height / 2, x1 = a.right;
    if (b.left < x1) return `M${x1},${y1} C${x1 + 30},${y1} ${b.right + 30},${y2} ${b.right},${y2}`;
    const bend = Math.max(16, (b.left - x1) / 2);
    return `M${x1},${y1} C${x1 + bend},${y1} ${b.left - bend},${y2} ${b.left},${y2}`;
  },
  through(points) {
    let d = `M${points[0].x},${points[0].y}`;
    for (let i = 1; i < points.length - 1; i++)
      d += ` Q${points[i].x},${points[i].y} ${(points[i].x + points[i + 1].x) / 2},${(points[i].y + points[i + 1].y) / 2}`;
    const last = points[points.length - 1];
    return `${d} L${last.x},${last.y}`;
  },
};

const WIDE = 212; // of a box: four of them side by side need no scrolling at 1,440 pixels

// Boxes with their heights, links between them: dagre says where they stand.
const arrange = (boxes, links) => {
  const g = new dagre.graphlib.Graph();
  g.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 46, marginx: 10, marginy: 14 });
  g.setDefaultEdgeLabel(() => ({}));
  for (const b of boxes) g.setNode(String(b.id), { width: WIDE, height: b.height });
  for (const [a, b] of links) g.setEdge(String(a), String(b));
  dagre.layout(g);
  const within = (y, box) => Math.min(Math.max(y, box.y - box.height / 2 + 12), box.y + box.height / 2 - 12), ways = new Map();
  for (const e of g.edges()) { // a line leaves on the right and arrives on the left, at the height that is nearest
    const points = g.edge(e).points, a = g.node(e.v), b = g.node(e.w), inner = points.slice(1, -1);
    if (a.x < b.x) points.splice(0, points.length, { x: a.x + WIDE / 2, y: within(inner[0].y, a) }, ...inner, { x: b.x - WIDE / 2, y: within(inner[inner.length - 1].y, b) });
    ways.set(`${e.v}>${e.w}`, points);
  }
  const size = g.graph();
  return { width: size.width, height: size.height, ways,
    at: new Map(boxes.map((b) => { const p = g.node(String(b.id)); return [b.id, { x: p.x - WIDE / 2, y: p.y - b.height / 2 }]; })) };
};
