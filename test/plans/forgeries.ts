export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export const STAGES = ['pending', 'approved', 'running', 'rejected', 'withdrawn', 'done'] as const
export type Stage = (typeof STAGES)[number]

/** What somebody who can write files, and has no key, does to a plan on disk. */
export interface Forgery {
  readonly id: string
  /** How far the first step had come. */
  readonly stage: Stage
  /**
   * Members of the file that are set, by path; `undefined` removes one. `first` and `second` in a path are the ids of the steps, `$first`,
   * `$second` and `$seal` (that of another plan) as a value likewise.
   */
  readonly members?: readonly (readonly [path: string, value: Json | undefined])[]
  /** Replacement in the text of the file. */
  readonly text?: readonly [from: string | RegExp, to: string]
  readonly swapSteps?: true
  readonly named?: 'as another plan'
  /** The file is another person's, as it is. */
  readonly sealedBy?: 'another person'
}

const AT = '2026-11-23T10:00:00.000Z'
const SECONDS = Date.parse(AT) / 1000
const receipt = (change: Record<string, Json> = {}) => ({
  jti: '6e0e7f6c-52f7-8f50-9a10-7c2fd1a0c0de',
  iat: SECONDS,
  exp: SECONDS + 600,
  ...change,
})
const approved = { kind: 'approved', at: AT }
const sent = { kind: 'approved', at: AT, receipt: receipt() }
const running = { kind: 'running', at: AT, receipt: receipt() }
const state = (value: Json) => [['states.first', value]] as const

