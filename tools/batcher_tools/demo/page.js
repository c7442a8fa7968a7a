// Point at a chart: every chart shows its value of that moment.
"use strict";
const NS = "http://www.w3.org/2000/svg";
const charts = [...document.querySelectorAll("svg[data-points]")].map((svg) => {
  const [left, right, top, bottom] = svg.dataset.box.split(",").map(Number);
  const points = svg.dataset.points ? svg.dataset.points.split(";").map((p) => p.split(",").map(Number)) : [];
  const make = (name, attributes) => {
    const node = svg.appendChild(document.createElementNS(NS, name));
    for (const [key, value] of Object.entries({ visibility: "hidden", ...attributes })) node.setAttribute(key, value);
    return node;
  };
  const hair = make("path", { class: "hair" });
  const dot = make("circle", { class: "dot", r: 4 });
  return { svg, left, right, top, bottom, points, hair, dot, value: svg.querySelector(".value"), ...svg.dataset };
});
const at = document.getElementById("at");

function nearest(points, t) {
  let low = 0, high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < t) low = middle; else high = middle;
  }
  return Math.abs(points[low][0] - t) < Math.abs(points[high][0] - t) ? points[low] : points[high];
}

function show(t) {
  at.textContent = t === null ? "" : `${t.toFixed(2)} s`;
  for (const c of charts) {
    const p = t === null || !c.points.length ? null : nearest(c.points, t);
    const visible = p ? "visible" : "hidden";
    c.hair.setAttribute("visibility", visible);
    c.dot.setAttribute("visibility", visible);
    c.value.textContent = "";
    if (!p) continue;
    const x = c.left + ((c.right - c.left) * p[0]) / c.seconds;
    const y = c.top + ((c.bottom - c.top) * (c.high - p[1])) / (c.high - c.low);
    c.hair.setAttribute("d", `M${x} ${c.top}V${c.bottom}`);
    c.dot.setAttribute("cx", x);
    c.dot.setAttribute("cy", y);
    c.value.textContent = `${p[1].toLocaleString("en", { maximumFractionDigits: 2 })} ${c.unit}`;
  }
}

for (const c of charts) {
  c.svg.addEventListener("pointermove", (event) => {
    const box = c.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * c.svg.viewBox.baseVal.width;
    show(Math.min(c.seconds, Math.max(0, ((x - c.left) / (c.right - c.left)) * c.seconds)));
  });
  c.svg.addEventListener("pointerleave", () => show(null));
}
