// The cluster as a picture: etcd, the underlay, nodes and containers; pairs that failed are arcs with an arrow at each lost end.
import { type Cell, type Matrix, wrongCells } from '../checks/reachability.ts';
import { type EvidenceData, failedMatrix, type NodeSketch } from './data.ts';
import { html, type Markup } from './markup.ts';

const width = 1120;
const gap = 24;
const nodeTop = 92;
/** More than these do not fit side by side; those without a failure are left out first. */
const atMost = 8;

export function topology(data: EvidenceData): Markup {
  const wrong = wrongCells(failedMatrix(data));
  const blamed = new Set(data.verdicts.flatMap(({ blame }) => (blame ? [blame.node] : [])));
  const involved = (node: NodeSketch) =>
    blamed.has(node.name) ||
    node.workloads.some(({ name }) => wrong.some(({ from, to }) => from === name || to === name));
  const chosen = new Set(
    data.nodes.toSorted((a, b) => Number(involved(b)) - Number(involved(a))).slice(0, atMost),
  );
  const shown = data.nodes.filter(node => chosen.has(node));
  const boxWidth = Math.min(330, (width - gap * (shown.length - 1)) / Math.max(shown.length, 1));
  const left = (width - shown.length * boxWidth - gap * (shown.length - 1)) / 2;
  const boxes = shown.map((node, index) => ({ node, x: left + index * (boxWidth + gap) }));
  const workloadRows = Math.max(1, ...shown.map(({ workloads }) => workloads.length));
  const boxHeight = 122 + workloadRows * 34;
  const bottom = nodeTop + boxHeight;
  const at = new Map(
    boxes.flatMap(({ node, x }) => node.workloads.map(({ name }) => [name, x + boxWidth / 2] as const)),
  );
  const arcs = pairArcs(wrong, at, boxWidth + gap);
  const deepest = Math.max(0, ...arcs.map(({ depth }) => depth));
  const height = bottom + (arcs.length > 0 ? deepest + 30 : 6);
  const middle = width / 2;
  const hidden = data.nodes.length - shown.length;
  const { etcdMembers } = data.cluster;
  const etcd = etcdMembers === 1 ? 'etcd' : `etcd × ${etcdMembers}`;
  return html`<svg viewBox="-2 0 ${width + 4} ${height}" role="img" aria-label="${describe(data, wrong)}">
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" class="bad"/></marker></defs>
<line x1="${middle}" y1="36" x2="${middle}" y2="66" class="wire"/>
<rect x="${middle - 44}" y="4" width="88" height="32" rx="8" class="box"/><text x="${middle}" y="25" font-size="14" font-weight="600" text-anchor="middle">${etcd}</text>
<line x1="${left}" y1="66" x2="${width - left}" y2="66" class="wire"/><text x="${left}" y="58" font-size="12" class="soft">underlay</text>
${boxes.map(({ node, x }) => nodeBox(node, { x, width: boxWidth, height: boxHeight }, data, blamed.has(node.name)))}
${arcs.map(arc => arcMarkup(arc, bottom, data))}
</svg>${hidden > 0 ? html`<p class="note">${hidden} more nodes have no part in it and are not drawn.</p>` : undefined}`;
}

function nodeBox(
  { name, address, daemon, lease, workloads }: NodeSketch,
  box: { readonly x: number; readonly width: number; readonly height: number },
  { cluster, verdicts }: EvidenceData,
  isBlamed: boolean,
): Markup {
  const { x, width: w, height } = box;
  const middle = x + w / 2;
  const inner = x + 12;
  const numbers = verdicts.flatMap(({ blame }, index) => (blame?.node === name ? [index + 1] : []));
  const characters = Math.floor((w - 42) / 6.7);
  const [, program = daemon] = /^bin:.*?([^/]+)$/.exec(daemon) ?? [undefined, `flanneld ${daemon}`];
  const whole = `${program}, ${cluster.backend}`;
  const subnet = lease ?? 'no lease';
  const docker0 = `docker0 ${subnet}`;
  return html`<line x1="${middle}" y1="66" x2="${middle}" y2="${nodeTop}" class="wire"/>
<rect x="${x}" y="${nodeTop}" width="${w}" height="${height}" rx="10" class="box ${isBlamed ? 'blamed' : ''}"/>
<text x="${x + 14}" y="${nodeTop + 24}" font-size="15" font-weight="650">${name}</text>
<text x="${x + 14}" y="${nodeTop + 43}" font-size="12.5" class="soft">${shorten(address, characters)}</text>
${numbers.map((number, index) => badge(number, x + w - 24 - (numbers.length - 1 - index) * 24, nodeTop + 19))}
<rect x="${inner}" y="${nodeTop + 54}" width="${w - 24}" height="26" rx="5" class="inner"/>
<text x="${inner + 10}" y="${nodeTop + 71}" font-size="12.5">${whole.length <= characters ? whole : shorten(program, characters)}</text>
<rect x="${inner}" y="${nodeTop + 86}" width="${w - 24}" height="26" rx="5" class="inner"/>
<text x="${inner + 10}" y="${nodeTop + 103}" font-size="12.5">${docker0.length <= characters ? docker0 : shorten(subnet, characters)}</text>
${workloads.map((workload, index) => {
  const y = nodeTop + 120 + index * 34;
  return html`<rect x="${inner}" y="${y}" width="${w - 24}" height="26" rx="13" class="box"/>
<text x="${inner + 14}" y="${y + 17}" font-size="12.5" font-weight="600">${workload.name.split('/')[1]}</text>
<text x="${x + w - 26}" y="${y + 17}" font-size="12.5" text-anchor="end" class="soft">${shorten(workload.address, characters - 4)}</text>`;
})}`;
}

