// Draws the pictures of a campaign's report, and draws them anew when a trial has ended or another campaign has begun.

import { hear } from "/static/autolab.js";

const LEAST_MS = 3000; // between two drawings

const place = document.querySelector("[data-pictures]");
const only = (place?.dataset.only || "").split(",").filter(Boolean);
let isDrawing = false;
let isWanted = false;

/** Colours of the page for a figure that was made for paper. */
function dressed(figure) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const layout = structuredClone(figure.layout);
  layout.paper_bgcolor = "rgba(0,0,0,0)";
  layout.plot_bgcolor = "rgba(0,0,0,0)";
  layout.font = { ...layout.font, color: colour("--text") };
  layout.hoverlabel = { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text") } };
  layout.autosize = true;
  delete layout.width;
  for (const name of Object.keys(layout).filter((key) => /^[xy]axis/.test(key)))
    Object.assign(layout[name], {
      gridcolor: colour("--soft-line"), linecolor: colour("--line"), zerolinecolor: colour("--line"),
    });
  if (layout.legend) Object.assign(layout.legend, { bgcolor: "rgba(0,0,0,0)" });
  return layout;
}

function frameOf(picture) {
  let figure = document.getElementById(`picture-${picture.id}`);
  if (!figure) {
    figure = document.createElement("figure");
    figure.id = `picture-${picture.id}`;
    const caption = document.createElement("figcaption");
    const title = document.createElement("b");
    const words = document.createElement("small");
    title.textContent = picture.title;
    caption.append(title, words);
    const plot = document.createElement("div");
    plot.className = "plot";
    plot.setAttribute("role", "img");
    figure.append(caption, plot);
    place.append(figure);
  }
  figure.querySelector("small").textContent = picture.summary;
  figure.querySelector(".plot").setAttribute("aria-label", `${picture.title}. ${picture.summary}`);
  return figure.querySelector(".plot");
}

async function draw() {
  const asked = place.dataset.pictures;
  if (!asked) return;
  if (isDrawing) {
    isWanted = true;
    return;
  }
  isDrawing = true;
  try {
    const answer = await fetch(asked);
    if (!answer.ok) return;
    const pictures = (await answer.json()).filter((each) => !only.length || only.includes(each.id));
    if (asked !== place.dataset.pictures) return;
    const plots = pictures.map(frameOf); // all of them first: they share the width
    for (const [number, picture] of pictures.entries()) {
      const plot = plots[number];
      plot.style.height = `${picture.figure.layout.height || 320}px`;
      await Plotly.react(plot, picture.figure.data, dressed(picture.figure), {
        displayModeBar: false, responsive: true,
      });
    }
  } catch {
    // the page says that the server is gone
  } finally {
    setTimeout(() => {
      isDrawing = false;
      if (isWanted) {
        isWanted = false;
        draw();
      }
    }, LEAST_MS);
  }
}

/** Go over to the campaign that the page, read again, is about. */
function follow(page) {
  const next = page.querySelector("[data-pictures]")?.dataset;
  if (!next || next.campaign === place.dataset.campaign) return;
  Object.assign(place.dataset, { pictures: next.pictures, campaign: next.campaign });
  for (const plot of place.querySelectorAll(".plot")) Plotly.purge(plot);
  place.replaceChildren();
  place.hidden = !next.campaign;
  draw();
}

if (place) {
  document.addEventListener("fresh", (event) => follow(event.detail));
  hear((what, data) => {
    if ((what === "trial" || what === "correction") && data.campaign === place.dataset.campaign) draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}
