export interface PolicyCase {
  readonly groups: readonly string[]
  readonly kind: 'table' | 'writable_table'
  readonly name: string
  readonly allowed: boolean
}

function every(
  allowed: boolean,
  groups: readonly string[][],
  kind: PolicyCase['kind'],
  names: readonly string[],
): PolicyCase[] {
  return groups.flatMap((held) => names.map((name) => ({ groups: held, kind, name, allowed })))
}

const MEMBERS = [['ads'], ['finance'], ['infra'], ['ads', 'finance']]

/** What the policies must say, as data: the tests run each through the kit's decision function. */
export const POLICY_CASES: readonly PolicyCase[] = [
  ...every(true, MEMBERS, 'table', ['tpch.orders', 'sandbox.budget_plan', 'sandbox.anything']),
  ...every(true, [['ads'], ['ads', 'finance']], 'table', ['ads.campaign_revenue', 'ads.campaigns', 'ads.unknown']),
  ...every(false, [['finance'], ['infra']], 'table', ['ads.campaign_revenue', 'ads.campaigns', 'ads.unknown']),
  ...every(false, [[], ['reviewers-security']], 'table', ['tpch.orders', 'sandbox.budget_plan', 'ads.campaigns']),
  ...every(false, MEMBERS, 'table', [
    'meta.table_facts',
    'information_schema.tables',
    'main.x',
    'tpchx.orders',
    'xtpch.orders',
    '.',
    '',
  ]),
  ...every(true, MEMBERS, 'writable_table', ['sandbox.budget_plan', 'sandbox.new']),
  ...every(false, MEMBERS, 'writable_table', ['tpch.orders', 'ads.campaigns', 'meta.table_facts', 'main.x']),
]
