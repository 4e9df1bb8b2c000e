// mk-docker-opts: writes dockerd's options for the subnet of this node; takes the place of upstream's shell script.
import { existsSync, readFileSync } from 'node:fs';
import { describeError } from '../lib/errors.ts';
import { writeAtomically } from './app/files.ts';
import { dockerOpts } from './model/docker-opts.ts';
import { parseEnvFile } from './model/env-file.ts';

const usage = `mk-docker-opts [-f FLANNEL-ENV-FILE] [-d DOCKER-ENV-FILE] [-i] [-c] [-m] [-k COMBINED-KEY]

Writes Docker daemon options made from flannel's environment file.
  -f  flannel's file, /run/flannel/subnet.env by default
  -d  file to write, /run/docker_opts.env by default
  -i  each option as a variable of its own, e.g. DOCKER_OPT_MTU="--mtu=1450"
  -c  all options in one variable; with neither -i nor -c, both
  -k  name of that variable, DOCKER_OPTS by default
  -m  leave out --ip-masq
`;

interface Arguments {
  flannelFile: string;
  dockerFile: string;
  key: string;
  individual: boolean;
  combined: boolean;
  ipMasq: boolean;
}

/** As getopts reads them: `-ic`, `-f FILE` and `-fFILE`, up to the first word that is none. Undefined asks for usage. */
function parseArguments(words: readonly string[]): Arguments | undefined {
  const result: Arguments = {
    flannelFile: '/run/flannel/subnet.env',
    dockerFile: '/run/docker_opts.env',
    key: 'DOCKER_OPTS',
    individual: false,
    combined: false,
    ipMasq: true,
  };
  const valued = { f: 'flannelFile', d: 'dockerFile', k: 'key' } as const;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--' || !/^-./.test(word)) break;
    for (let letter = 1; letter < word.length; letter++) {
      const option = word[letter] ?? '';
      if (option === 'i') result.individual = true;
      else if (option === 'c') result.combined = true;
      else if (option === 'm') result.ipMasq = false;
      else if (option === 'f' || option === 'd' || option === 'k') {
        const value = word.slice(letter + 1) || words[++at];
        if (value === undefined) return undefined;
        result[valued[option]] = value;
        break;
      } else return undefined;
    }
  }
  if (!result.individual && !result.combined) result.individual = result.combined = true;
  return result;
}

/** A missing file is an error, unless the variables come with the environment. */
function readVariables(path: string): Map<string, string> {
  if (process.env.FLANNEL_SUBNET && !existsSync(path)) return new Map();
  return parseEnvFile(readFileSync(path, 'utf8'));
}

function main(): number {
  const given = parseArguments(process.argv.slice(2));
  if (!given) {
    process.stderr.write(usage);
    return 1;
  }
  try {
    const file = readVariables(given.flannelFile);
    const environment = Object.entries(process.env).map(([name, value]) => [name, value ?? ''] as const);
    const result = dockerOpts(new Map([...environment, ...file]), given);
    if ('problem' in result) throw new Error(result.problem);
    writeAtomically(given.dockerFile, result.text);
    return 0;
  } catch (error) {
    process.stderr.write(`mk-docker-opts: ${describeError(error)}\n`);
    return 1;
  }
}

process.exitCode = main();
