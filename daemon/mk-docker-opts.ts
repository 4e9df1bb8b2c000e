// mk-docker-opts: writes dockerd's options for the subnet of this node; takes the place of upstream's shell script.
import { existsSync, readFileSync } from 'node:fs';
import { describeError } from '../lib/errors.ts';
import { formatCidr, parseCidr } from '../lib/ip.ts';
import { writeAtomically } from './app/files.ts';
import { dockerOpts } from './model/docker-opts.ts';
import { parseEnvFile } from './model/env-file.ts';
import { gatewayRoutes } from './model/kernel-routes.ts';

const usage = `mk-docker-opts [-f FLANNEL-ENV-FILE] [-d DOCKER-ENV-FILE] [-i] [-c] [-m] [-6] [-k COMBINED-KEY]

Writes Docker daemon options made from flannel's environment file.
  -f  flannel's file, /run/flannel/subnet.env by default
  -d  file to write, /run/docker_opts.env by default
  -i  each option as a variable of its own, e.g. DOCKER_OPT_MTU="--mtu=1450"
  -c  all options in one variable; with neither -i nor -c, both
  -k  name of that variable, DOCKER_OPTS by default
  -m  leave out --ip-masq
  -6  options for IPv6, too, when the subnet file has an IPv6 subnet
`;

interface Arguments {
  flannelFile: string;
  dockerFile: string;
  key: string;
  individual: boolean;
  combined: boolean;
  ipMasq: boolean;
  ipv6: boolean;
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
    ipv6: false,
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
      else if (option === '6') result.ipv6 = true;
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
  try {
    return parseEnvFile(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(
      `cannot read flannel's file; flanneld writes it once it has a subnet: ${describeError(error)}`,
    );
  }
}

function writeOptions(path: string, text: string): void {
  try {
    writeAtomically(path, text);
  } catch (error) {
    throw new Error(`cannot write ${path}: ${describeError(error)}`);
  }
}

/**
 * A route through a gateway to our own subnet takes docker0's packets away, which upstream's script looks for, too. It
 * is a warning, because everything that was asked for was done, and a unit must not fail for it.
 */
function warnOfRoute(subnet: string | undefined): void {
  const own = subnet && parseCidr(subnet);
  const table = '/proc/net/route';
  if (!own || !existsSync(table)) return;
  const route = gatewayRoutes(readFileSync(table, 'utf8')).find(({ to }) => to === formatCidr(own));
  if (route)
    process.stderr.write(
      `mk-docker-opts: warning: there is a route to ${route.to} already, via ${route.via} dev ${route.dev}\n`,
    );
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
    const variables = new Map([...environment, ...file]);
    const result = dockerOpts(variables, given);
    if ('problem' in result) throw new Error(result.problem);
    writeOptions(given.dockerFile, result.text);
    warnOfRoute(variables.get('FLANNEL_SUBNET'));
    return 0;
  } catch (error) {
    process.stderr.write(`mk-docker-opts: ${describeError(error)}\n`);
    return 1;
  }
}

process.exitCode = main();
