"use strict";
// The two views and the lists beside them. Where one stands is in the address (#t=table, #c=table/column), so back and links work.
(() => {
  const $ = (id) => document.getElementById(id);
  const stage = $("stage"), side = $("side"), MOST = 80, LONG = 150;
  const state = { level: 0, indirect: false, openGroups: new Set(), openTables: new Set() };
  const passes = (c) => c[3] >= state.level || state.level === 0;
  const shownColumns = (t) => t.columns.flatMap((c, k) => (passes(c) ? [t.base + 1 + k] : []));
  const tablePasses = (t) => state.level === 0 || t.columns.some(passes);
  const address = (t, v) => (v === undefined ? `#t=${encodeURIComponent(G.tables[t].key)}` : `#c=${encodeURIComponent(G.tables[t].key)}/${encodeURIComponent((G.column(v) ?? [""])[0])}`);
  const go = (to) => { location.hash = to; };
  const act = (zh, english, onclick) => make("button", { class: "act", type: "button", onclick }, `${zh} `, en(english));
  const head = (zh, english) => { $("heading").replaceChildren(`${zh} `, en(english)); document.title = `${zh} · 数据血缘 lineage · 源清`; };
  const nameOf = (t) => [t.zh + " ", en(t.key)];
  const department = (t) => G.facts.departments[t.department];

  // The whole graph: four lanes, in each the departments, in each its tables, in each its columns.
  function plan(focus) {
    stage.className = "plan"; stage.replaceChildren();
    const groupEl = new Map(), tableEl = new Map(), nodeEl = new Map(), groups = new Map();
    G.tables.forEach((t, i) => {
      if (!tablePasses(t)) return;
      const key = t.layer * 100000 + t.department;
      if (!groups.has(key)) groups.set(key, { key, layer: t.layer, department: t.department, tables: [] });
      groups.get(key).tables.push(i);
    });
    const lanes = make("div", { class: "lanes" });
    LAYERS.forEach(([zh, english], layer) => {
      const mine = [...groups.values()].filter((g) => g.layer === layer).sort((a, b) => a.department - b.department);
      const list = make("ul", { class: "plain" }, ...mine.map((g) => groupItem(g)));
      lanes.append(make("section", { "aria-label": `${zh} ${english}` }, make("h3", {}, `${zh} `, en(english), make("span", { class: "badge" }, ` ${mine.reduce((n, g) => n + g.tables.length, 0)}`)), list));
    });
    stage.append(lanes);
    const lines = Lines.layer(stage);
    const group = (t) => groupEl.get(G.tables[t].layer * 100000 + G.tables[t].department);
    const table = (t) => tableEl.get(t) ?? group(t);
    const view = { stage, svg: lines.svg, lines, table, element: (v) => nodeEl.get(v) ?? table(G.tableOf[v]) };
    Lit.view(view);
    resize();
    head("全图", "The whole graph");
    const columns = G.tables.reduce((n, t) => n + t.columns.length, 0);
    $("told").replaceChildren(`${G.tables.length} 个表，${columns} 列，${G.facts.edges.length / 5} 条列间关系。 `, en(`${G.tables.length} tables, ${columns} columns. Open a department, then a table; hover or focus lights what is above (solid) and below (dashed).`));
    $("actions").replaceChildren(
      act("全部展开", "unfold", () => { for (const k of groups.keys()) state.openGroups.add(k); plan(); }),
      act("全部折叠", "fold", () => { state.openGroups.clear(); state.openTables.clear(); plan(); }));
    if (focus) stage.querySelector(focus)?.focus();

    function resize() { Lines.size(lines.svg, 0, 0); Lines.size(lines.svg, lanes.scrollWidth, lanes.scrollHeight); }
    function foldable(button, set, key, fill) { // what is within is made when it is first opened
      let inner = null;
      const open = () => {
        const is = set.has(key);
        button.setAttribute("aria-expanded", String(is));
        if (is && !inner) { inner = fill(); button.closest("li").append(inner); }
        if (!is && inner) { inner.querySelectorAll("[data-node]").forEach((el) => nodeEl.delete(+el.dataset.node)); inner.querySelectorAll("[data-table]").forEach((el) => tableEl.delete(+el.dataset.table)); inner.remove(); inner = null; }
      };
      button.addEventListener("click", () => { set.has(key) ? set.delete(key) : set.add(key); Lit.clear(); open(); resize(); });
      return open;
    }
    function groupItem(g) {
      const [zh, english] = G.facts.departments[g.department], judged = g.tables.map((i) => G.tables[i].quality).filter(Boolean);
      const failing = judged.filter((q) => q[3]).length, lowest = judged.length ? score(Math.min(...judged.map((q) => q[0]))) : null;
      const button = make("button", { class: "group fold", type: "button", "data-group": g.tables.join(",") }, `${zh} `, en(english), make("br"),
        make("span", { class: "badge" }, `${g.tables.length} 表 tables`), lowest ? " " : null, lowest ? make("span", { class: "badge" }, `最低 lowest ${lowest}`) : null, failing ? make("span", { class: "badge bad" }, ` ✗${failing}`, make("span", { class: "vh" }, " 个表有规则未通过 tables with failing rules")) : null);
      groupEl.set(g.key, button);
      const item = make("li", {}, button);
      foldable(button, state.openGroups, g.key, () => make("ul", { class: "plain inner", style: `contain-intrinsic-height:auto ${60 * g.tables.length}px` }, ...g.tables.map(tableItem)))();
      return item;
    }
    function tableItem(i) {
      const t = G.tables[i];
      const button = make("button", { class: "fold", type: "button" }, ...nameOf(t), " ", badge(t));
      const box = make("div", { class: "table", "data-table": i }, button, make("button", { class: "go", type: "button", onclick: () => go(address(i)), "aria-label": `来龙去脉 the way of ${t.zh} ${t.key}` }, "来去", make("br"), en("way")));
      tableEl.set(i, box);
      const item = make("li", {}, box);
      foldable(button, state.openTables, i, () => make("ul", { class: "plain columns" }, ...shownColumns(t).map((v) => { const b = columnButton(v); nodeEl.set(v, b); return make("li", {}, b); })))();
      return item;
    }
  }

  // A table's or a column's way: what is above and below it, laid out; of a column, in each table only the columns on its path.
  function way(here, column) {
    stage.className = "way"; stage.replaceChildren();
    const t = G.tables[here], path = column === undefined ? null : [...G.closure([column], true, state.indirect).keys(), ...G.closure([column], false, state.indirect).keys()];
    const far = new Map(), opened = new Set(path ? [] : [here]);
    if (path) for (const v of path) far.set(G.tableOf[v], 0);
    else for (const up of [true, false]) for (const [i, d] of G.tableClosure([here], up)) if (!far.has(i)) far.set(i, d);
    const all = [...far].sort((a, b) => (a[0] !== here) - (b[0] !== here) || a[1] - b[1]).map(([i]) => i), some = all.slice(0, MOST);
    const on = new Map(some.map((i) => [i, []]));
    for (const v of new Set(path ?? [])) on.get(G.tableOf[v])?.push(v);

    const canvas = make("div"), boxEl = new Map(), nodeEl = new Map();
    stage.append(canvas);
    const lines = Lines.layer(canvas);
    for (const i of some.sort((a, b) => G.tables[a].layer - G.tables[b].layer || a - b)) {
      const of = G.tables[i], inner = make("ul", { class: "plain columns" });
      const toggle = path ? null : make("button", { class: "open fold", type: "button", "aria-label": `${of.zh} ${of.key} 的列 columns`, onclick: () => { opened.has(i) ? opened.delete(i) : opened.add(i); Lit.clear(); place(); } });
      const box = make("div", { role: "group", class: `box${i === here ? " here" : ""}${tablePasses(of) ? "" : " faded"}`, "data-table": i, "aria-label": `${of.zh} ${of.key}` },
        make("div", { class: "head" }, make("button", { class: "name1", type: "button", onclick: () => go(address(i)) }, make("span", {}, of.zh), make("span", { class: "en" }, of.key), badge(of)), toggle), inner);
      boxEl.set(i, box); canvas.append(box);
      box.fill = () => {
        const wanted = path ? on.get(i).filter((v) => !G.column(v) || passes(G.column(v))).sort((a, b) => a - b) : opened.has(i) ? shownColumns(of) : [];
        toggle?.setAttribute("aria-expanded", String(opened.has(i)));
        if (inner.children.length !== wanted.length) {
          for (const b of inner.querySelectorAll("[data-node]")) nodeEl.delete(+b.dataset.node);
          inner.replaceChildren(...wanted.map((v) => { const b = columnButton(v); nodeEl.set(v, b); return make("li", {}, b); }));
        }
        box.hidden = false;
        return 60 + (wanted.length ? 26 * wanted.length + 4 : 0);
      };
    }
    function links() { // between tables; of a column's way only those that it goes
      const near = (i) => [...G.below[i]].filter((b) => boxEl.has(b));
      if (!path) return some.flatMap((i) => near(i).map((b) => [i, b]));
      const pairs = new Map(), note = (a, b) => { const [x, y] = [G.tableOf[a], G.tableOf[b]]; if (x !== y && boxEl.has(x) && boxEl.has(y)) pairs.set(`${x}>${y}`, [x, y]); };
      for (const v of G.closure([column], true, state.indirect).keys()) G.eachAbove(v, state.indirect, (w) => note(w, v));
      for (const v of G.closure([column], false, state.indirect).keys()) G.eachBelow(v, state.indirect, (w) => note(v, w));
      return [...pairs.values()];
    }
    function place() {
      const boxes = some.map((i) => ({ id: i, height: boxEl.get(i).fill() }));
      const laid = arrange(boxes, links());
      view.ways = laid.ways;
      for (const b of boxes) { const el = boxEl.get(b.id), p = laid.at.get(b.id); el.style.left = `${p.x}px`; el.style.top = `${p.y}px`; el.style.width = `${WIDE}px`; el.style.height = `${b.height}px`; }
      canvas.style.cssText = `position:relative;width:${laid.width}px;height:${laid.height}px`;
      Lines.size(lines.svg, laid.width, laid.height);
      lines.still.replaceChildren();
      if (!path) for (const points of laid.ways.values()) Lines.path(lines.still, Lines.through(points));
    }
    const view = { stage: canvas, svg: lines.svg, lines, ways: null, table: (i) => boxEl.get(i), element: (v) => nodeEl.get(v) ?? boxEl.get(G.tableOf[v]) };
    place();
    Lit.view(view);
    if (path) { view.rest = () => Lit.node(column, state.indirect); view.rest(); }
    rest = view.rest ?? null;
    const own = boxEl.get(here);
    stage.scrollTo({ left: own.offsetLeft - (stage.clientWidth - WIDE) / 2, top: Math.max(0, own.offsetTop - 40) });
    const c = column === undefined ? null : G.column(column) ?? ["", "整行", "rows", 0];
    c ? head(`${t.zh} · ${c[1] || c[0]}`, `${t.key}.${c[0]}`) : head(t.zh, t.key);
    const told = path ? [`列的来去：${all.length} 个表。 `, en(`The column's way through ${all.length} tables. Solid: what it is made of; dashed: what is made of it.`)] : [`上下游 ${all.length - 1} 个表。 `, en(`${all.length - 1} tables above and below. ▸ opens columns; a column's own way is a click on it.`)];
    $("told").replaceChildren(...told, ...(all.length > some.length ? [` 图中只画最近的 ${some.length} 个，其余见清单。 `, en(`Drawn are the nearest ${some.length}; the lists have all.`)] : []));
    $("actions").replaceChildren(act("全图", "whole graph", () => go("#")), ...(path ? [act("整表", "the whole table", () => go(address(here)))] : []));
  }

  // The same as lists.
  const listed = (title, english, items) => {
    const list = make("ul", { class: "plain" }, ...items.slice(0, LONG).map((one) => make("li", {}, one())));
    const parts = [make("h3", {}, `${title} `, en(english), ` ${items.length}`), items.length ? list : make("p", { class: "small soft" }, "无 none")];
    if (items.length > LONG) parts.push(make("button", { class: "act", type: "button", onclick: (e) => { list.append(...items.slice(LONG).map((one) => make("li", {}, one()))); e.target.closest("button").remove(); } }, `全部 all ${items.length}`));
    return parts;
  };
  const tableEntry = (i) => () => make("button", { type: "button", "data-table": i, onclick: () => go(address(i)) }, ...nameOf(G.tables[i]), " ", badge(G.tables[i]));
  const facts = (...pairs) => make("dl", { class: "facts" }, ...pairs.filter((p) => p[2]).flatMap(([zh, english, value]) => [make("dt", {}, `${zh} `, en(english)), make("dd", {}, value)]));
  function tellTable(i) {
    const t = G.tables[i], [zh, english] = department(t), [total, newest] = t.batches;
    const ways = [[true, "上游", "upstream"], [false, "下游", "downstream"]].map(([up, a, b]) => listed(a, b, [...G.tableClosure([i], up).keys()].slice(1).filter((k) => tablePasses(G.tables[k])).map(tableEntry)));
    side.replaceChildren(make("h2", {}, ...nameOf(t)),
      facts(["部门", "department", make("span", {}, `${zh} `, en(english))], ["层", "layer", LAYERS[t.layer].join(" ")], ["最高分级", "highest level", G.level(t) ? String(G.level(t)) : null], ["质量", "quality", t.quality ? badge(t) : null], ["得分×覆盖率", "ranked", t.quality ? score(t.quality[1]) : null]),
      ...batches(total, newest), ...unknown(t),
      ...listed("列", "columns", shownColumns(t).map((v) => () => columnButton(v))), ...ways.flat());
  }
  function batches(total, newest) {
    if (!total) return [];
    return [make("h3", {}, "批次 ", en("hand-overs in its present state"), ` ${total}`),
      make("table", {}, make("thead", {}, make("tr", {}, ...["数据集 dataset", "时期 period", "收到 received", "行 rows"].map((x) => make("th", { scope: "col" }, x)))),
        make("tbody", {}, ...newest.map(([dataset, period, unit, received, rows]) => make("tr", {}, make("td", {}, from(dataset), unit ? ` ${unit}` : ""), make("td", {}, period), make("td", {}, received), make("td", { class: "n" }, rows === null ? "—" : rows.toLocaleString("en")))))),
      total > newest.length ? make("p", { class: "small soft" }, `最新 ${newest.length} 批；全部：yuanqing lineage … --level batch `, en(`the newest ${newest.length}`)) : null].filter(Boolean);
  }
  const from = (dataset) => { const i = G.byKey.get(`std.${dataset}`); return i === undefined ? dataset : make("a", { href: address(i) }, G.tables[i].zh); };
  const unknown = (t) => t.unknown.length ? [make("h3", {}, "无法解析 ", en("could not be resolved; nothing is guessed")), make("ul", { class: "plain" }, ...t.unknown.map(([c, sql]) => make("li", {}, `${c || "行 rows"}: `, make("code", {}, sql))))] : [];
  function tellColumn(v) {
    const i = G.tableOf[v], t = G.tables[i], c = G.column(v) ?? ["", "整行", "rows", 0];
    const reached = (up) => [...G.closure([v], up, state.indirect)].slice(1).map(([w, e]) => () => {
      const of = G.column(w) ?? ["", "整行", "rows", 0], [zh, english] = KINDS[G.kindOf(e)], table = G.tables[G.tableOf[w]];
      return make("button", { type: "button", "data-node": w }, `${table.zh} · ${of[1] || of[0]} `, en(`${table.key}.${of[0]}`), make("br"), make("span", { class: "badge" }, `${zh} ${english}${G.by(e) ? ` · ${G.by(e)}` : ""}${G.masked(e) ? " · 已遮蔽 masked" : ""}`), " ", levelMark(of[3]));
    });
    side.replaceChildren(make("h2", {}, `${c[1] || c[0]} `, en(`${t.key}.${c[0]}`)),
      facts(["表", "table", make("a", { href: address(i) }, t.zh)], ["部门", "department", department(t).join(" ")], ["英文", "English", c[2]], ["分级", "level", c[3] ? String(c[3]) : null], ["质量", "quality of the table", t.quality ? badge(t) : null]),
      ...listed("来自", "made of", reached(true)), ...listed("用于", "goes into", reached(false)));
  }
  function tellAll() {
    side.replaceChildren(make("h2", {}, "怎样使用 ", en("How to use")),
      make("p", { class: "small" }, "查找，或打开部门、表、列；「来去」给出一张表的全部上下游，点一列给出这一列的来去。键盘：Tab 移动，回车打开，/ 查找，Esc 清除。"),
      make("p", { class: "small en", lang: "en" }, "Search, or open a department, a table, a column. “way” shows all above and below a table; a click on a column shows its way. Keys: Tab moves, Enter opens, / searches, Esc clears."),
      ...listed("未通过规则最多", "most failing rules", G.tables.map((t, i) => i).filter((i) => G.tables[i].layer > 0 && G.tables[i].quality?.[3] && tablePasses(G.tables[i])).sort((a, b) => G.tables[b].quality[3] - G.tables[a].quality[3]).slice(0, 12).map(tableEntry)));
  }

  let rest = null, arrived = false;
  function show() {
    Lit.clear(); rest = null;
    const [, kind, key, name] = location.hash.match(/^#([tc])=([^/]*)\/?(.*)$/) ?? [];
    const plain = (text) => { try { return decodeURIComponent(text); } catch { return ""; } };
    const i = kind ? G.byKey.get(plain(key)) : undefined, v = kind === "c" && i !== undefined ? (name ? G.node(i, plain(name)) : G.tables[i].base) : -1;
    if (i === undefined || (kind === "c" && v < 0)) {
      plan(); tellAll();
      if (kind) $("told").prepend(`没有 no ${plain(key)}${name ? "." + plain(name) : ""}。 `);
    } else if (kind === "c") { way(i, v); tellColumn(v); }
    else { way(i); tellTable(i); }
    side.scrollTop = 0;
    if (arrived) $("heading").focus({ preventScroll: true });
    arrived = true;
  }

  function find() {
    const text = $("search").value.trim(), list = $("results");
    if (!text) { list.hidden = true; list.replaceChildren(); $("found").textContent = ""; return; }
    const { hits, total } = G.search(text, (w) => (w.node < 0 ? tablePasses(G.tables[w.table]) : passes(G.column(w.node))), 60);
    list.hidden = !total;
    list.replaceChildren(...hits.map((w) => {
      const t = G.tables[w.table], c = w.node < 0 ? null : G.column(w.node);
      return make("li", {}, make("button", { type: "button", onclick: () => { $("search").value = ""; find(); go(c ? address(w.table, w.node) : address(w.table)); } },
        c ? `${c[1] || c[0]} ` : "", c ? en(c[0]) : "", c ? " ← " : "", ...nameOf(t), " ", c ? levelMark(c[3]) : badge(t)));
    }));
    $("found").textContent = `找到 ${total} 项${total > hits.length ? `，列出前 ${hits.length} 项` : ""} ${total} found`;
  }

  const light = (el) => {
    if (!el) return rest ? rest() : Lit.clear();
    if (el.dataset.node !== undefined) Lit.node(+el.dataset.node, state.indirect);
    else if (el.dataset.table !== undefined) Lit.tables([+el.dataset.table]);
    else Lit.tables(el.dataset.group.split(",").map(Number));
  };
  let over = null;
  const point = (event) => {
    const el = event.target.closest?.("[data-node], [data-table], [data-group]") ?? null;
    if (el === over) return;
    over = el;
    requestAnimationFrame(() => { if (over === el) light(el); });
  };
  for (const area of [stage, side]) {
    area.addEventListener("mouseover", point);
    area.addEventListener("focusin", point);
    area.addEventListener("mouseleave", () => { over = null; light(null); });
    area.addEventListener("click", (event) => { const el = event.target.closest("[data-node]"); if (el) go(address(G.tableOf[+el.dataset.node], +el.dataset.node)); });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(event.target.tagName)) { event.preventDefault(); $("search").focus(); }
    if (event.key === "Escape") { $("search").value = ""; find(); over = null; light(null); }
    if (event.key === "ArrowDown" && event.target === $("search")) { event.preventDefault(); $("results").querySelector("button")?.focus(); }
  });
  $("search").addEventListener("input", find);
  $("level").addEventListener("change", (event) => { state.level = +event.target.value; show(); find(); });
  $("indirect").addEventListener("change", (event) => { state.indirect = event.target.checked; show(); });
  $("skip").addEventListener("click", (event) => { event.preventDefault(); $("view").focus(); });
  addEventListener("hashchange", show);
  show();
})();
