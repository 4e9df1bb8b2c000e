// Faults, acts, checks, losses and what was logged, one lane each, on one axis of time.

import { wrongCells } from '../checks/reachability.ts';
import { type FaultWindow, faultWindows, type Happening } from '../journal.ts';
import type { EvidenceData, LogLine } from './data.ts';
import { html, type Markup } from './markup.ts';
import { type Label, place, type Scale, scale, seconds, ticks } from './scale.ts';

const width = 1120;
const left = 122;
const right = width - 8;
const row = 24;
/** Of more than these only the first are drawn. */
const mostBars = 12;

interface Lane {
  readonly name: string;
  readonly rows: number;
  draw(y: number): Markup;
}

export function timeline(data: EvidenceData): Markup {
  const time = scale(data.since, Math.max(data.until, data.at), left, right);
  const lanes = [
    looks(data, time),
    faults(data, time),
    noted(data, time, 'act', 'acts', 'blue'),
    noted(data, time, 'violation', 'violations', 'bad'),
    noted(data, time, 'traffic', 'traffic', 'bad'),
    ...outages(data, time),
    ...logs(data, time),
  ].filter(lane => lane !== undefined);
  let y = 26;
  const placed = lanes.map(lane => {
    const at = y;
    y += lane.rows * row + 6;
    return { lane, at };
  });
  const bottom = y;
  const failed = time.x(data.at);
  const nearEnd = failed > right - 60;
  return html`<svg viewBox="0 0 ${width} ${bottom + 26}" role="img" aria-label="Time line of ${seconds(time.to - time.from, 1)}; the table below has the same in words.">
${faultWindows(data.happenings).map(({ from, to }) => {
  const [begin, end] = [time.x(from), time.x(to ?? time.to)];
  return html`<rect x="${begin}" y="20" width="${Math.max(end - begin, 1)}" height="${bottom - 20}" class="window"/>`;
})}
${ticks(time.from, time.to).map(after => {
  const x = time.x(time.from + after);
  return html`<line x1="${x}" y1="20" x2="${x}" y2="${bottom}" class="rule"/><text x="${x}" y="${bottom + 17}" font-size="11.5" text-anchor="${x > right - 20 ? 'end' : 'middle'}" class="soft">${seconds(after, after % 1000 === 0 ? 0 : 1)}</text>`;
})}
<line x1="${failed}" y1="16" x2="${failed}" y2="${bottom}" class="now"/><text x="${failed}" y="12" font-size="12" font-weight="600" text-anchor="${nearEnd ? 'end' : 'middle'}" class="bad">${data.hasFailed ? 'failed' : 'looked at'}</text>
${placed.map(({ lane, at }) => html`<line x1="0" y1="${at - 3}" x2="${width}" y2="${at - 3}" class="rule"/><text x="${left - 8}" y="${at + 15}" font-size="${lane.name.length > 15 ? 11 : 12.5}" text-anchor="end">${lane.name}</text>${lane.draw(at)}`)}
</svg>
<p class="legend"><span><i class="i-good">●</i>all pairs as expected</span><span><i class="i-bad">✕</i>some are not</span><span><i class="i-warn">▬</i>a fault and its time</span><span><i class="i-blue">▲</i>act</span><span><i class="i-bad">▬</i>packets lost</span><span>|<i></i> line of a log, longer where it is a <i class="i-warn">&nbsp;warning</i>or an<i class="i-bad">&nbsp;error</i></span></p>`;
}

function looks({ sweeps }: EvidenceData, time: Scale): Lane | undefined {
  if (sweeps.length === 0) return undefined;
  return {
    name: 'pings',
    rows: 1,
    draw: y =>
      html`${sweeps.map(({ at, matrix }) => {
        const wrong = wrongCells(matrix).length;
        const [x, middle] = [time.x(at), y + 11];
        const title = html`<title>${seconds(at - time.from)}: ${wrong === 0 ? 'all as expected' : `${wrong} of ${matrix.length} wrong`}</title>`;
        return wrong === 0
          ? html`<circle cx="${x}" cy="${middle}" r="4" class="good">${title}</circle>`
          : html`<path d="M${x - 4} ${middle - 4}l8 8m0 -8l-8 8" class="lost">${title}</path>`;
      })}`,
  };
}

function faults({ happenings }: EvidenceData, time: Scale): Lane | undefined {
  const windows = faultWindows(happenings).slice(0, mostBars);
  if (windows.length === 0) return undefined;
  return {
    name: 'faults',
    rows: windows.length,
    draw: y => html`${windows.map((window, index) => faultBar(window, time, y + index * row))}`,
  };
}

