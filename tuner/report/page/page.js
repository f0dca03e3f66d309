// Draws the charts that the page carries as JSON, tells which tables scroll, and sorts tables by the column that is clicked.
"use strict";

const narrow = window.matchMedia("(max-width: 40rem)").matches;

for (const chart of document.querySelectorAll(".chart")) {
  const figure = JSON.parse(document.getElementById(`${chart.id}-figure`).textContent);
  if (narrow) {
    figure.layout.margin = { ...figure.layout.margin, l: 48, r: 6 };
  }
  figure.layout.font.family = getComputedStyle(document.body).fontFamily;
  Plotly.newPlot(chart, figure.data, figure.layout, { responsive: true, displaylogo: false, displayModeBar: false });
  // The ticks that the page carries suit the range that it shows at first; after zooming they are chosen anew.
  chart.on("plotly_relayout", (change) => {
    const ticks = {};
    for (const name of ["xaxis", "yaxis"]) {
      const axis = chart.layout[name];
      const zoomed = Object.keys(change).some((key) => key.startsWith(`${name}.range`) || key === `${name}.autorange`);
      if (zoomed && axis.type === "log") Object.assign(ticks, logarithmicTicks(name, axis.range));
    }
    if (Object.keys(ticks).length) Plotly.relayout(chart, ticks);
  });
}

// Returns the ticks 1, 2 and 5 of every decade; where that is too few, leaves the choice to Plotly; where many, only 1.
function logarithmicTicks(name, [low, high]) {
  if (high - low < 0.7) return { [`${name}.tickmode`]: "auto" };
  const steps = high - low < 3 ? [1, 2, 5] : [1];
  const decades = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, index) => Math.floor(low) + index);
  const ticks = decades.flatMap((decade) => steps.map((step) => step * 10 ** decade));
  return { [`${name}.tickmode`]: "array", [`${name}.tickvals`]: ticks };
}

// Paper is narrower than most windows, and charts do not follow it by themselves.
window.addEventListener("beforeprint", () => {
  for (const chart of document.querySelectorAll(".chart")) {
    Plotly.relayout(chart, { autosize: false, width: chart.closest(".small-charts") ? 226 : 680 });
  }
});
window.addEventListener("afterprint", () => {
  for (const chart of document.querySelectorAll(".chart")) Plotly.relayout(chart, { autosize: true, width: null });
});

// A table that is wider than its place says so, and can be scrolled with the keyboard.
const tables = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const overflows = target.scrollWidth > target.clientWidth + 1;
    target.classList.toggle("overflows", overflows);
    if (overflows) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const box of document.querySelectorAll(".scroll")) tables.observe(box);

function cellValue(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.sort ?? cell.textContent.trim();
  return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function compare(a, b) {
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === "number" ? -1 : 1;
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.closest("th");
    const sign = heading.ariaSort === "ascending" ? -1 : 1;
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const body = heading.closest("table").tBodies[0];
    const column = heading.cellIndex;
    const rows = [...body.rows].sort((a, b) => sign * compare(cellValue(a, column), cellValue(b, column)));
    body.append(...rows);
  });
}
