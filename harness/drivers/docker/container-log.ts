// What a container has printed.
import type Docker from 'dockerode';

/** Both streams, in the order they came. */
export async function containerLog(container: Docker.Container): Promise<string> {
  return textOf(await container.logs({ stdout: true, stderr: true }));
}

/** A log comes as frames: a byte for the stream, three of nothing, four for the length, then the text. Pure. */
export function textOf(frames: Buffer): string {
  const parts: string[] = [];
  for (let at = 0; at + 8 <= frames.length; ) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    parts.push(frames.toString('utf8', at + 8, end));
    at = end;
  }
  return parts.join('');
}
