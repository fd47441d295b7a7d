"use strict";
// What a hover or the focus lights: all that stands above and below, on whatever of it is to be seen.
const Lit = (() => {
  const MOST = 400; // lines at once
  let shown = null; // of the present view: element(node), elements of tables and groups, the layer of lines

  const clear = () => {
    if (!shown) return;
    for (const el of shown.stage.querySelectorAll(".lit-up, .lit-down, .lit-self")) el.classList.remove("lit-up", "lit-down", "lit-self");
    shown.lines.lit.replaceChildren();
    shown.svg.classList.remove("lights");
  };
  const line = (a, b, from, to) => { // past the boxes between, where the layout has found a way
    const inner = shown.ways?.get(`${a.closest("[data-table]").dataset.table}>${b.closest("[data-table]").dataset.table}`)?.slice(1, -1);
    if (!inner || inner.length < 3) return Lines.between(from, to);
    return Lines.through([{ x: from.right, y: from.top + from.height / 2 }, ...inner, { x: to.left, y: to.top + to.height / 2 }]);
  };
  const draw = (pairs, self) => {
    clear();
    const home = shown.stage.getBoundingClientRect(), places = new Map();
    const place = (el) => {
      if (!places.has(el)) {
        const r = el.getBoundingClientRect(), left = r.left - home.left + shown.stage.scrollLeft, top = r.top - home.top + shown.stage.scrollTop;
        places.set(el, { left, top, right: left + r.width, height: r.height });
      }
      return places.get(el);
    };
    const seen = new Map();
    for (const [a, b, kind] of pairs) {
      if (!a || !b || a === b) continue;
      if (!seen.has(a)) seen.set(a, new Map());
      seen.get(a).set(b, kind);
    }
    const drawn = [...seen].flatMap(([a, to]) => [...to].map(([b, kind]) => [a, b, kind])).slice(0, MOST);
    const paths = drawn.map(([a, b, kind]) => [line(a, b, place(a), place(b)), kind]); // all is measured before anything changes
    for (const [d, kind] of paths) Lines.path(shown.lines.lit, d, kind);
    for (const [a, b, kind] of drawn) for (const el of [a, b]) if (!self.has(el)) el.classList.add(`lit-${kind}`);
    for (const el of self) el.classList.add("lit-self");
  };
  const node = (v, indirect) => {
    const pairs = [];
    for (const [up, kind] of [[true, "up"], [false, "down"]]) {
      const reached = G.closure([v], up, indirect);
      for (const at of reached.keys())
        (up ? G.eachAbove : G.eachBelow)(at, indirect, (other) => pairs.push(up ? [shown.element(other), shown.element(at), kind] : [shown.element(at), shown.element(other), kind]));
    }
    draw(pairs, new Set([shown.element(v)].filter(Boolean)));
  };
  const tables = (begin) => {
    const pairs = [];
    for (const [up, kind] of [[true, "up"], [false, "down"]])
      for (const at of G.tableClosure(begin, up).keys())
        for (const other of (up ? G.above : G.below)[at]) pairs.push(up ? [shown.table(other), shown.table(at), kind] : [shown.table(at), shown.table(other), kind]);
    draw(pairs, new Set(begin.map(shown.table).filter(Boolean)));
  };
  return { clear, node, tables, view(view) { shown = view; } };
})();