/** The text stands beside the bar, on the side that has room, or on top of a long one. */
function faultBar({ what, from, to }: FaultWindow, time: Scale, y: number): Markup {
  const [begin, end] = [time.x(from), time.x(to ?? time.to)];
  const room = what.length * 6.5 + 10;
  const isAfter = end + 6 + room < right;
  const isBefore = begin - 6 - room > left;
  const [top, height] = isAfter || isBefore ? [y + 6, 10] : [y + 17, 4];
  const beside = isAfter ? ([end + 6, 'start'] as const) : ([begin - 6, 'end'] as const);
  const above = begin + room < right ? ([begin + 8, 'start'] as const) : ([right - 4, 'end'] as const);
  const [x, anchor] = isAfter || isBefore ? beside : above;
  const title = `${what}: ${seconds(from - time.from)} to ${to === undefined ? 'the end' : seconds(to - time.from)}`;
  return html`<rect x="${begin}" y="${top}" width="${Math.max(end - begin, 3)}" height="${height}" rx="2" class="bar"><title>${title}</title></rect><text x="${x}" y="${y + 15}" font-size="12" text-anchor="${anchor}">${what}</text>`;
}

interface Noted extends Label {
  readonly happening: Happening;
}

function noted(
  { happenings }: EvidenceData,
  time: Scale,
  kind: Happening['kind'],
  name: string,
  colour: string,
): Lane | undefined {
  const found = happenings.filter(happening => happening.kind === kind);
  if (found.length === 0) return undefined;
  const labels = found.map(
    (happening): Noted => ({ x: time.x(happening.at), text: happening.what, happening }),
  );
  const placed = place(labels, { right, rows: Math.min(4, found.length), perCharacter: 6.5 });
  const rows = Math.max(...placed.map(one => one.row)) + 1;
  return {
    name,
    rows,
    draw: y =>
      html`${placed.map(({ label, row: index, anchor, shown }) => {
        const base = y + index * row;
        const text = shown
          ? html`<text x="${label.x + (anchor === 'start' ? 9 : -9)}" y="${base + 15}" font-size="12" text-anchor="${anchor}">${label.text}</text>`
          : undefined;
        return html`<path d="M${label.x - 5} ${base + 16}h10l-5 -9z" class="${colour}"><title>${seconds(label.happening.at - time.from)}: ${label.text}</title></path>${text}`;
      })}`,
  };
}

function outages({ outages: all }: EvidenceData, time: Scale): readonly Lane[] {
  const pairs = [...Map.groupBy(all, ({ from, to }) => `${from}\u2192${to}`)].slice(0, mostBars);
  return pairs.map(([pair, of]) => {
    const lost = of.reduce((sum, outage) => sum + outage.lost, 0);
    const ends = of.map(({ end }) => time.x(end ?? time.to));
    const x = Math.max(...ends) + 8;
    return {
      name: pair,
      rows: 1,
      draw: y =>
        html`${of.map(({ from, to, begin, end, lost: count }) => {
          const [at, until] = [time.x(begin), time.x(end ?? time.to)];
          const title = `${from} to ${to}: ${count} lost, ${seconds(begin - time.from)} to ${end === undefined ? 'the end' : seconds(end - time.from)}`;
          return html`<rect x="${at}" y="${y + 6}" width="${Math.max(until - at, 3)}" height="10" rx="2" class="bad"><title>${title}</title></rect>`;
        })}${x + 70 < right ? html`<text x="${x}" y="${y + 15}" font-size="12">${lost} lost</text>` : undefined}`,
    };
  });
}

function logs({ lines }: EvidenceData, time: Scale): readonly Lane[] {
  return [...Map.groupBy(lines, ({ source }) => source)].map(([name, of]) => ({
    name,
    rows: 1,
    draw: y =>
      html`${distinct(of, time).map(line => mark(line, time, y, name === 'etcd' ? 'violet' : 'soft'))}`,
  }));
}

function mark({ at, level, text }: LogLine, time: Scale, y: number, usual: string): Markup {
  const [from, height, kind] = {
    info: [y + 7, 8, usual],
    warn: [y + 3, 15, 'warn'],
    error: [y + 2, 17, 'bad'],
  }[level] as [number, number, string];
  return html`<rect x="${time.x(at) - 0.9}" y="${from}" width="${level === 'info' ? 1.8 : 2.6}" height="${height}" class="${kind}"><title>${seconds(at - time.from)}: ${text.slice(0, 300)}</title></rect>`;
}

/** Lines of one level in one pixel are one mark: a log storm must not make a page of a hundred megabytes. */
function distinct(lines: readonly LogLine[], time: Scale): readonly LogLine[] {
  return [...Map.groupBy(lines, ({ at, level }) => `${Math.round(time.x(at))} ${level}`).values()].flatMap(
    ([first, ...more]) =>
      first ? [more.length > 0 ? { ...first, text: `${first.text}\n… and ${more.length} more` } : first] : [],
  );
}
