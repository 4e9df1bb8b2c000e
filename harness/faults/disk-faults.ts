// A /run/flannel that cannot be written to: read-only, or full.
import { dirname } from 'node:path';
import type { NodeHandle } from '../drivers/driver.ts';
import { subnetFile } from '../node-files.ts';
import type { Injection } from './fault.ts';
import { nodeOf, type Scene, standing, standsAlone } from './kind.ts';

const folder = dirname(subnetFile);

async function prepare(_: Scene, node: NodeHandle): Promise<{ readonly node: string }> {
  await standsAlone(node, folder, `mountpoint -q ${folder}`);
  return { node: node.name };
}

/** Nothing in /run/flannel can be written; what is there stays readable. */
export const readOnlyDisk = standing({
  operands: '<node>',
  help: `nothing in ${folder} can be written`,
  read: words => [words.node()],
  prepare,
  make: (scene, { node }) =>
    unwritable(scene, node, {
      what: `${folder} of ${node} is read-only`,
      put: `mount --bind ${folder} ${folder}
mount -o remount,bind,ro ${folder}`,
      complaint: 'Read-only file system',
      // Lazily: the daemon may stand in it.
      remove: `! mountpoint -q ${folder} || umount -l ${folder}`,
    }),
});

/** /run/flannel is full: what is there can be read, changed in place and removed, and nothing grows. */
export const fullDisk = standing({
  operands: '<node>',
  help: `${folder} is full`,
  read: words => [words.node()],
  prepare,
  make: (scene, { node }) =>
    unwritable(scene, node, {
      what: `${folder} of ${node} is full`,
      put: `fresh=$(mktemp -d /run/lab-fault-XXXXXX)
mount -t tmpfs -o size=256k,mode=755 tmpfs "$fresh"
cp -a ${folder}/. "$fresh"
dd if=/dev/zero of="$fresh/${filler}" bs=4k 2>/dev/null || :
mount --move "$fresh" ${folder}
rmdir "$fresh"`,
      complaint: 'No space left on device',
      // What has been written or removed meanwhile stays so.
      remove: `if mountpoint -q ${folder}; then
  kept=$(mktemp -d /run/lab-fault-XXXXXX)
  mount --move ${folder} "$kept"
  rm "$kept/${filler}"
  (cd ${folder} && find . ! -type d) | while read -r file; do [ -e "$kept/$file" ] || rm "${folder}/$file"; done
  (cd "$kept" && find . -type f) | while read -r file; do
    cmp -s "$kept/$file" "${folder}/$file" || (cd "$kept" && cp -a --parents "$file" ${folder})
  done
  umount -l "$kept"
  rmdir "$kept"
fi`,
    }),
});

/** Takes all the room there is. */
const filler = '.lab-fault-filler';

interface Unwritable {
  readonly what: string;
  readonly put: string;
  readonly remove: string;
  /** What the kernel says to who writes. */
  readonly complaint: string;
}

function unwritable(scene: Scene, name: string, { what, put, remove, complaint }: Unwritable): Injection {
  const node = nodeOf(scene, name);
  const sh = (script: string) => node.run(['sh', '-c', `set -e\n${script}`]);
  return {
    what,
    act: () => sh(`mkdir -p ${folder}\n${put}`),
    proof: async () => {
      const trial = `${folder}/.lab-fault-trial`;
      const { stdout } = await sh(
        `{ head -c 8192 /dev/zero >${trial}; } 2>&1 || :\nrm -f ${trial} 2>/dev/null || :`,
      );
      return stdout.includes(complaint);
    },
    undo: () => sh(remove),
  };
}
