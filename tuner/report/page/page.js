// Draws the charts that the page carries as JSON, and sorts tables by the column that is clicked.
"use strict";

const narrow = window.matchMedia("(max-width: 40rem)").matches;

for (const chart of document.querySelectorAll(".chart")) {
  const figure = JSON.parse(document.getElementById(`${chart.id}-figure`).textContent);
  if (narrow) {
    figure.layout.margin = { ...figure.layout.margin, l: 48, r: 6 };
  }
  figure.layout.font.family = getComputedStyle(document.body).fontFamily;
  Plotly.newPlot(chart, figure.data, figure.layout, { responsive: true, displaylogo: false, displayModeBar: false });
}

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
