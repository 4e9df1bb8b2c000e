// Puts a script in front of a program, in the mounts of one node only: the file of the program itself stays as it is.
import { randomBytes } from 'node:crypto';
import type { NodeHandle } from '../drivers/driver.ts';
import { standsAlone } from './kind.ts';

/** A new name for what stands in front of the program; rejects where something does already. */
export async function shadowName(node: NodeHandle, program: string): Promise<string> {
  await standsAlone(node, program, `head -c 1000 "${fileOf(program)}" | grep -q '^REAL=/run/lab-fault-'`);
  return `lab-fault-${randomBytes(4).toString('hex')}`;
}

const fileOf = (program: string) => `$(readlink -f "$(command -v ${program})")`;

export interface Shadow {
  put(): Promise<unknown>;
  /** Whether the script is what one gets when one starts the program. */
  stands(): Promise<boolean>;
  /** Succeeds when it is gone already. */
  remove(): Promise<unknown>;
}

/**
 * `program`: in PATH, or an absolute path; links are followed. In `script` $REAL is the program, in a folder where
 * everything lies beside it that lies beside it in its own, for as long as the script stands: it must be short-lived.
 */
export function shadow(node: NodeHandle, name: string, program: string, script: string): Shadow {
  const folder = `/run/${name}`;
  const find = `file=${fileOf(program)}`;
  const sh = (text: string, input = '') => node.run(['sh', '-c', text], { input });
  return {
    put: () =>
      sh(
        `set -e
${find}
mkdir -p ${folder}/real
mount --bind "\${file%/*}" ${folder}/real
{ echo '#!/bin/sh'; echo "REAL=${folder}/real/\${file##*/}"; cat; } >${folder}/script
chmod 755 ${folder}/script
mount --bind ${folder}/script "$file"`,
        `${script}\n`,
      ),
    stands: async () => {
      const { stdout } = await sh(`${find}; cmp -s "$file" ${folder}/script && echo yes || echo no`);
      return stdout === 'yes\n';
    },
    // Lazily: a program that was started by the script still has its folder.
    remove: () =>
      sh(`${find}
! cmp -s "$file" ${folder}/script || umount -l "$file"
! mountpoint -q ${folder}/real || umount -l ${folder}/real
rm -rf ${folder}/script
rmdir ${folder}/real ${folder} 2>/dev/null || :`),
  };
}
