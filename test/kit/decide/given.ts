import { type AccessPolicy, ServerRecord, type UserCaller, type WorkloadCaller } from '@gatehouse/contracts'

const digest = `sha256:${'0'.repeat(64)}`
export const NIGHTLY = 'spiffe://example.com/nightly'
export const PROBER = 'spiffe://example.com/prober'
export const STRANGER = 'spiffe://elsewhere.example/nightly'

/** A server with a tool that reads and one that writes, a prompt and a resource; open to ads and finance, anywhere but on the web. */
export function record(change: Partial<ServerRecord> = {}): ServerRecord {
  return {
    ...ServerRecord.parse({
      id: 'demo',
      name: 'dev.gatehouse/demo',
      title: 'Demo',
      description: 'A server',
      version: '1',
      url: 'http://127.0.0.1:1/mcp',
      owner: { team: 'demo', contact: 'demo@example.com' },
      support: { channel: '#demo-help' },
      environment: 'dev',
      surfaces: ['ide', 'cli', 'team-chat'],
      groups: ['ads', 'finance'],
      discoverable: true,
      status: 'listed',
      reviews: [],
      clients: [],
      surfaceDigest: digest,
      workloads: [
        { spiffeId: NIGHTLY, tools: ['look', 'change'] },
        { spiffeId: PROBER, tools: ['change'] },
      ],
      tools: [
        { name: 'look', digest, effect: 'read' },
        { name: 'change', digest, effect: 'write' },
      ],
      prompts: [{ name: 'look', digest }],
      resources: [{ name: 'look', uri: 'demo://look', digest }],
    }),
    ...change,
  }
}

export function person(change: Partial<UserCaller> = {}): UserCaller {
  return { kind: 'user', subject: 'ada', groups: ['ads'], client: 'cli', surface: 'cli', ...change }
}

export function service(spiffeId: string): WorkloadCaller {
  return { kind: 'workload', spiffeId }
}

/** The same policy for all that the server has. */
export function everywhere(policy: AccessPolicy) {
  return { tools: { look: policy, change: policy }, prompts: { look: policy }, resources: { look: policy } }
}
