"use strict";
// The graph: numbers of rows and columns to tables, edges both ways, closures. Nothing here touches what is shown.
const G = (() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const tables = facts.tables;
  let count = 0;
  for (const t of tables) { t.base = count; count += t.columns.length + 1; }
  const tableOf = new Int32Array(count);
  tables.forEach((t, i) => tableOf.fill(i, t.base, t.base + t.columns.length + 1));

  const n = facts.edges.length / 5;
  const source = new Int32Array(n), target = new Int32Array(n);
  for (let e = 0; e < n; e++) { source[e] = facts.edges[5 * e]; target[e] = facts.edges[5 * e + 1]; }
  const sorted = (ends) => { // the edges of each node, packed: those of node v stand from at[v] to at[v + 1]
    const at = new Int32Array(count + 1), list = new Int32Array(n);
    for (let e = 0; e < n; e++) at[ends[e] + 1]++;
    for (let v = 0; v < count; v++) at[v + 1] += at[v];
    const next = at.slice();
    for (let e = 0; e < n; e++) list[next[ends[e]]++] = e;
    return (v) => list.subarray(at[v], at[v + 1]);
  };
  const into = sorted(target), outOf = sorted(source);

  const above = tables.map(() => new Set()), below = tables.map(() => new Set());
  for (let e = 0; e < n; e++) {
    const a = tableOf[source[e]], b = tableOf[target[e]];
    if (a !== b) { above[b].add(a); below[a].add(b); }
  }

  const kindOf = (e) => facts.kinds[facts.edges[5 * e + 2]];
  const STRONG = new Set(["IDENTITY", "TRANSFORMATION", "AGGREGATION"]);
  const direct = new Uint8Array(n);
  for (let e = 0; e < n; e++) direct[e] = STRONG.has(kindOf(e)) ? 1 : 0;
  const rowsOf = (v) => tables[tableOf[v]].base;

  // Each step from a node, as (other node, edge). A column depends on its table's rows too, which are no value of it.
  const eachAbove = (v, indirect, step) => {
    for (const e of into(v)) if (indirect || direct[e]) step(source[e], e);
    if (indirect && v !== rowsOf(v)) for (const e of into(rowsOf(v))) step(source[e], e);
  };
  const eachBelow = (v, indirect, step) => {
    for (const e of outOf(v)) {
      if (!indirect && !direct[e]) continue;
      step(target[e], e);
      if (target[e] === rowsOf(target[e])) {
        const t = tables[tableOf[target[e]]];
        for (let c = 1; c <= t.columns.length; c++) step(t.base + c, e);
      }
    }
  };
  const closure = (begin, up, indirect) => {
    const each = up ? eachAbove : eachBelow, found = new Map([...begin].map((v) => [v, -1])), waiting = [...found.keys()];
    for (let i = 0; i < waiting.length; i++)
      each(waiting[i], indirect, (v, e) => { if (!found.has(v)) { found.set(v, e); waiting.push(v); } });
    return found;
  };
  const tableClosure = (begin, up) => { // table to its distance, nearest first
    const beside = up ? above : below, found = new Map(begin.map((t) => [t, 0])), waiting = [...begin];
    for (let i = 0; i < waiting.length; i++)
      for (const t of beside[waiting[i]]) if (!found.has(t)) { found.set(t, found.get(waiting[i]) + 1); waiting.push(t); }
    return found;
  };

  const byKey = new Map(tables.map((t, i) => [t.key, i]));
  const column = (v) => tables[tableOf[v]].columns[v - rowsOf(v) - 1];
  const node = (table, name) => { const c = tables[table].columns.findIndex((x) => x[0] === name); return c < 0 ? -1 : tables[table].base + 1 + c; };
  const level = (t) => Math.max(0, ...t.columns.map((c) => c[2 + 1]));

  let words = null; // made when first asked: 20,000 columns in lower case
  const search = (text, passes, most) => {
    words ??= tables.flatMap((t, i) => [
      { table: i, node: -1, text: `${t.key} ${t.zh} ${t.en} ${facts.departments[t.department].join(" ")}`.toLowerCase() },
      ...t.columns.map((c, k) => ({ table: i, node: t.base + 1 + k, text: `${t.key}.${c[0]} ${c[1]} ${c[2]} ${t.zh}`.toLowerCase() })),
    ]).sort((a, b) => (a.node >= 0) - (b.node >= 0));
    const asked = text.toLowerCase().split(/\s+/).filter(Boolean), hits = [];
    let total = 0;
    for (const w of words)
      if (asked.every((a) => w.text.includes(a)) && passes(w)) { total++; if (hits.length < most) hits.push(w); }
    return { hits, total };
  };

  return { facts, tables, tableOf, source, target, above, below, kindOf, closure, tableClosure, eachAbove, eachBelow, byKey, column, node, level, search,
    masked: (e) => facts.edges[5 * e + 3] === 1, by: (e) => facts.by[facts.edges[5 * e + 4]] };
})();
