// Reachability over time: looks that came to the same are one small matrix, in the order they were made.
import type { Cell, Matrix } from '../checks/reachability.ts';
import type { EvidenceData, Sweep } from './data.ts';
import { html, type Markup } from './markup.ts';
import { seconds } from './scale.ts';

export interface Run {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly matrix: Matrix;
}

/** Neighbours that are the same, as one. */
export function runs(sweeps: readonly Sweep[]): readonly Run[] {
  const found: Run[] = [];
  for (const { at, matrix } of sweeps) {
    const before = found.at(-1);
    if (before && same(before.matrix, matrix)) {
      found[found.length - 1] = { ...before, last: at, count: before.count + 1 };
    } else found.push({ first: at, last: at, count: 1, matrix });
  }
  return found;
}

function same(one: Matrix, other: Matrix): boolean {
  const text = (matrix: Matrix) =>
    matrix.map(({ from, to, outcome, expected }) => `${from} ${to} ${outcome} ${expected}`).join();
  return text(one) === text(other);
}

/** The first and the latest say most. */
const shown = { first: 1, last: 7 };

export function reachability({ sweeps, since }: EvidenceData): Markup | undefined {
  const all = runs(sweeps);
  if (all.length === 0) return undefined;
  const tooMany = all.length > shown.first + shown.last;
  const [head, tail] = tooMany ? [all.slice(0, shown.first), all.slice(-shown.last)] : [all, []];
  const left = all.length - head.length - tail.length;
  return html`<section><h2>Reachability over time</h2>
<div class="sweeps">${head.map(run => figure(run, since))}${left > 0 ? html`<p class="note">… ${left} more …</p>` : undefined}${tail.map(run => figure(run, since))}</div>
<p class="legend"><span><i class="i-good">✓</i>as expected</span><span><i class="i-bad">✕</i>lost</span><span><i class="i-bad">~</i>arrives with another source address</span><span><i class="i-bad">!</i>reached, though it should be cut off</span><span>rows send, columns receive</span></p></section>`;
}

function figure({ first, last, count, matrix }: Run, since: number): Markup {
  const wrong = matrix.filter(isWrong).length;
  const span = count > 1 ? ` to ${seconds(last - since, 1)}, ${count} looks` : '';
  return html`<figure><figcaption><b>${seconds(first - since, 1)}</b>${span}<br>${wrong === 0 ? 'all as expected' : `${wrong} of ${matrix.length} wrong`}</figcaption>${grid(matrix)}</figure>`;
}

function isWrong({ outcome, expected }: Cell): boolean {
  return outcome !== expected;
}

function grid(matrix: Matrix): Markup {
  const names = [...new Set(matrix.flatMap(({ from, to }) => [from, to]))];
  const size = Math.max(5, Math.min(26, Math.floor(260 / names.length)));
  const labels = size >= 18;
  // Names without the node's word are told apart just as well, and fit above a column.
  const short = names.map(name => name.replace(/^node/, ''));
  const margin = labels ? Math.max(...short.map(name => name.length)) * 7 + 8 : 0;
  const top = labels ? 18 : 0;
  const cells = matrix.map(cell => {
    const [x, y] = [margin + names.indexOf(cell.to) * size, top + names.indexOf(cell.from) * size];
    const wrong = isWrong(cell);
    const mark = labels || wrong ? sign(cell) : '';
    return html`<g><title>${cell.from} to ${cell.to}: ${cell.outcome}${wrong ? `, expected ${cell.expected}` : ''}</title><rect x="${x + 1}" y="${y + 1}" width="${size - 2}" height="${size - 2}" rx="${size > 12 ? 4 : 1}" class="${wrong ? 'bad-cell' : 'good-cell'}"/>${size >= 9 ? html`<text x="${x + size / 2}" y="${y + size / 2 + size * 0.18}" font-size="${Math.round(size * 0.52)}" text-anchor="middle" class="${wrong ? 'on-bad' : 'good'}">${mark}</text>` : undefined}</g>`;
  });
  const [width, height] = [margin + names.length * size, top + names.length * size];
  const heads = labels
    ? short.map(
        (name, index) =>
          html`<text x="${margin - 6}" y="${top + index * size + size / 2 + 4}" font-size="11" text-anchor="end" class="soft">${name}</text><text x="${margin + index * size + size / 2}" y="12" font-size="11" text-anchor="middle" class="soft">${name}</text>`,
      )
    : undefined;
  const wrong = matrix.filter(isWrong).map(({ from, to, outcome }) => `${from} to ${to} ${outcome}`);
  return html`<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${wrong.length > 0 ? `wrong: ${wrong.join(', ')}` : 'all pairs as expected'}">${heads}${cells}</svg>`;
}

function sign({ outcome, expected }: Cell): string {
  if (outcome === expected) return outcome === 'lost' ? '–' : '✓';
  return { lost: '✕', rewritten: '~', reached: '!' }[outcome];
}
