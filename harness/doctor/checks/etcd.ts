// Whether etcd answers, has the configuration, and agrees about the time.
import { blocks, type Check, configOf, membership, ok, unknown, warning } from '../check.ts';

const giveEndpoints = 'npm run lab -- doctor --host --etcd-endpoints http://127.0.0.1:2379';

export const etcdAnswers: Check = {
  name: 'etcd',
  purposes: ['host'],
  why: 'without it flanneld waits, and docker0 has no subnet',
  judge: facts => {
    if (facts.etcd.length === 0) return unknown('not asked: no endpoints were given', giveEndpoints);
    const silent = facts.etcd.flatMap(({ url, answer }) =>
      answer.state === 'unreadable' ? [`${url}: ${answer.why}`] : [],
    );
    const [first] = facts.etcd;
    if (silent.length === facts.etcd.length) return blocks(silent.join('; '), `curl ${first?.url}/health`);
    if (silent.length > 0) return warning(silent.join('; '), 'etcdctl endpoint health --cluster');
    if (facts.config.state !== 'read')
      return warning(
        'answers, and has no configuration below the prefix',
        `etcdctl put /coreos.com/network/config '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}'`,
      );
    const { networkText, backend } = membership(facts);
    if (!configOf(facts) || !networkText)
      return warning(
        `its configuration cannot be read: ${facts.config.text}`,
        'etcdctl get --prefix /coreos.com/network/config',
      );
    return ok(`answers, with ${networkText} and backend ${backend}`);
  },
};

/** In seconds: more is no accident of the network; half an hour is half of the time in which leases are renewed. */
const [much, tooMuch] = [5, 1800];

export const clock: Check = {
  name: 'clock',
  purposes: ['host'],
  why: "Go's flanneld renews its lease by its own clock, and certificates are valid by it",
  judge: facts => {
    if (facts.etcd.length === 0) return unknown('not compared: no endpoints were given', giveEndpoints);
    const told = facts.etcd.flatMap(({ url, ahead }) => (ahead ? [{ url, ...ahead }] : []));
    const [furthest] = told.toSorted((a, b) => Math.abs(b.seconds) - Math.abs(a.seconds));
    if (!furthest) return unknown('etcd told no time', giveEndpoints);
    const { seconds, give, url } = furthest;
    const off = Math.abs(seconds) - give;
    if (off <= 1) return ok(`within ${Math.max(1, Math.ceil(Math.abs(seconds) + give))} s of etcd`);
    const saw = `${Math.round(Math.abs(seconds))} s ${seconds > 0 ? 'behind' : 'ahead of'} etcd at ${url}`;
    if (off < much) return ok(saw);
    const fix = 'timedatectl set-ntp true';
    return off < tooMuch ? warning(saw, fix) : blocks(saw, fix);
  },
};
