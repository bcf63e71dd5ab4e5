import {
  everything,
  matrix,
  no,
  noThisTime,
  outside,
  prompt,
  resource,
  scopes,
  template,
  tool,
  unknown,
  YES,
} from '../case.ts'

const NEEDS_ADS = 'needs the group ads; ask #presto-help'
const NEEDS_FINANCE = 'needs the group finance; ask #presto-help'
const NEEDS_ANALYST = 'needs the role analyst; ask #presto-help'

const NOT_ADS = no('tool-groups', NEEDS_ADS)
const NOT_FINANCE = no('tool-policy-groups', NEEDS_FINANCE)
const NOT_FINANCE_EXPORT = no('tool-groups', NEEDS_FINANCE)
const NO_ROLE = no('tool-policy-roles', NEEDS_ANALYST)
const NO_SCOPE = scopes('tool', 'needs a token with the scopes presto:export; ask #presto-help')
const NO_SCOPES = scopes('tool', 'needs a token with the scopes presto:export, presto:bulk; ask #presto-help')
const EDITOR_ONLY = no('tool-policy-surface', 'works only from ide; ask #presto-help')
/** What reviewers never saw is there for nobody. */
const UNREVIEWED = unknown('tool', 'tool-recorded')
const APPROVAL = noThisTime(undefined, 'approval_required', 'this call needs the approval of a person')
const WRONG_TABLE = noThisTime(
  'tool-arguments',
  'denied',
  'the argument table must be one of sandbox.*, ads.public_*; ask #presto-help',
)

/** Inside the server: what each tool, prompt and resource demands. */
const INSIDE = matrix(
  'presto',
  [
    'ada in the editor',
    'finn in the editor',
    'otto in the editor',
    'otto in the editor, to export',
    'ada on the command line',
    'finn on the command line',
    'ada with a client that registered itself',
  ],
  [
    [tool('search'), YES, YES, YES, YES, YES, YES, YES],
    [tool('ads_report'), YES, NOT_ADS, YES, YES, YES, NOT_ADS, YES],
    [tool('ledger'), NOT_FINANCE, YES, YES, YES, NOT_FINANCE, YES, NOT_FINANCE],
    [tool('pivot'), NO_ROLE, YES, NO_ROLE, NO_ROLE, NO_ROLE, YES, NO_ROLE],
    [tool('export'), NO_SCOPE, NO_SCOPE, NO_SCOPE, YES, NO_SCOPE, NO_SCOPE, NO_SCOPE],
    [
      tool('export_ledger'),
      NOT_FINANCE_EXPORT,
      NO_SCOPES,
      NO_SCOPES,
      NO_SCOPES,
      NOT_FINANCE_EXPORT,
      NO_SCOPES,
      NOT_FINANCE_EXPORT,
    ],
    [tool('preview'), YES, YES, YES, YES, EDITOR_ONLY, EDITOR_ONLY, EDITOR_ONLY],
    [tool('hidden'), UNREVIEWED, UNREVIEWED, UNREVIEWED, UNREVIEWED, UNREVIEWED, UNREVIEWED, UNREVIEWED],
    [tool('freshness'), YES, YES, YES, YES, YES, YES, YES],
    [tool('rebuild'), APPROVAL, APPROVAL, APPROVAL, APPROVAL, APPROVAL, APPROVAL, APPROVAL],
    [tool('compute', { cost: 10 }), YES, YES, YES, YES, YES, YES, YES],
    [tool('compute', { cost: 11 }), APPROVAL, APPROVAL, APPROVAL, APPROVAL, APPROVAL, APPROVAL, APPROVAL],
    [prompt('review'), YES, YES, YES, YES, YES, YES, YES],
    [prompt('ads_review'), YES, no('prompt-groups', NEEDS_ADS), YES, YES, YES, no('prompt-groups', NEEDS_ADS), YES],
    [resource('glossary', 'presto://glossary'), YES, YES, YES, YES, YES, YES, YES],
    [
      resource('budget', 'presto://budget'),
      no('resource-groups', NEEDS_FINANCE),
      YES,
      YES,
      YES,
      no('resource-groups', NEEDS_FINANCE),
      YES,
      no('resource-groups', NEEDS_FINANCE),
    ],
    [
      template('table', 'presto://tables/spend'),
      no('resource-policy-roles', NEEDS_ANALYST),
      YES,
      no('resource-policy-roles', NEEDS_ANALYST),
      no('resource-policy-roles', NEEDS_ANALYST),
      no('resource-policy-roles', NEEDS_ANALYST),
      YES,
      no('resource-policy-roles', NEEDS_ANALYST),
    ],
  ],
)

/** A condition on an argument holds at the call, and not for those whose group lifts it. */
const ARGUMENTS = matrix(
  'presto',
  ['ada in the editor', 'finn in the editor', 'ada on the command line'],
  [
    [tool('sandbox'), YES, YES, YES],
    [tool('sandbox', { table: 'sandbox.notes' }), YES, YES, YES],
    [tool('sandbox', { table: 'ads.public_spend' }), YES, YES, YES],
    [tool('sandbox', { table: 'ads.private_spend' }), WRONG_TABLE, YES, WRONG_TABLE],
    [tool('sandbox', { table: 'Sandbox.notes' }), WRONG_TABLE, YES, WRONG_TABLE],
    [tool('sandbox', { table: ' sandbox.notes' }), WRONG_TABLE, YES, WRONG_TABLE],
    [tool('sandbox', { table: 'sandbox' }), WRONG_TABLE, YES, WRONG_TABLE],
    [tool('sandbox', { table: '' }), WRONG_TABLE, YES, WRONG_TABLE],
    [tool('sandbox', { table: '*' }), WRONG_TABLE, YES, WRONG_TABLE],
  ],
)

/** What a scope is for, once nothing else is missing. */
const SCOPES = [
  ...matrix(
    'presto',
    ['otto in the editor, to export in bulk', 'finn on the command line, to export'],
    [
      [tool('export'), YES, YES],
      [tool('export_ledger'), YES, NO_SCOPES],
    ],
  ),
  // A wide token does not make a member of a group.
  ...everything('presto', [tool('export_ledger')], {
    'ada in the editor, to export in bulk': NOT_FINANCE_EXPORT,
  }),
]

const OUTSIDE_GROUPS = outside('server-groups', 'needs one of the groups ads, finance; ask #presto-help')
const OUTSIDE_SURFACE = outside('server-surface', 'works only from ide, cli; ask #presto-help')

/** Before the server: not its groups, or not its surfaces. The group is told first. */
const OUTSIDE = everything(
  'presto',
  [tool('search'), tool('rebuild'), tool('no_such_tool'), prompt('review'), resource('glossary', 'presto://glossary')],
  {
    'carl in the editor': OUTSIDE_GROUPS,
    'ines in the editor': OUTSIDE_GROUPS,
    'ada on a web page': OUTSIDE_SURFACE,
    'ada in #support-ads': OUTSIDE_SURFACE,
    'ines in #support-infra': OUTSIDE_GROUPS,
  },
)

export const PRESTO = [...INSIDE, ...ARGUMENTS, ...SCOPES, ...OUTSIDE]
