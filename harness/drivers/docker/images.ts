// Which images a cluster is made of, and whether the engine has them.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { localRunner } from '../../../lib/run.ts';

export interface Images {
  readonly node: string;
  readonly etcd: string;
  readonly workload: string;
}

let known: Promise<Images> | undefined;

/** Their tags for the state of images/ as it is, whether built or not. */
export function imageTags(): Promise<Images> {
  known ??= readTags();
  return known;
}

/** The tags the engine does not have. */
export async function missingImages(docker: Docker, images: Images): Promise<readonly string[]> {
  const tags = [images.node, images.etcd];
  const found = await Promise.all(
    tags.map(tag =>
      docker
        .getImage(tag)
        .inspect()
        .then(
          () => true,
          () => false,
        ),
    ),
  );
  return tags.filter((_, index) => !found[index]);
}

async function readTags(): Promise<Images> {
  const { stdout } = await localRunner.run(['sh', imagesFile('build'), '--tags']);
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => line.split('=') as [string, string]);
  return Object.fromEntries(lines) as unknown as Images;
}

/** A file in this package's images/, wherever this code was bundled to. */
function imagesFile(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'images', name))) folder = dirname(folder);
  return join(folder, 'images', name);
}
