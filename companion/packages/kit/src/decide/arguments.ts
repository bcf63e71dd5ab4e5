import type { AccessPolicy, ArgumentCondition, Caller } from '@gatehouse/contracts'

/** Arguments of a call after validation, defaults filled in. */
export type CallArguments = Readonly<Record<string, unknown>>

/** The name of the first argument whose condition the call does not meet, if any. */
export function unmetArgument(
  policy: AccessPolicy | undefined,
  caller: Caller,
  args: CallArguments | undefined,
): string | undefined {
  if (!policy?.arguments || !args) return undefined
  return Object.entries(policy.arguments).find(
    ([name, condition]) => !exempt(condition, caller) && !meets(condition, name, args),
  )?.[0]
}

/** Of the arguments, those at the top that have a text: strings, numbers and booleans. */
export function textsOf(args: CallArguments): [name: string, text: string][] {
  return Object.entries(args).flatMap(([name, value]): [string, string][] => {
    const text = textOf(value)
    return text === undefined ? [] : [[name, text]]
  })
}

function exempt({ unlessGroups = [] }: ArgumentCondition, caller: Caller): boolean {
  return caller.kind === 'user' && unlessGroups.some((group) => caller.groups.includes(group))
}

/** An argument that is not given meets everything; one that has no text, null among them, meets nothing. */
function meets({ like }: ArgumentCondition, name: string, args: CallArguments): boolean {
  if (!Object.hasOwn(args, name) || args[name] === undefined) return true
  const text = textOf(args[name])
  return text !== undefined && like.some((pattern) => matches(pattern, text))
}

function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'boolean':
      return String(value)
    default:
      return undefined
  }
}

/**
 * Whether `*` in the pattern can stand for what makes it the text; nothing else in it is special. Each literal part is looked for once, from the
 * left, so that no pattern makes it slow.
 */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return text === first
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let from = first.length
  for (const part of rest) {
    const found = text.indexOf(part, from)
    if (found < 0 || found + part.length > end) return false
    from = found + part.length
  }
  return true
}
