import { everything, matrix, no, noThisTime, outside, prompt, resource, tool, YES } from '../case.ts'

const INFRA_CHANNEL = no('tool-policy-channel', 'works only in the channels #support-infra; ask #runbooks-help')
const CHAT_ONLY = no('tool-policy-surface', 'works only from team-chat; ask #runbooks-help')
const EDITOR_ONLY = no('tool-policy-surface', 'works only from ide; ask #runbooks-help')
const NEEDS_INFRA = no('tool-groups', 'needs the group infra; ask #runbooks-help')
const PROMPT_CHANNEL = no('prompt-policy-channel', 'works only in the channels #support-infra; ask #runbooks-help')
const ROTA_EDITOR_ONLY = no('resource-policy-surface', 'works only from ide; ask #runbooks-help')
const APPROVAL = noThisTime(undefined, 'approval_required', 'this call needs the approval of a person')

const BOARD_CHANNEL = no('resource-policy-channel', 'works only in the channels #support-infra; ask #runbooks-help')
const BOARD = resource('board', 'runbooks://board')
const ROTA = resource('rota', 'runbooks://rota')

/** An editor has no channels, and what demands one is open to it; a bot has to be in the right one. */
const INSIDE = matrix(
  'runbooks',
  [
    'ines in the editor',
    'ada in the editor',
    'ines in #support-infra',
    'ines in #support-ads',
    'ada in #support-ads',
    'ines at the desk in #support-infra',
    'ines in a shared editor in #support-infra',
    'ines in a shared editor in no channel',
  ],
  [
    [tool('find_runbook'), YES, YES, YES, YES, YES, YES, YES, YES],
    [tool('oncall'), YES, YES, YES, INFRA_CHANNEL, INFRA_CHANNEL, YES, YES, YES],
    [tool('diagnose'), CHAT_ONLY, CHAT_ONLY, YES, YES, YES, YES, CHAT_ONLY, CHAT_ONLY],
    [tool('topology'), YES, NEEDS_INFRA, YES, YES, NEEDS_INFRA, YES, YES, YES],
    [tool('restart'), APPROVAL, APPROVAL, EDITOR_ONLY, EDITOR_ONLY, EDITOR_ONLY, EDITOR_ONLY, APPROVAL, APPROVAL],
    [prompt('handover'), YES, YES, YES, PROMPT_CHANNEL, PROMPT_CHANNEL, YES, YES, YES],
    [BOARD, YES, YES, YES, BOARD_CHANNEL, BOARD_CHANNEL, YES, YES, YES],
    [ROTA, YES, YES, ROTA_EDITOR_ONLY, ROTA_EDITOR_ONLY, ROTA_EDITOR_ONLY, ROTA_EDITOR_ONLY, YES, YES],
  ],
)

const NO_CHANNEL = outside(
  'server-channel',
  'works only in the channels #support-ads, #support-infra; ask #runbooks-help',
)
const NO_GROUP = outside('server-groups', 'needs one of the groups infra, ads; ask #runbooks-help')
const NO_SURFACE = outside('server-surface', 'works only from ide, team-chat; ask #runbooks-help')

/** A channel counts only where the client's registration says that it is signed. */
const OUTSIDE = everything('runbooks', [tool('find_runbook'), prompt('handover'), ROTA], {
  'ines in #random': NO_CHANNEL,
  'ines in no channel': NO_CHANNEL,
  'ines with a channel in a header': NO_CHANNEL,
  'ines with a channel in the token of a client that signs proofs': NO_CHANNEL,
  'ines at the desk in #random': NO_CHANNEL,
  'ines at the desk in no channel': NO_CHANNEL,
  'ines in a shared editor in #random': NO_CHANNEL,
  'finn in #support-ads': NO_GROUP,
  'finn in the editor': NO_GROUP,
  'ines on the command line': NO_SURFACE,
})

export const RUNBOOKS = [...INSIDE, ...OUTSIDE]