function badge(number: number, x: number, y: number): Markup {
  return html`<circle cx="${x}" cy="${y}" r="10" class="bad"/><text x="${x}" y="${y + 4.5}" font-size="12" text-anchor="middle" class="on-bad">${number}</text>`;
}

function shorten(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, Math.max(characters - 1, 1))}…`;
}

interface Arc {
  /** The cell from left to right, and the one back, if they are wrong. */
  readonly forth: Cell | undefined;
  readonly back: Cell | undefined;
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** One for each two containers with something wrong between them, wider ones deeper. */
function pairArcs(wrong: Matrix, at: ReadonlyMap<string, number>, pitch: number): readonly Arc[] {
  const step = Math.min(44, 140 / Math.max(...[...at.values()].map(x => x / pitch), 1));
  const drawn = wrong.filter(({ from, to }) => at.get(from) !== at.get(to) && at.has(from) && at.has(to));
  const key = ({ from, to }: Cell) => [from, to].sort().join(' ');
  const pairs = [...Map.groupBy(drawn, key).values()].slice(0, 40);
  return pairs.flatMap(cells => {
    const [first] = cells;
    const [one, other] = first ? [at.get(first.from) ?? 0, at.get(first.to) ?? 0] : [0, 0];
    const [from, to] = [Math.min(one, other), Math.max(one, other)];
    const isForth = (cell: Cell) => at.get(cell.from) === from;
    const depth = 24 + (Math.round((to - from) / pitch) - 1) * step;
    return [{ forth: cells.find(isForth), back: cells.find(cell => !isForth(cell)), from, to, depth }];
  });
}

function arcMarkup({ forth, back, from, to, depth }: Arc, y: number, { verdicts }: EvidenceData): Markup {
  const cells = [forth, back].flatMap(cell => (cell ? [cell] : []));
  const words = [...new Set(cells.map(({ outcome }) => (outcome === 'reached' ? 'not cut off' : outcome)))];
  const numbers = cells.flatMap(cell => {
    const index = verdicts.findIndex(verdict => verdict.from === cell.from && verdict.to === cell.to);
    return index >= 0 && verdicts[index]?.blame ? [index + 1] : [];
  });
  const [start, end] = [from + 16, to - 16];
  const middle = (from + to) / 2;
  // Half of the control points' depth is what the curve reaches.
  const control = y + depth * 1.34;
  const kind = words[0] === 'rewritten' ? 'rewritten' : 'lost';
  const text = words.join(', ');
  const half = (text.length * 7.2 + numbers.length * 24 + 18) / 2;
  const tip = (cell: Cell | undefined) => (cell ? 'url(#tip)' : 'none');
  return html`<path d="M${start} ${y + 3}C${start + 20} ${control} ${end - 20} ${control} ${end} ${y + 3}" class="${kind}" marker-end="${tip(forth)}" marker-start="${tip(back)}"><title>${cells
    .map(cell => `${cell.from} to ${cell.to}: ${cell.outcome}`)
    .join('\n')}</title></path>
<rect x="${middle - half}" y="${y + depth - 9}" width="${half * 2}" height="24" rx="12" class="box"/>
<text x="${middle - half + 10}" y="${y + depth + 7.5}" font-size="12" class="${kind === 'lost' ? 'bad' : 'warn'}" font-weight="600">${text}</text>
${numbers.map((number, index) => badge(number, middle + half - 14 - (numbers.length - 1 - index) * 24, y + depth + 3))}`;
}

function describe({ nodes, verdicts }: EvidenceData, wrong: Matrix): string {
  const pairs = wrong.map(({ from, to, outcome }) => `${from} to ${to} ${outcome}`).join(', ');
  const blamed = verdicts.flatMap(({ blame }) => (blame ? [blame.node] : []));
  const where = blamed.length > 0 ? ` Blamed: ${[...new Set(blamed)].join(', ')}.` : '';
  return `${nodes.length} nodes on one underlay with etcd. ${pairs ? `Not as expected: ${pairs}.` : 'No pair of containers was found wrong.'}${where}`;
}
