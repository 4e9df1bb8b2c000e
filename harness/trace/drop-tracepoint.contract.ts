// Listening to the drop tracepoint leaves nothing in tracefs, and takes away what killed listeners left.
import { mkdir, readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startTimeOf } from '../owner.ts';
import { DropTracepoint } from './drop-tracepoint.ts';

const there = await DropTracepoint.isThere();
const instances = '/sys/kernel/tracing/instances';

test.skipIf(!there)(
  'an instance is there while somebody listens, and none of a process that is dead',
  async () => {
    // No process has a number as high as this.
    const abandoned = 'lab-99999999-1-1';
    await mkdir(`${instances}/${abandoned}`);
    const mine = async () => {
      const own = `lab-${process.pid}-${startTimeOf(process.pid)}-`;
      return (await readdir(instances)).filter(name => name === abandoned || name.startsWith(own));
    };
    {
      await using drops = await DropTracepoint.listen(4321);
      expect(await mine()).toHaveLength(1);
      expect(await mine()).not.toContain(abandoned);
      expect(await drops.heard()).toEqual([]);
    }
    expect(await mine()).toEqual([]);
  },
);
