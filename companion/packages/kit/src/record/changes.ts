import { canonicalJson, type ServerRecord } from '@gatehouse/contracts'

/** Of what a client keeps lists. */
export type ListKind = 'tools' | 'prompts' | 'resources'

const KINDS: readonly ListKind[] = ['tools', 'prompts', 'resources']

/** The lists that may look different to somebody under the new record. */
export function changedLists(before: ServerRecord, after: ServerRecord): readonly ListKind[] {
  const access = ({ status, groups, surfaces, channels, workloads }: ServerRecord) =>
    canonicalJson([status, groups, surfaces, channels, workloads])
  if (access(before) !== access(after)) return KINDS
  return KINDS.filter((kind) => canonicalJson(before[kind]) !== canonicalJson(after[kind]))
}
