// Ends the process at once, also while names are looked up.

/**
 * Node's own exit waits for the threads that look up names, and a dead name server draws that out to ten seconds. The
 * system's own call ends them too; it runs no exit handlers, of which this daemon has none.
 */
export async function endProcess(code: number): Promise<never> {
  if (process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')) {
    const { default: koffi } = await import('koffi');
    koffi.load(null).func('void _exit(int code)')(code);
  }
  process.exit(code);
}
