"use strict";
(() => {
  const places = [...document.querySelectorAll("[data-figure]")];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Text and grid take the page's colours; the marks keep theirs.
  const themed = (layout) => {
    const changes = { "font.color": colour("--text"), "hoverlabel.bgcolor": colour("--card"),
      "hoverlabel.bordercolor": colour("--line"), "hoverlabel.font.color": colour("--text") };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      changes[axis + ".gridcolor"] = colour("--grid");
      changes[axis + ".linecolor"] = colour("--line");
      changes[axis + ".tickcolor"] = colour("--line");
    }
    return changes;
  };

  const draw = (place) => {
    const { data, layout } = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    const settings = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
    return Plotly.newPlot(place, data, layout, settings).then(() => Plotly.relayout(place, themed(layout)));
  };

  const repaint = (more) => places.forEach((place) => Plotly.relayout(place, { ...themed(place.layout), ...more }));

  Promise.all(places.map(draw)).then(() => { document.documentElement.dataset.ready = "yes"; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint({}));
  matchMedia("print").addEventListener("change", (event) =>
    repaint(event.matches ? { width: 680, autosize: false } : { width: null, autosize: true }));
})();
