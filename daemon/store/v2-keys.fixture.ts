// Another client of etcd v2, for tests: writes whatever it is told.

export interface V2Keys {
  /** Without a time to live, unless one is given in seconds. */
  put(key: string, value: string, ttl?: number): Promise<void>;
  /** Also a directory with all in it; what is not there is no error. */
  delete(key: string): Promise<void>;
  get(key: string): Promise<{ value?: string; ttl?: number } | undefined>;
  /** etcd keeps 1000 changes: makes as many elsewhere. */
  clearHistory(): Promise<void>;
}

export function createV2Keys(endpoint: string, headers: Record<string, string> = {}): V2Keys {
  const at = (key: string) => `${endpoint}/v2/keys${key.split('/').map(encodeURIComponent).join('/')}`;

  async function put(key: string, value: string, ttl?: number): Promise<void> {
    const form = { value, ...(ttl === undefined ? {} : { ttl: String(ttl) }) };
    const answer = await fetch(at(key), { method: 'PUT', headers, body: new URLSearchParams(form) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`put ${key}: ${text}`);
  }

  return {
    put,
    async delete(key) {
      const answer = await fetch(`${at(key)}?recursive=true`, { method: 'DELETE', headers });
      const text = await answer.text();
      if (!answer.ok && answer.status !== 404) throw new Error(`delete ${key}: ${text}`);
    },
    async get(key) {
      const answer = await fetch(`${at(key)}?quorum=true`, { headers });
      const { node } = (await answer.json()) as { node?: { value?: string; ttl?: number } };
      return node;
    },
    async clearHistory() {
      const writers = Array.from({ length: 50 }, async (_, writer) => {
        for (let times = 0; times < 21; times++) await put(`/elsewhere/${writer}`, String(times));
      });
      await Promise.all(writers);
    },
  };
}
