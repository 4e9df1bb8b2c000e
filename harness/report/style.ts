// The looks of a report: light and dark, on screen and on paper.

export const style = `
:root {
  color-scheme: light dark;
  --page: #f6f7f8; --panel: #ffffff; --ink: #1b1f24; --soft: #57606b; --line: #d9dee4; --faint: #eef1f4;
  --bad: #b3261e; --bad-soft: #fdecea; --good: #17693f; --good-soft: #e3f4ea; --warn: #855300; --warn-soft: #fdf1d8;
  --blue: #1d5ba6; --blue-soft: #e6effa; --violet: #6a3fa0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121518; --panel: #1a1e23; --ink: #e5e8eb; --soft: #9ba6b2; --line: #343b44; --faint: #22272d;
    --bad: #ff8f85; --bad-soft: #3a1f1f; --good: #74d3a0; --good-soft: #183226; --warn: #f2bd5c; --warn-soft: #362b14;
    --blue: #8dbcff; --blue-soft: #1b2a3f; --violet: #c4a3f2;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
main, header, footer { max-width: 1200px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 28px; }
footer { padding-bottom: 40px; color: var(--soft); font-size: 13px; }
code, pre, .mono { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: 12.5px; }
code { overflow-wrap: anywhere; }
a { color: var(--blue); }
a:focus-visible, button:focus-visible, input:focus-visible, summary:focus-visible, [tabindex]:focus-visible
  { outline: 2px solid var(--blue); outline-offset: 2px; }
.over { color: var(--soft); font-size: 13px; margin: 0 0 6px; }
.over span + span::before { content: '·'; margin: 0 8px; }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 14px; font-weight: 650; text-wrap: balance; }
h2 { font-size: 17px; margin: 0 0 12px; font-weight: 650; }
h3 { font-size: 14px; margin: 0 0 8px; font-weight: 650; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px 20px; margin: 0 0 16px; }
.note { color: var(--soft); font-size: 13px; margin: -6px 0 12px; }
.lead { border-left: 4px solid var(--bad); background: var(--bad-soft); border-radius: 0 8px 8px 0; padding: 11px 16px; margin: 0 0 14px; }
.lead p { margin: 0; font-weight: 600; color: var(--bad); overflow-wrap: anywhere; }
.lead p + p { margin-top: 4px; font-weight: 400; color: var(--ink); font-size: 14px; }
.lead.calm { border-color: var(--blue); background: var(--blue-soft); } .lead.calm p { color: var(--ink); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 5px 18px; margin: 0 0 20px; font-size: 14px; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; min-width: 0; }
.command { display: flex; gap: 8px; align-items: flex-start; }
.command code { flex: 0 1 auto; background: var(--faint); border: 1px solid var(--line); border-radius: 6px; padding: 3px 8px; min-width: 0; }
button { font: inherit; font-size: 12.5px; color: var(--ink); background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 3px 10px; cursor: pointer; }
button:hover { border-color: var(--soft); }
ol.verdicts { list-style: none; margin: 0 0 22px; padding: 0; display: grid; gap: 10px; }
ol.verdicts li { display: grid; grid-template-columns: 26px 1fr; gap: 10px; }
ol.verdicts b { display: grid; place-items: center; width: 24px; height: 24px; border-radius: 50%; background: var(--bad); color: var(--panel); font-size: 13px; }
ol.verdicts .well { background: var(--soft); } ol.verdicts p { margin: 0; } ol.verdicts .pair { color: var(--soft); font-size: 13px; } ol.verdicts .show { margin-top: 2px; }
.show code { background: var(--faint); border-radius: 4px; padding: 1px 6px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; fill: var(--ink); }
svg .soft { fill: var(--soft); } svg .mono { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
svg .box { fill: var(--panel); stroke: var(--line); } svg .inner { fill: var(--faint); stroke: none; }
svg .rule { stroke: var(--line); } svg .wire { stroke: var(--soft); stroke-width: 2; }
svg .blamed { stroke: var(--bad); stroke-width: 2; } svg .lost { fill: none; stroke: var(--bad); stroke-width: 2; }
svg .rewritten { fill: none; stroke: var(--warn); stroke-width: 2; stroke-dasharray: 6 4; }
svg .bad { fill: var(--bad); } svg .good { fill: var(--good); } svg .warn { fill: var(--warn); }
svg .blue { fill: var(--blue); } svg .violet { fill: var(--violet); }
svg .on-bad { fill: var(--panel); font-weight: 700; }
svg .good-cell { fill: var(--good-soft); } svg .bad-cell { fill: var(--bad); } svg .none-cell { fill: none; }
svg .window { fill: var(--warn-soft); } svg .bar { fill: var(--warn); } svg .now { stroke: var(--bad); stroke-width: 1.5; }
.sweeps { display: flex; flex-wrap: wrap; gap: 18px 26px; align-items: flex-start; }
.sweeps figure { margin: 0; } .sweeps svg { width: auto; }
.sweeps figcaption { font-size: 12.5px; color: var(--soft); margin-bottom: 6px; } .sweeps figcaption b { color: var(--ink); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; font-size: 12.5px; color: var(--soft); }
.legend i { font-style: normal; font-weight: 700; margin-right: 5px; }
.i-bad { color: var(--bad); } .i-good { color: var(--good); } .i-warn { color: var(--warn); } .i-blue { color: var(--blue); } .i-violet { color: var(--violet); }
fieldset { border: 0; padding: 0; margin: 0 0 10px; display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13.5px; }
fieldset label { display: inline-flex; gap: 6px; align-items: center; cursor: pointer; }
.scroll { max-height: 440px; overflow: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; font-weight: 600; color: var(--soft); }
.log th { position: sticky; top: 0; background: var(--panel); box-shadow: inset 0 -1px var(--line); }
th, td { padding: 4px 12px; vertical-align: top; } td { border-top: 1px solid var(--faint); }
.log td:first-child { white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; color: var(--soft); }
.log th:first-child { text-align: right; }
.log td:nth-child(2) { white-space: nowrap; } .log td:last-child { width: 100%; overflow-wrap: anywhere; }
tr.error td, tr.violation td, tr.failed td { background: var(--bad-soft); } tr.warn td, tr.fault td, tr.healed td { background: var(--warn-soft); }
tr.moment td { color: var(--bad); font-weight: 600; border-top: 2px solid var(--bad); border-bottom: 2px solid var(--bad); }
.diffs { display: grid; gap: 18px; }
.diff { margin: 0; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.diff div { padding: 2px 12px 2px 30px; text-indent: -18px; white-space: pre-wrap; overflow-wrap: anywhere; }
.diff .minus { background: var(--bad-soft); } .diff .plus { background: var(--good-soft); }
.diff b { display: inline-block; width: 18px; text-indent: 0; } .minus b { color: var(--bad); } .plus b { color: var(--good); }
pre { margin: 0; padding: 12px 14px; background: var(--faint); border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
.files { columns: 4 230px; column-gap: 26px; font-size: 13px; margin: 0; padding: 0; list-style: none; }
.files li { break-inside: avoid; display: flex; justify-content: space-between; gap: 10px; } .files small { color: var(--soft); white-space: nowrap; }
.files li.head { font-weight: 600; margin-top: 8px; display: block; } .files li.head:first-child { margin-top: 0; }
[hidden] { display: none; }
@media (max-width: 700px) { main, header, footer { padding-left: 12px; padding-right: 12px; } .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 6px; } }
@media print {
  :root { --page: #fff; --panel: #fff; --ink: #000; --soft: #444; --line: #bbb; --faint: #f3f3f3; --bad: #a31515; --bad-soft: #fbeaea;
    --good: #17693f; --good-soft: #e6f4ec; --warn: #7a4d00; --warn-soft: #fbf1dc; --blue: #1d5ba6; --violet: #5b348c; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 12px; } main, header, footer { padding: 0; max-width: none; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 12px 0; margin: 0; }
  section:not(.long) { break-inside: avoid; } button, fieldset, .log tr.info { display: none; }
  h2, h3 { break-after: avoid; } .log th { position: static; }
  .scroll { max-height: none; overflow: visible; border: 0; }
}
`;
