// All that happened and was logged, in the order of time, as a table.
import type { Happening } from '../journal.ts';
import type { EvidenceData, LogLine } from './data.ts';
import { html, type Markup } from './markup.ts';

interface Row {
  readonly at: number;
  readonly who: string;
  readonly text: string;
  /** What a reader may hide: what happened, or one source of log lines. */
  readonly group: string;
  /** How it is marked. */
  readonly kind: string;
}

/** Of more lines than these only those around the failure are in the page; the files have all. */
const most = 1500;

const happened = 'what happened';
const words: Readonly<Record<Happening['kind'], string>> = {
  act: 'act',
  fault: 'fault',
  healed: 'healed',
  check: 'check',
  violation: 'violation',
  traffic: 'traffic',
};

export function events(data: EvidenceData): Markup {
  const rows = [...data.happenings.map(fromHappening), ...data.lines.map(fromLine)].toSorted(
    (a, b) => a.at - b.at,
  );
  const failed: Row = {
    at: data.at,
    who: 'lab',
    text: data.hasFailed ? 'failed' : 'looked at',
    group: happened,
    kind: 'moment',
  };
  const index = rows.findIndex(({ at }) => at > data.at);
  const split = index < 0 ? rows.length : index;
  const before = rows.slice(0, split).slice(-Math.floor(most * 0.8));
  const after = rows.slice(split).slice(0, most - before.length);
  const left = rows.length - before.length - after.length;
  const groups = [...new Set([happened, ...data.lines.map(({ source }) => source)])];
  return html`<section class="long"><h2>What happened</h2>
<p class="note">Seconds since the cluster was made.${left > 0 ? ` ${left} lines far from the failure are only in the files.` : ''}</p>
<fieldset aria-label="Show">${groups.map(
    group => html`<label><input type="checkbox" checked data-group="${group}">${group}</label>`,
  )}<label><input type="checkbox" data-only-trouble>only warnings and errors of logs</label></fieldset>
<div class="scroll" tabindex="0" role="region" aria-label="What happened, in the order of time"><table class="log"><thead><tr><th scope="col">s</th><th scope="col">who</th><th scope="col">what</th></tr></thead><tbody>
${[...before, failed, ...after].map(
  ({ at, who, text, group, kind }) =>
    html`<tr class="${kind}" data-group="${group}"><td>${((at - data.since) / 1000).toFixed(3)}</td><td>${who}</td><td${kind === 'moment' ? html` id="failed"` : undefined}>${text}</td></tr>
`,
)}</tbody></table></div></section>`;
}

function fromHappening({ at, kind, what }: Happening): Row {
  const failed = kind === 'check' && what.startsWith('failed');
  return { at, who: words[kind], text: what, group: happened, kind: failed ? 'failed' : kind };
}

function fromLine({ at, source, level, text }: LogLine): Row {
  const mark = level === 'info' ? '' : `${level}: `;
  return {
    at,
    who: source,
    text: text.startsWith(level) ? text : `${mark}${text}`,
    group: source,
    kind: level,
  };
}
