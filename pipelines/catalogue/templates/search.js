"use strict";
(() => {
  const find = document.getElementById("find");
  const filters = [...document.querySelectorAll("select[data-by]")];
  const said = document.getElementById("found");
  const sections = [...document.querySelectorAll("article[data-layer]")];
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const texts = sections.map((s) => plain(s.textContent));
  const show = () => {
    const words = plain(find.value).split(/\s+/).filter(Boolean);
    let count = 0;
    sections.forEach((section, i) => {
      const fits = words.every((w) => texts[i].includes(w)) && filters.every((f) => !f.value || section.dataset[f.dataset.by] === f.value);
      section.hidden = !fits;
      count += fits;
    });
    said.textContent = `${count} / ${sections.length} 个数据集 datasets`;
  };
  const opened = () => {
    const section = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = section && section.querySelector("details");
    if (!details) return;
    if (section.hidden) {
      find.value = "";
      filters.forEach((f) => { f.value = ""; });
      show();
    }
    details.open = true;
    section.scrollIntoView();
  };
  find.addEventListener("input", show);
  filters.forEach((f) => f.addEventListener("change", show));
  addEventListener("hashchange", opened);
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      e.preventDefault();
      find.focus();
    }
  });
  document.querySelector(".find").hidden = false;
  show();
  opened();
})();
