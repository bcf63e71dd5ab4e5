import type { ServerRecord } from '@gatehouse/contracts'

/** A record fit for the local registry; digests are of no real server. */
export function sampleRecord(id: string, change: Partial<ServerRecord> = {}): ServerRecord {
  const digest = `sha256:${'0'.repeat(64)}` as const
  return {
    id,
    name: `dev.gatehouse/${id}`,
    title: id,
    description: 'A sample server.',
    version: '1.0.0',
    url: `http://127.0.0.1:9/${id}/mcp`,
    owner: { team: 'Data Platform', contact: 'data-platform@example.com' },
    support: { channel: '#data-platform' },
    environment: 'production',
    surfaces: ['ide'],
    channels: [],
    groups: ['ads'],
    dataClasses: [],
    discoverable: true,
    public: false,
    status: 'listed',
    reviews: [],
    clients: [{ clientId: 'gatehouse-vscode', surface: 'ide', bearer: false }],
    surfaceDigest: digest,
    tools: [{ name: 'search', digest, effect: 'read', groups: [], minutesSaved: 1 }],
    prompts: [],
    resources: [],
    workloads: [],
    ...change,
  }
}
