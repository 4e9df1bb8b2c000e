// The whole report of one failure, as one HTML page that needs nothing else.
import { verdictLine } from '../trace/verdict.ts';
import type { Comparison, EvidenceData, EvidenceFile } from './data.ts';
import { events } from './events.ts';
import { html, Markup } from './markup.ts';
import { seconds } from './scale.ts';
import { script } from './script.ts';
import { style } from './style.ts';
import { reachability } from './sweeps.ts';
import { timeline } from './timeline.ts';
import { topology } from './topology.ts';

/** Pure: the same data make the same page. */
export function renderReport(data: EvidenceData): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${data.title}</title><style>${new Markup(style)}</style></head>
<body>
${heading(data)}
<main>
<section><h2>Where</h2>${verdicts(data)}${topology(data)}</section>
${reachability(data)}
<section><h2>When</h2><p class="note">Seconds since the cluster was made.</p>${timeline(data)}</section>
${differences(data.comparisons)}
${events(data)}
<section class="long"><h2>Message</h2><pre tabindex="0" aria-label="The whole message">${data.failure}</pre></section>
${files(data.files)}
</main>
<footer>Collected from cluster ${data.cluster.name}, ${new Date(data.at).toISOString()}.</footer>
<script>${new Markup(script)}</script>
</body></html>
`.text;
}

function heading({
  title,
  hasFailed,
  failure,
  reproduce,
  later,
  since,
  at,
  cluster,
  nodes,
}: EvidenceData): Markup {
  const [first] = failure.split('\n');
  return html`<header>
<p class="over"><span>${hasFailed ? 'failed' : 'looked at'}</span><span>${cluster.driver}</span><span>${cluster.backend}</span><span>daemon ${cluster.daemon}</span><span>${nodes.length} nodes</span></p>
<h1>${title}</h1>
<div class="lead ${hasFailed ? '' : 'calm'}"><p>${first}</p>${later === undefined ? undefined : html`<p>${later}</p>`}</div>
<dl class="facts"><dt>${hasFailed ? 'Failed' : 'Looked at'}</dt><dd><time datetime="${new Date(at).toISOString()}">${new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC')}</time>, ${seconds(at - since)} after the cluster was made</dd>
${reproduce === undefined ? undefined : html`<dt>Reproduce</dt><dd class="command"><code>${reproduce}</code><button type="button" data-copy hidden>Copy</button></dd>`}</dl>
</header>`;
}

function verdicts({ verdicts: all, sweeps }: EvidenceData): Markup | undefined {
  const told = all.map((verdict, index) => ({ verdict, number: index + 1 }));
  if (told.length === 0) {
    const why = sweeps.length === 0 ? 'No pings were sent.' : 'No packet was traced.';
    return html`<p class="note">${why}</p>`;
  }
  return html`<ol class="verdicts">${told.map(({ verdict, number }) => {
    const { from, to, blame, outcome } = verdict;
    const line = verdictLine(verdict).replace(blame ? ` (on ${blame.place}: ${blame.show})` : '', '');
    return html`<li><b class="${blame ? '' : 'well'}">${number}</b><div><p class="pair">${from} to ${to}</p><p>${line}${outcome === 'reached' ? ' by now' : ''}</p>${
      blame ? html`<p class="show note">on ${blame.place}: <code>${blame.show}</code></p>` : undefined
    }</div></li>`;
  })}</ol>`;
}

function differences(comparisons: readonly Comparison[]): Markup | undefined {
  if (comparisons.length === 0) return undefined;
  const [same, others] = [comparisons.filter(isSame), comparisons.filter(one => !isSame(one))];
  return html`<section class="long"><h2>What is different</h2>
<p class="note">Addresses and MACs are named by what they are for, so that only real differences are left. <b class="i-bad">−</b> is missing on this node, <b class="i-good">+</b> is only there.</p>
<div class="diffs">${others.map(
    ({ node, beside, missing, extra }) =>
      html`<div><h3>${node} beside ${beside}</h3><div class="diff mono">${missing.map(
        line => html`<div class="minus"><b>−</b>${line}</div>`,
      )}${extra.map(line => html`<div class="plus"><b>+</b>${line}</div>`)}</div></div>`,
  )}</div>${
    same.length > 0 ? html`<p class="legend">No difference: ${sameText(same)}.</p>` : undefined
  }</section>`;
}

function sameText(comparisons: readonly Comparison[]): string {
  const groups = [...Map.groupBy(comparisons, ({ beside }) => beside)];
  return groups.map(([beside, of]) => `${of.map(({ node }) => node).join(', ')} beside ${beside}`).join('; ');
}

function isSame({ missing, extra }: Comparison): boolean {
  return missing.length === 0 && extra.length === 0;
}

function files(all: readonly EvidenceFile[]): Markup {
  const folders = [
    ...Map.groupBy(all, ({ path }) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')),
  ];
  return html`<section class="long"><h2>Files</h2><ul class="files">${folders
    .toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(
      ([folder, own]) =>
        html`${folder === '' ? undefined : html`<li class="head">${folder}</li>`}${own
          .toSorted((a, b) => a.path.localeCompare(b.path))
          .map(
            ({ path, bytes, note }) =>
              html`<li><a href="${path.split('/').map(encodeURIComponent).join('/')}">${path.slice(folder === '' ? 0 : folder.length + 1)}</a><small>${note ?? size(bytes)}</small></li>`,
          )}`,
    )}</ul></section>`;
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