export const FORGERIES: readonly Forgery[] = [
  { id: 'other arguments', stage: 'approved', members: [['plan.steps.0.arguments', { sql: 'DROP TABLE x' }]] },
  {
    id: 'other arguments in a step that was sent',
    stage: 'running',
    members: [['plan.steps.0.arguments.sql', 'DROP TABLE x']],
  },
  { id: 'an argument more', stage: 'approved', members: [['plan.steps.0.arguments.force', true]] },
  { id: 'no arguments', stage: 'approved', members: [['plan.steps.0.arguments', {}]] },
  { id: 'another tool', stage: 'approved', members: [['plan.steps.0.tool', 'drop_table']] },
  { id: 'another server', stage: 'approved', members: [['plan.steps.0.server', 'airflow']] },
  {
    id: 'another digest of the tool',
    stage: 'approved',
    members: [['plan.steps.0.toolDigest', `sha256:${'0'.repeat(64)}`]],
  },
  { id: 'another effect', stage: 'pending', members: [['plan.steps.0.effect', 'read']] },
  { id: 'another summary', stage: 'pending', members: [['plan.steps.0.summary', 'reads a table']] },
  { id: 'other things that it touches', stage: 'pending', members: [['touches.first', ['nothing']]] },
  { id: 'another id of a step', stage: 'approved', members: [['plan.steps.0.id', '$second']] },
  { id: 'its steps in another order', stage: 'approved', swapSteps: true },
  { id: 'a step less', stage: 'approved', members: [['plan.steps.length', 1]] },
  { id: 'another person', stage: 'approved', members: [['plan.createdBy', 'finn']] },
  { id: 'a later end', stage: 'approved', members: [['plan.expiresAt', '2027-11-23T10:00:00.000Z']] },
  { id: 'a later beginning', stage: 'approved', members: [['plan.createdAt', '2027-11-23T10:00:00.000Z']] },
  { id: 'another policy', stage: 'approved', members: [['plan.policyVersion', 'v2']] },
  { id: 'another surface', stage: 'approved', members: [['plan.surface', 'cli']] },
  { id: 'another origin', stage: 'approved', members: [['plan.origin', { door: 'command' }]] },
  { id: 'another id', stage: 'approved', members: [['plan.id', '00000000-0000-4000-8000-000000000000']] },
  { id: 'a pending step approved', stage: 'pending', members: state(approved) },
  { id: 'a pending step sent', stage: 'pending', members: state(sent) },
  { id: 'a pending step running', stage: 'pending', members: state(running) },
  { id: 'a pending step not orphaned', stage: 'pending', members: state({ kind: 'pending', orphaned: true }) },
  { id: 'a rejected step pending', stage: 'rejected', members: state({ kind: 'pending', orphaned: false }) },
  { id: 'a rejected step approved', stage: 'rejected', members: state(approved) },
  { id: 'a rejected step running', stage: 'rejected', members: state(running) },
  { id: 'a withdrawn step approved', stage: 'withdrawn', members: state(approved) },
  { id: 'a withdrawn step running', stage: 'withdrawn', members: state(running) },
  { id: 'a finished step approved', stage: 'done', members: state(approved) },
  { id: 'a finished step running', stage: 'done', members: state(running) },
  { id: 'an approved step running', stage: 'approved', members: state(running) },
  {
    id: 'an approved step finished',
    stage: 'approved',
    members: state({ kind: 'done', at: AT, outcome: 'ok', text: 'all is well' }),
  },
  { id: 'the other step running', stage: 'approved', members: [['states.second', running]] },
  {
    id: 'both steps running',
    stage: 'pending',
    members: [
      ['states.first', running],
      ['states.second', running],
    ],
  },
  {
    id: 'a new receipt for a step that was sent',
    stage: 'running',
    members: [['states.first.receipt.jti', receipt().jti]],
  },
  { id: 'a longer life of the receipt', stage: 'running', members: [['states.first.receipt.exp', SECONDS + 86_400]] },
  {
    id: 'a later receipt',
    stage: 'running',
    members: [['states.first.receipt', receipt({ iat: SECONDS + 600, exp: SECONDS + 1200 })]],
  },
  { id: 'no state', stage: 'approved', members: [['states.first', undefined]] },
  { id: 'a state of no kind', stage: 'approved', members: state({ kind: 'blessed' }) },
  { id: 'a field more', stage: 'approved', members: [['approvedBy', 'ada']] },
  { id: 'a field more in the plan', stage: 'approved', members: [['plan.approved', true]] },
  { id: 'another version', stage: 'approved', members: [['version', 2]] },
  { id: 'no seal', stage: 'approved', members: [['seal', undefined]] },
  { id: 'an empty seal', stage: 'approved', members: [['seal', '']] },
  { id: 'a seal that is a list', stage: 'approved', members: [['seal', ['']]] },
  { id: 'the seal of another plan', stage: 'approved', members: [['seal', '$seal']] },
  { id: 'a seal with padding', stage: 'approved', text: [/"seal":"([^"]+)"/, '"seal":"="'] },
  { id: 'the seal in capitals', stage: 'approved', text: [/"seal"/, '"SEAL"'] },
  { id: 'a key twice', stage: 'approved', text: ['"createdBy":"ada"', '"createdBy":"finn","createdBy":"ada"'] },
  { id: 'the plan twice', stage: 'approved', text: ['{"version":1,', '{"version":1,"plan":{},'] },
  {
    id: 'a key named __proto__',
    stage: 'approved',
    text: ['{"version":1,', '{"version":1,"__proto__":{"kind":"approved"},'],
  },
  { id: 'white space', stage: 'approved', text: ['{"version":1,', '{ "version":1,'] },
  { id: 'a letter as an escape', stage: 'approved', text: ['"createdBy":"ada"', String.raw`"createdBy":"\u0061da"`] },
  { id: 'data behind it', stage: 'approved', text: [/$/, '{}'] },
  { id: 'a newline behind it', stage: 'approved', text: [/$/, '\n'] },
  { id: 'a byte order mark', stage: 'approved', text: [/^/, '\ufeff'] },
  { id: 'its end cut off', stage: 'approved', text: [/.{40}$/, ''] },
  { id: 'nothing in it', stage: 'approved', text: [/^.*$/s, ''] },
  { id: 'a list in it', stage: 'approved', text: [/^.*$/s, '[]'] },
  { id: 'null in it', stage: 'approved', text: [/^.*$/s, 'null'] },
  { id: 'the name of another plan', stage: 'running', named: 'as another plan' },
  { id: 'the seal of another person', stage: 'running', sealedBy: 'another person' },
]
