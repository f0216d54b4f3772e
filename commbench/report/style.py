"""The page's looks and its one small script: system fonts only, light and dark, narrow screens and paper."""

CSS = """
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #59636e; --ground: #ffffff; --soft: #f4f6f8;
  --rule: #d5dae0; --accent: #0060a0; --bad: #b3261e; --warn-ground: #ffe9a8; --warn-ink: #4a3200; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --faint: #9aa5b1; --ground: #14181d; --soft: #1d232a;
  --rule: #343c46; --accent: #66b8ec; --bad: #ff8a80; --warn-ground: #5a4300; --warn-ink: #ffedb8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 84rem; margin: 0 auto; padding: 1.5rem clamp(1rem, 3vw, 2.5rem) 4rem; }
header h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.01em; margin: 0.5rem 0 0.25rem; }
header p, .note { color: var(--faint); margin: 0.25rem 0 0; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.75rem 0 0.75rem; padding-bottom: 0.3rem;
  border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 0 0 0.25rem; }
p { max-width: 48rem; }
.banner { background: var(--warn-ground); color: var(--warn-ink); border-left: 0.5rem solid #e69f00;
  padding: 1rem 1.25rem; font-size: 1.15rem; font-weight: 600; max-width: none; margin: 1rem 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem 2rem; }
.charts figure { margin: 0; min-width: 0; break-inside: avoid; }
figcaption { font-weight: 600; }
figcaption span { font-weight: 400; color: var(--faint); }
.chart { height: 26rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--faint); vertical-align: bottom; }
th, td { padding: 0.3rem 1.25rem 0.3rem 0; border-bottom: 1px solid var(--rule); }
td { vertical-align: top; overflow-wrap: anywhere; min-width: 3rem; }
td.n, th.n { text-align: right; white-space: nowrap; }
td:first-child { font-weight: 500; white-space: nowrap; }
.bad { color: var(--bad); font-weight: 600; }
.skipped { color: var(--faint); }
details { margin: 0.75rem 0; }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
pre, code { font: 0.85rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre { background: var(--soft); padding: 1rem; overflow-x: auto; }
code { overflow-wrap: anywhere; }
.chart svg text { fill: var(--ink) !important; font-family: inherit !important; }
.chart .hoverlayer svg text, .chart .hovertext text { fill: #ffffff !important; }
.chart .gridlayer path { stroke: var(--rule) !important; }
.chart .modebar-btn path { fill: var(--faint) !important; }
@media print {
  :root { color-scheme: light; --ink: #000000; --faint: #444444; --ground: #ffffff; --rule: #bbbbbb; --bad: #8c1d18; }
  main { max-width: none; padding: 0; } .modebar { display: none !important; } .charts { display: block; }
  section { break-inside: auto; } h2 { break-after: avoid; } .scroll { overflow: visible; }
}
"""

# The figures travel as JSON, so that nothing that was measured or named ever becomes code.
SCRIPT = """
(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var common = {
    autosize: true, hovermode: "closest", paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 72, r: 12, t: 36, b: 56 }, font: { size: 13 }, modebar: { bgcolor: "rgba(0,0,0,0)" },
    hoverlabel: { bgcolor: "#2b3138", bordercolor: "#2b3138", align: "left", font: { color: "#ffffff", size: 13 } },
    legend: { orientation: "h", x: 0, y: -0.19, yanchor: "top", font: { size: 13 } }
  };
  // The list of buttons is ours, because plotly's own offers to upload the chart to its makers' cloud.
  var buttons = [["toImage", "zoom2d", "pan2d", "resetScale2d"]];
  var config = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "",
    modeBarButtons: buttons };
  var axis = { zeroline: false, ticks: "", automargin: true };
  Object.keys(figures).forEach(function (id) {
    var layout = Object.assign({}, common, figures[id].layout);
    ["xaxis", "yaxis"].forEach(function (name) { layout[name] = Object.assign({}, axis, layout[name]); });
    Plotly.newPlot(id, figures[id].data, layout, config);
  });
}());
"""
