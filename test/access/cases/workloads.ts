import { everything, matrix, no, noThisTime, outside, prompt, resource, tool, YES } from '../case.ts'

/** A service may do three things at once or nothing: its id is recorded for the tool, the tool's policy admits it, and the tool only reads. */
const NOT_RECORDED = no('tool-workload', 'the tool is not open to this workload; ask #presto-help')
const NO_WRITE = no('workload-write', 'a workload may not change anything')
/** Prompts and resources are for people. */
const NEVER = (what: string) => no('default', `${what} is not available to you; ask #presto-help`)

const INSIDE = matrix(
  'presto',
  ['the nightly job', 'the nightly job by token', 'the reports job'],
  [
    [tool('freshness'), YES, YES, NOT_RECORDED],
    [tool('heartbeat'), YES, YES, NOT_RECORDED],
    [tool('compute', { cost: 10 }), YES, YES, NOT_RECORDED],
    [tool('search'), NOT_RECORDED, NOT_RECORDED, NOT_RECORDED],
    [tool('ads_report'), NOT_RECORDED, NOT_RECORDED, NOT_RECORDED],
    [tool('rebuild'), NO_WRITE, NO_WRITE, NOT_RECORDED],
    [prompt('review'), NEVER('prompt review'), NEVER('prompt review'), NEVER('prompt review')],
    [
      resource('glossary', 'presto://glossary'),
      NEVER('resource glossary'),
      NEVER('resource glossary'),
      NEVER('resource glossary'),
    ],
  ],
)

/** Recorded as one that reads, but this very call would do more. */
const DEAR = everything('presto', [tool('compute', { cost: 11 })], {
  'the nightly job': noThisTime('workload-write', 'denied', 'a workload may not change anything'),
})

const UNKNOWN = outside('server-workload', 'the server is not open to this workload; ask #presto-help')

const OUTSIDE = [
  ...everything('presto', [tool('freshness'), prompt('review')], { 'a job that nobody recorded': UNKNOWN }),
  ...everything('runbooks', [tool('find_runbook')], {
    'the nightly job': outside('server-workload', 'the server is not open to this workload; ask #runbooks-help'),
  }),
  ...everything('vault', [tool('index')], { 'the nightly job': outside('server-workload', 'not available') }),
]

export const WORKLOADS = [...INSIDE, ...DEAR, ...OUTSIDE]
