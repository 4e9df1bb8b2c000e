// The tests that CI may skip, each with its reason, and nothing else: what is skipped shows nothing. Pure.

export interface MaySkip {
  /** In the project and name of the test, as a vitest report has them. */
  readonly test: RegExp;
  readonly because: string;
}

export const maySkip: readonly MaySkip[] = [
  {
    test: /^contract: host skipped: this kernel has no ipip /,
    because:
      'kernels of hosted runners and small machines come without the module ipip; the fake passes the same suite',
  },
  {
    test: /^contract: netns > restart-docker /,
    because: 'netns nodes have no dockerd; the same suite restarts that of docker nodes',
  },
  {
    test: /^contract: (.* > a (policy of IPsec|rule of routing) |an instance is there while somebody listens)/,
    because: 'only the drop tracepoint tells these causes, and not every machine lets us listen to it',
  },
  {
    test: /^scenarios: mixed skipped: PEER_FLANNELD_071 names no /,
    because: 'a binary of flannel 0.7.1 is nowhere to be had but from its makers; whoever has one names it',
  },
  {
    test: /^(scenarios|museum): left out by (DRIVER|BACKEND)=/,
    because: 'whoever runs one platform has asked for that; CI runs all',
  },
];

/** Those of the skipped tests (`contract: block > name`) that nothing allows to be skipped. */
export function notAllowed(
  skipped: readonly string[],
  list: readonly MaySkip[] = maySkip,
): readonly string[] {
  return skipped.filter(name => !list.some(({ test }) => test.test(name)));
}
