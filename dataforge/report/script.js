"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const button = (text) => Object.assign(document.createElement("button"), { type: "button", textContent: text });

  // Theme: the system's, until the reader chooses. A file opened from disk may have no storage.
  const theme = one("theme");
  const stored = { get: () => { try { return localStorage.getItem("forge-theme"); } catch { return null; } },
    set: (name) => { try { localStorage.setItem("forge-theme", name); } catch { /* not kept */ } } };
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { theme.textContent = isDark() ? "Light theme" : "Dark theme"; };
  if (["light", "dark"].includes(stored.get())) root.dataset.theme = stored.get();
  theme.hidden = false;
  name();
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; stored.set(root.dataset.theme); name(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);

  // Tables: a click on a heading sorts; a second click turns the order round.
  const key = (cell) => {
    const text = cell.dataset.sort ?? cell.textContent.trim();
    if (!cell.classList.contains("num")) return text.toLowerCase();
    const number = parseFloat(text.replace(/[,\s<>]/g, ""));
    return Number.isNaN(number) ? -Infinity : number;
  };
  for (const table of all("table.sortable")) {
    const headings = all("thead th", table);
    headings.forEach((heading, column) => {
      if (heading.classList.contains("bar")) return;
      const sorter = button(heading.textContent);
      heading.replaceChildren(sorter);
      sorter.addEventListener("click", () => {
        const isNumber = heading.classList.contains("num");
        const was = heading.getAttribute("aria-sort");
        const order = was ? (was === "ascending" ? "descending" : "ascending") : isNumber ? "descending" : "ascending";
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const lines = all(":scope > tr", table.tBodies[0]).map((line) => [key(line.cells[column]), line]);
        lines.sort(([a], [b]) => sign * (a < b ? -1 : a > b ? 1 : 0));
        table.tBodies[0].append(...lines.map(([, line]) => line));
      });
    });
  }

  // Examples: only those that hold the words are shown.
  const filter = one("filter-text");
  if (filter) {
    const groups = all("details.examples");
    const openAll = one("open-all");
    filter.closest("p").hidden = false;
    const apply = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let found = 0;
      for (const group of groups) {
        const about = group.querySelector("summary").textContent.toLowerCase();
        let within = 0;
        for (const example of all(".example", group)) {
          const text = `${about} ${example.textContent.toLowerCase()}`;
          example.hidden = !words.every((word) => text.includes(word));
          within += example.hidden ? 0 : 1;
        }
        group.hidden = words.length > 0 && within === 0;
        if (words.length) group.open = within > 0;
        found += within;
      }
      one("filter-count").textContent = words.length ? `${found} found` : "";
    };
    filter.addEventListener("input", apply);
    openAll.addEventListener("click", () => {
      const open = groups.some((group) => !group.open);
      groups.forEach((group) => { group.open = open; });
      openAll.textContent = open ? "Close all" : "Open all";
    });
  }

  // Commands: one click copies.
  for (const box of all(".command")) {
    if (!navigator.clipboard) break;
    const copy = button("Copy");
    copy.className = "copy";
    copy.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(box.querySelector("code").textContent); copy.textContent = "Copied"; }
      catch { copy.textContent = "Not copied"; }
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
    box.append(copy);
  }

  // Links into a folded part unfold it.
  const reveal = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = id && one(id);
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Contents: mark the section that is read.
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -80% 0px" });
  all("section[id]").forEach((section) => watch.observe(section));

  // Paper shows everything.
  let folded = [];
  addEventListener("beforeprint", () => { folded = all("details:not([open])"); folded.forEach((part) => { part.open = true; }); });
  addEventListener("afterprint", () => folded.forEach((part) => { part.open = false; }));
})();
