import { everything, matrix, no, noThisTime, outside, prompt, resource, scopes, tool, unknown, YES } from '../case.ts'

const NOT_AVAILABLE = (rule: string) => outside(rule, 'not available')

const VAULT_THINGS = [tool('index'), tool('rotation'), tool('no_such_tool'), prompt('briefing')]

export const VAULT = [
  ...matrix(
    'vault',
    ['vera in the editor', 'lena in the editor'],
    [
      [tool('index'), YES, YES],
      [tool('rotation'), unknown('tool', 'tool-groups'), YES],
      [tool('trail'), YES, unknown('tool', 'tool-policy-roles')],
      [tool('no_such_tool'), unknown('tool', 'unknown_tool'), unknown('tool', 'unknown_tool')],
      [prompt('briefing'), unknown('prompt', 'prompt-groups'), YES],
      [prompt('no_such_prompt'), unknown('prompt', 'unknown_prompt'), unknown('prompt', 'unknown_prompt')],
      [resource('register', 'vault://register'), unknown('resource', 'resource-groups'), YES],
      [
        resource('vault://other', 'vault://other'),
        unknown('resource', 'unknown_resource'),
        unknown('resource', 'unknown_resource'),
      ],
    ],
  ),
  ...everything('vault', VAULT_THINGS, {
    'ada in the editor': NOT_AVAILABLE('server-groups'),
    'carl in the editor': NOT_AVAILABLE('server-groups'),
    'vera on the command line': NOT_AVAILABLE('server-surface'),
  }),
]

const TREASURER = no('tool-policy-roles', 'needs one of the roles treasurer, auditor; ask #treasury')
const PUBLIC_ONLY = noThisTime('tool-arguments', 'denied', 'the argument table must be public.*; ask #treasury')

export const TREASURY = [
  ...matrix(
    'treasury',
    ['finn on the command line', 'otto on the command line'],
    [
      [tool('positions'), YES, YES],
      [tool('forecast'), TREASURER, YES],
      [tool('statement', { table: 'public.rates' }), YES, YES],
      [tool('statement', { table: 'private.rates' }), PUBLIC_ONLY, PUBLIC_ONLY],
      [tool('no_such_tool'), unknown('tool', 'unknown_tool'), unknown('tool', 'unknown_tool')],
    ],
  ),
  ...everything('treasury', [tool('positions'), tool('forecast')], {
    'finn in the editor': outside('server-surface', 'works only from cli; ask #treasury'),
    'ada on the command line': outside('server-groups', 'needs the group finance; ask #treasury'),
    'ines on the command line': outside('server-groups', 'needs the group finance; ask #treasury'),
    // Neither its group nor its surface: the group is told.
    'ada in the editor': outside('server-groups', 'needs the group finance; ask #treasury'),
  }),
]

const DRAFT = no('drafts', 'drafts are for their authors; ask #almanac')
const ADS_TABLE = noThisTime(undefined, 'table_denied', 'only the ads team may read it; ask #almanac')

const PROMPT_SCOPES = scopes('prompt', 'needs a token with the scopes almanac:digest; ask #almanac')
const RESOURCE_SCOPES = scopes('resource', 'needs a token with the scopes almanac:archive; ask #almanac')
const NEWS = no('prompt-policy-groups', 'needs the group ads; ask #almanac')
const OUTLOOK = no('prompt-policy-roles', 'needs the role analyst; ask #almanac')
const NOTES = no('prompt-policy-surface', 'works only from ide; ask #almanac')
const BUDGET = no('resource-policy-groups', 'needs the group finance; ask #almanac')
const UNSEEN = unknown('prompt', 'prompt-recorded')
const SKETCH = unknown('resource', 'resource-recorded')

/** Rules of the server's own, of its tools and of what its tools read. */
export const ALMANAC = [
  ...matrix(
    'almanac',
    ['ada in the editor', 'finn in the editor', 'ines in the editor', 'ines on the command line'],
    [
      [tool('today'), YES, YES, YES, YES],
      [tool('draft'), DRAFT, DRAFT, YES, YES],
      [tool('read_table', { table: 'open.weather' }), YES, YES, YES, YES],
      [tool('read_table', { table: 'ads.spend' }), YES, ADS_TABLE, ADS_TABLE, ADS_TABLE],
      [prompt('ads_news'), YES, NEWS, NEWS, NEWS],
      [prompt('outlook'), OUTLOOK, YES, OUTLOOK, OUTLOOK],
      [prompt('notes'), YES, YES, YES, NOTES],
      [prompt('digest'), PROMPT_SCOPES, PROMPT_SCOPES, PROMPT_SCOPES, PROMPT_SCOPES],
      [prompt('unseen'), UNSEEN, UNSEEN, UNSEEN, UNSEEN],
      [resource('budget', 'almanac://budget'), BUDGET, YES, BUDGET, BUDGET],
      [resource('archive', 'almanac://archive'), RESOURCE_SCOPES, RESOURCE_SCOPES, RESOURCE_SCOPES, RESOURCE_SCOPES],
      [resource('sketch', 'almanac://sketch'), SKETCH, SKETCH, SKETCH, SKETCH],
    ],
  ),
  ...everything('almanac', [tool('today'), tool('draft')], {
    'vera in the editor': outside('server-groups', 'needs one of the groups ads, finance, infra; ask #almanac'),
  }),
]

/** Callers whom no rule gets to see: their client is not registered for the server. */
export const STRANGERS = everything('presto', [tool('search'), tool('ads_report')], {
  'ada with a client that nobody knows': {
    kind: 'refused',
    code: 'client_unknown',
    reason: 'the client is not registered for this server',
    rule: 'client_unknown',
    listed: false,
    status: 403,
  },
})
