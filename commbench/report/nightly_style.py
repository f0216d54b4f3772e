"""The history page's looks and its filter; colours and type are the report's own."""

from commbench.report.style import CSS as _REPORT_CSS

CSS = (
    _REPORT_CSS
    + """
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 0.75rem 1.25rem; }
.grid figure { margin: 0; content-visibility: auto; contain-intrinsic-size: auto 8rem; break-inside: avoid;
  border-left: 3px solid transparent; padding-left: 0.5rem; }
.grid figure.red { border-color: var(--bad); }
.grid figure[hidden] { display: none; }
.grid figcaption { font-size: 0.85rem; line-height: 1.35; overflow-wrap: anywhere; }
.grid figcaption span { display: block; font-size: 0.8rem; }
.grid svg { width: 100%; height: 4.5rem; display: block; background: var(--soft); }
.band { fill: var(--accent); opacity: 0.16; }
.line { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round;
  vector-effect: non-scaling-stroke; }
.last { fill: var(--accent); }
.red .line { stroke: var(--bad); } .red .last { fill: var(--bad); }
.spell { fill: var(--bad); opacity: 0.13; }
.mark { stroke: var(--faint); stroke-width: 3; stroke-dasharray: 2 2; opacity: 0.8;
  vector-effect: non-scaling-stroke; }
.filter { position: sticky; top: 0; background: var(--ground); padding: 0.5rem 0; margin: 0.5rem 0; z-index: 1;
  max-width: none; }
.filter input { font: inherit; padding: 0.25rem 0.5rem; width: min(100%, 24rem); color: inherit;
  background: var(--soft); border: 1px solid var(--rule); border-radius: 4px; }
article { border-left: 3px solid var(--rule); padding-left: 0.75rem; margin: 1rem 0; }
article p { margin: 0.15rem 0; max-width: none; }
.member { color: var(--faint); font-size: 0.9rem; }
button { font: inherit; font-size: 0.85rem; cursor: pointer; }
"""
)

# A figure stays when every word of the filter is in its own words. Text is only compared, never made into code.
SCRIPT = """
(function () {
  "use strict";
  var input = document.getElementById("filter"), count = document.getElementById("count");
  var figures = Array.prototype.slice.call(document.querySelectorAll(".grid figure"));
  function show() {
    var words = input.value.toLowerCase().split(/\\s+/).filter(Boolean), shown = 0;
    figures.forEach(function (figure) {
      var own = figure.getAttribute("data-words");
      var keep = words.every(function (word) { return own.indexOf(word) >= 0; });
      figure.hidden = !keep;
      shown += keep ? 1 : 0;
    });
    count.textContent = shown + " of " + figures.length + " series";
  }
  input.addEventListener("input", show);
  document.querySelectorAll("button[data-filter]").forEach(function (button) {
    button.addEventListener("click", function () {
      input.value = button.getAttribute("data-filter");
      show();
      input.scrollIntoView();
    });
  });
  var asked = decodeURIComponent(window.location.hash.slice(1));
  if (asked) { input.value = asked; }
  show();
}());
"""
