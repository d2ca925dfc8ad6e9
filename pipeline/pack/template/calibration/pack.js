// What a pack can do where scripts run: sort and filter tables, show one part at a time on a
// beamer, keep the time. Without it everything is there to read. It fetches and stores nothing.
(() => {
  "use strict";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // tables ------------------------------------------------------------------------------
  const compare = (a, b) => {
    const left = a.dataset.order, right = b.dataset.order;
    if (left !== undefined && right !== undefined) return Number(left) - Number(right);
    if (left !== undefined || right !== undefined) return left === undefined ? 1 : -1;
    return a.textContent.trim().localeCompare(b.textContent.trim(), document.documentElement.lang);
  };
  for (const table of all("table[data-tools]")) {
    const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sorted = [...rows].sort((a, b) => compare(a.cells[column], b.cells[column]));
        body.append(...(down ? sorted.reverse() : sorted));
      });
    });
    const tools = document.getElementById(table.dataset.tools);
    const input = tools.querySelector("input"), shown = tools.querySelector("output");
    const filter = () => {
      const words = input.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      for (const row of rows) {
        const text = row.textContent.toLocaleLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        n += row.hidden ? 0 : 1;
      }
      shown.textContent = words.length ? `${n} / ${rows.length}` : "";
    };
    input.addEventListener("input", filter);
    tools.hidden = false;
  }

  // one part at a time ------------------------------------------------------------------
  const stage = document.getElementById("stage");
  if (!stage) return;
  const root = document.documentElement, slides = [];
  for (const section of all("main > section, main > header")) {
    const cases = all(".case", section);
    slides.push({ section, part: null, minutes: 0 });
    for (const part of cases) slides.push({ section, part, minutes: Number(part.dataset.minutes) });
  }
  const find = (name) => stage.querySelector(`[data-stage="${name}"]`);
  let at = 0, presenting = false;

  const show = (wanted) => {
    at = Math.max(0, Math.min(slides.length - 1, wanted));
    const { section, part } = slides[at];
    for (const one of all(".on-stage")) one.classList.remove("on-stage");
    section.classList.add("on-stage");
    section.classList.toggle("one-case", part !== null);
    if (part) {
      part.classList.add("on-stage");
      for (const fold of all(".case-fold", part)) fold.open = true;
    }
    find("place").textContent = `${at + 1} / ${slides.length}`;
    find("back").disabled = at === 0;
    find("on").disabled = at === slides.length - 1;
    part_began = elapsed();
    tick();
    window.scrollTo(0, 0);
    const title = (part || section).querySelector("h1, h2, h3");
    if (title) {
      title.tabIndex = -1;
      title.focus({ preventScroll: true });
    }
  };
  const nearest = () => {
    const tops = slides.map(({ section, part }) => (part || section).getBoundingClientRect().top);
    return Math.max(0, tops.findLastIndex((top) => top < window.innerHeight / 3));
  };
  const present = (on) => {
    const here = on ? nearest() : at;
    presenting = on;
    root.classList.toggle("presenting", on);
    find("start").setAttribute("aria-pressed", String(on));
    for (const one of all("[data-only-presenting]", stage)) one.hidden = !on;
    if (on) show(here);
    else {
      for (const one of all(".one-case")) one.classList.remove("one-case");
      (slides[here].part || slides[here].section).scrollIntoView();
    }
  };
  find("start").addEventListener("click", () => present(!presenting));
  find("back").addEventListener("click", () => show(at - 1));
  find("on").addEventListener("click", () => show(at + 1));
  document.addEventListener("keydown", (event) => {
    if (!presenting || event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      show(at + step);
    } else if (event.key === "Escape") present(false);
  });
  // a link to a case within the show goes to its slide
  document.addEventListener("click", (event) => {
    const link = event.target.closest('main a[href^="#"]');
    if (!presenting || !link) return;
    const target = document.getElementById(link.getAttribute("href").slice(1));
    const wanted = slides.findIndex(({ section, part }) => (part || section) === target);
    if (wanted >= 0) {
      event.preventDefault();
      show(wanted);
    }
  });

  // the clock ---------------------------------------------------------------------------
  let before = 0, since = null, part_began = 0;
  const elapsed = () => before + (since === null ? 0 : Date.now() - since);
  const clock = (milliseconds) => {
    const seconds = Math.floor(Math.abs(milliseconds) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  const tick = () => {
    const time = find("time"), planned = Number(document.querySelector("[data-session-minutes]")?.dataset.sessionMinutes || 0);
    time.textContent = clock(elapsed()) + (planned ? ` / ${clock(planned * 60000)}` : "");
    time.classList.toggle("late", planned > 0 && elapsed() > planned * 60000);
    const minutes = presenting ? slides[at].minutes : 0, spent = elapsed() - part_began;
    const own = find("case-time");
    own.hidden = !minutes;
    own.textContent = minutes ? `${clock(spent)} / ${clock(minutes * 60000)}` : "";
    own.classList.toggle("late", minutes > 0 && spent > minutes * 60000);
  };
  find("clock").addEventListener("click", (event) => {
    if (since === null) since = Date.now();
    else {
      before = elapsed();
      since = null;
    }
    event.currentTarget.setAttribute("aria-pressed", String(since !== null));
    tick();
  });
  setInterval(tick, 1000);
  tick();
  stage.hidden = false;
})();
